// SPDX-License-Identifier: GPL-3.0-or-later
// Every command with its words, arguments and explanation. `--help`, the completions and the test of the manual read it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "commands.hpp"

namespace mipflow::tools {

// What a word of the arguments is, for completions.
enum class ArgumentKind : unsigned char { Anything, File, Flow, Interface, HomeAddress, BoundHomeAddress, Agent, Class, Shell };

struct Command {
  std::vector<std::string> words;
  const char* arguments;
  std::size_t fewest_arguments;
  std::size_t most_arguments;
  std::vector<ArgumentKind> kinds;   // of the arguments; the last one is that of all that follow
  std::vector<std::string> options;  // without dashes, besides those that every command has
  const char* summary;
  const char* help;
  int (*run)(const Invocation&);
};

const std::vector<Command>& command_table();

// `setup`, `run` and `decode` read their own command line; here for the overview.
struct ForeignCommand {
  const char* word;
  const char* usage;
  const char* summary;
};
const std::vector<ForeignCommand>& foreign_commands();

}  // namespace mipflow::tools
