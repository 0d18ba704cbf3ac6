// SPDX-License-Identifier: GPL-3.0-or-later
// `mipflow run`: a program whose flows go their own way.
#pragma once

#include <string>
#include <vector>

#include "mipflow/tools/command.hpp"

namespace mipflow::tools {

// Of `mipflow run` itself, as other programs that start programs have them (env, timeout): all others are the program's.
enum RunExitCode : int {
  kExitRunFailed = 125,         // wrong usage, no daemon, or the daemon refused; the program was not started
  kExitProgramNotStarted = 126,
  kExitProgramNotFound = 127,
};

// Becomes the program when all goes well, and then does not return.
int run_program(const std::vector<std::string>& arguments, const Console& console);

}  // namespace mipflow::tools
