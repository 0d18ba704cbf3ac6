// SPDX-License-Identifier: GPL-3.0-or-later
// The `mipflow` command as a function.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace mipflow::tools {

// What scripts may rely on. `mipflow decode` has its own meaning of 1: a packet was invalid.
enum ExitCode : int {
  kExitDone = 0,
  kExitRefused = 1,       // the daemon, or a check, said no; the message says why
  kExitUsage = 2,         // the command line makes no sense
  kExitNoDaemon = 3,      // nobody answers at the socket
  kExitNotKept = 4,       // `flow try --keep-if-better`: the flow is back, it was no better there
};

struct Console {
  std::ostream& out;
  std::ostream& err;
  bool terminal = false;  // `out` is a terminal: headings may be set off
  int input = -1;         // descriptor of the terminal that the user types at; -1: nobody is there to be asked
};

// Runs one command, `arguments` without the program's name. Never throws.
int run_command(const std::vector<std::string>& arguments, const Console& console);

}  // namespace mipflow::tools
