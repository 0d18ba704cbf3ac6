// SPDX-License-Identifier: GPL-3.0-or-later
// What stands on the command line, before anybody asks what it means.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/base/expected.hpp"

namespace mipflow::tools {

using Span = std::chrono::duration<double>;  // seconds

struct CommandLine {
  std::vector<std::string> words;    // the command and its arguments, options taken out
  std::string socket;                // of the daemon that is asked
  bool json = false;
  bool help = false;
  bool version = false;
  // Options of some commands only; `special` names those that were given, without their dashes.
  std::optional<Span> watch;      // between two looks
  std::optional<Span> duration;   // --for
  bool keep_if_better = false;
  std::vector<std::string> special;
};

// The error is a sentence for the user. Options may stand anywhere; what follows `--` is no option.
Expected<CommandLine, std::string> parse_command_line(const std::vector<std::string>& arguments);

// The first word that is no option and no option's value: what decides who reads the rest. Empty when there is none.
std::string first_word(const std::vector<std::string>& arguments);

// The options that every command has, and of the special ones those that are named.
std::string describe_options(const std::vector<std::string>& special);
// All of them, "--json" and so on, for completions and manuals.
std::vector<std::string> option_names(const std::vector<std::string>& special);

}  // namespace mipflow::tools
