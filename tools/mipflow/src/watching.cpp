// SPDX-License-Identifier: GPL-3.0-or-later
#include <ostream>
#include <sstream>
#include <thread>

#include "commands.hpp"

namespace mipflow::tools {

// On a terminal each look takes the place of the one before; in a pipe an empty line is between them, and with --json every
// look is one line.
int run_again_and_again(const Invocation& invocation, int (*command)(const Invocation&)) {
  auto& out = invocation.console.out;
  const bool redraw = invocation.console.terminal && !invocation.line.json;
  for (bool first = true;; first = false) {
    std::ostringstream look;
    const auto& console = invocation.console;
    const Console collected{look, console.err, console.terminal, console.input};
    const int code = command({invocation.line, invocation.arguments, collected});
    // A daemon that restarts is waited for; one that was never there is not.
    if (code != kExitDone && (first || code != kExitNoDaemon)) return code;
    if (redraw)
      out << "\033[H\033[2J";
    else if (!first && !invocation.line.json && code == kExitDone)
      out << '\n';
    out << look.str() << std::flush;
    if (!out) return kExitDone;
    std::this_thread::sleep_for(*invocation.line.watch);
  }
}

}  // namespace mipflow::tools
