// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <linux/capability.h>

#include <filesystem>
#include <functional>
#include <vector>

#include "mipflow/base/expected.hpp"
#include "mipflow/platform/configuration.hpp"
#include "mipflow/platform/daemon_options.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/helpers.hpp"
#include "mipflow/platform/privileges.hpp"

namespace mipflow::platform {

// What one daemon does in its own way.
struct DaemonWork {
  // Runs the daemon until it is stopped. The refusal is why it could not start.
  using Run = std::function<Result<void>(const Helpers&)>;
  struct Loaded {
    Run run;
    std::filesystem::path state_directory;  // what it writes to; empty: it keeps nothing
  };

  DaemonName name;
  // What it keeps of root's rights; docs/decisions/0025-least-privilege.md says what for.
  Capabilities capabilities;
  bool looks_at_programs = false;  // and so needs the helpers
  // Reads every file that the options and the configuration name, and touches nothing else.
  std::function<Expected<Loaded, ConfigurationErrors>(const DaemonOptions&)> load;
  // --clean-up: takes out of the kernel what a daemon that died left there. Nothing there is no failure.
  std::function<void(const DaemonOptions&, std::vector<Failure>&)> take_back;
};

// What every daemon needs: devices, routes, rules; packets of its own making; the data path and its verifier's look at pointers.
inline constexpr Capabilities kCapabilitiesOfAll{CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF, CAP_PERFMON};

// The main() of every daemon: command line, --check, --clean-up, giving up root's rights, and what the exit status says (docs/operations.md): 0 done;
// 1 it can not run here, or failed; 2 the command line is wrong; 78 (EX_CONFIG of sysexits.h) the configuration is.
int daemon_main(int argc, char** argv, const DaemonWork& work);

}  // namespace mipflow::platform
