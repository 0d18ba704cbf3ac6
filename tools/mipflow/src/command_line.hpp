// SPDX-License-Identifier: GPL-3.0-or-later
// What stands on the command line, before anybody asks what it means.
#pragma once

#include <string>
#include <vector>

#include "mipflow/base/expected.hpp"

namespace mipflow::tools {

struct CommandLine {
  std::vector<std::string> words;    // the command and its arguments, options taken out
  std::string socket;                // of the daemon that is asked
  bool home_agent = false;
  bool json = false;
  bool help = false;
  bool version = false;
};

// The error is a sentence for the user. Options may stand anywhere; what follows `--` is no option.
Expected<CommandLine, std::string> parse_command_line(const std::vector<std::string>& arguments);

std::string describe_options();

}  // namespace mipflow::tools
