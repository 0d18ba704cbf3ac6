// SPDX-License-Identifier: GPL-3.0-or-later
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "mipflow/tools/command.hpp"

int main(int argc, char** argv) {
  // A reader that went away (`mipflow flow list | head -1`) ends the command quietly, as with other tools.
  std::signal(SIGPIPE, SIG_DFL);
  const bool terminal = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  const int input = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 ? STDIN_FILENO : -1;
  return mipflow::tools::run_command({argv + 1, argv + argc}, {std::cout, std::cerr, terminal, input});
}
