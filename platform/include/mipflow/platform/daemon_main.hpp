// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <vector>

#include "mipflow/base/expected.hpp"
#include "mipflow/platform/configuration.hpp"
#include "mipflow/platform/daemon_options.hpp"
#include "mipflow/platform/failure.hpp"

namespace mipflow::platform {

// What one daemon does in its own way.
struct DaemonWork {
  // Runs the daemon until it is stopped. The refusal is why it could not start.
  using Run = std::function<Result<void>()>;

  DaemonName name;
  // Reads every file that the options and the configuration name, and touches nothing else.
  std::function<Expected<Run, ConfigurationErrors>(const DaemonOptions&)> load;
  // --clean-up: takes out of the kernel what a daemon that died left there. Nothing there is no failure.
  std::function<void(const DaemonOptions&, std::vector<Failure>&)> take_back;
};

// The main() of every daemon: command line, --check, --clean-up, and what the exit status says (docs/operations.md): 0 done;
// 1 it can not run here, or failed; 2 the command line is wrong; 78 (EX_CONFIG of sysexits.h) the configuration is.
int daemon_main(int argc, char** argv, const DaemonWork& work);

}  // namespace mipflow::platform
