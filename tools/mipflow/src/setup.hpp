// SPDX-License-Identifier: GPL-3.0-or-later
// `mipflow setup`: the files that a daemon does not start without.
#pragma once

#include <string>
#include <vector>

#include "mipflow/tools/command.hpp"

namespace mipflow::tools {

// `arguments` with the word `setup`. Returns an ExitCode; unless it is kExitDone, nothing was written.
int run_setup(const std::vector<std::string>& arguments, const Console& console);

}  // namespace mipflow::tools
