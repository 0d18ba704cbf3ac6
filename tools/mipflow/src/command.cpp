// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/tools/command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <ostream>

#include "command_table.hpp"
#include "commands.hpp"
#include "mipflow/tools/decode.hpp"
#include "run_command.hpp"
#include "setup.hpp"

namespace mipflow::tools {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::string usage_line(const Command& command) {
  return joined(command.words) + (*command.arguments == '\0' ? "" : std::string(" ") + command.arguments);
}

void print_line(std::ostream& out, const std::string& usage, const char* summary) {
  out << fmt::format("  {:<26}  {}\n", usage, summary);
}

void print_overview(std::ostream& out) {
  out << "usage: mipflow [OPTIONS] COMMAND [ARGUMENTS]\n\nCommands:\n";
  for (const auto& command : command_table()) print_line(out, usage_line(command), command.summary);
  for (const auto& command : foreign_commands()) print_line(out, command.usage, command.summary);
  out << '\n' << describe_options({})
      << "\nmipflow COMMAND --help explains a command and its own options.\n"
         "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the daemon can not be reached, 4 what was tried was not kept.\n";
}

void print_help(std::ostream& out, const Command& command) {
  out << "usage: mipflow [OPTIONS] " << usage_line(command) << "\n\n" << command.help << "\n\n" << describe_options(command.options);
}

bool is_group(const std::string& word) {
  return std::any_of(command_table().begin(), command_table().end(),
                     [&](const Command& command) { return command.words.size() > 1 && command.words.front() == word; });
}

// `mipflow flow --help`: the commands that begin with this word.
void print_group(std::ostream& out, const std::string& word) {
  out << "usage: mipflow [OPTIONS] " << word << " COMMAND [ARGUMENTS]\n\nCommands:\n";
  for (const auto& command : command_table())
    if (command.words.front() == word) print_line(out, usage_line(command), command.summary);
  out << '\n' << describe_options({});
}

bool begins_with(const std::vector<std::string>& words, const std::vector<std::string>& beginning) {
  return words.size() >= beginning.size() && std::equal(beginning.begin(), beginning.end(), words.begin());
}

// "flows" or "inter" for what is called flow or interface.
bool resembles(const std::string& typed, const std::string& word) {
  return typed.size() > 1 && (typed.starts_with(word) || word.starts_with(typed));
}

// What could have been meant by words that are no command: the commands that share the first word, or something like it.
std::string suggestion(const std::vector<std::string>& words) {
  for (const auto& command : foreign_commands())
    if (words.front() == command.word) return fmt::format("'{0}' stands first, its options behind it: mipflow {0} --help", command.word);
  const auto& table = command_table();
  const bool known = std::any_of(table.begin(), table.end(), [&](const Command& command) { return command.words.front() == words.front(); });
  std::string out;
  for (const auto& command : table)
    if (known ? command.words.front() == words.front() : resembles(words.front(), command.words.front()))
      out += (out.empty() ? "" : ", ") + ("'mipflow " + usage_line(command) + "'");
  return out.empty() ? "'mipflow --help' lists the commands" : "there is " + out;
}

int dispatch(const CommandLine& line, const Console& console) {
  const auto& table = command_table();
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const Command& command) { return begins_with(line.words, command.words); });
  if (found == table.end()) {
    if (line.version) {
      console.out << "mipflow " MIPFLOW_VERSION "\n";
      return kExitDone;
    }
    if (line.words.empty()) {
      print_overview(line.help ? console.out : console.err);
      return line.help ? kExitDone : kExitUsage;
    }
    if (line.help && line.words.size() == 1 && is_group(line.words.front())) {
      print_group(console.out, line.words.front());
      return kExitDone;
    }
    return complain(console, kExitUsage, fmt::format("there is no command '{}': {}", joined(line.words), suggestion(line.words)));
  }
  if (line.help) {
    print_help(console.out, *found);
    return kExitDone;
  }
  const Invocation invocation{line, {line.words.begin() + static_cast<std::ptrdiff_t>(found->words.size()), line.words.end()}, console};
  if (invocation.arguments.size() < found->fewest_arguments || invocation.arguments.size() > found->most_arguments)
    return complain(console, kExitUsage, fmt::format("wrong number of arguments; usage: mipflow {}", usage_line(*found)));
  for (const auto& option : line.special)
    if (std::find(found->options.begin(), found->options.end(), option) == found->options.end())
      return complain(console, kExitUsage, fmt::format("'mipflow {}' has no option --{}", joined(found->words), option));
  return line.watch ? run_again_and_again(invocation, found->run) : found->run(invocation);
}

}  // namespace

int complain(const Console& console, ExitCode code, const std::string& message) {
  console.err << "mipflow: " << message << '\n';
  return code;
}

int complain(const Console& console, const ControlError& error) {
  return complain(console, error.kind == ControlError::Kind::NotReachable ? kExitNoDaemon : kExitRefused, error.message);
}

void print_result(const Invocation& invocation, const nlohmann::json& result) {
  if (invocation.line.watch)
    print_json_line(invocation.console.out, result);
  else
    print_json(invocation.console.out, result);
}

int run_command(const std::vector<std::string>& arguments, const Console& console) {
  try {
    // decode has options of its own, so its arguments are not ours to read.
    if (!arguments.empty() && arguments.front() == "decode")
      return run_decode({arguments.begin() + 1, arguments.end()}, console.out, console.err);
    const auto word = first_word(arguments);
    if (word == "run") return run_program(arguments, console);
    if (word == "setup") return run_setup(arguments, console);
    if (!arguments.empty() && arguments.front() == "__complete") return complete_words({arguments.begin() + 1, arguments.end()}, console);
    const auto line = parse_command_line(arguments);
    if (!line) return complain(console, kExitUsage, line.error() + "; 'mipflow --help' lists the options");
    return dispatch(*line, console);
  } catch (const std::exception& error) {
    return complain(console, kExitRefused, fmt::format("failed: {}", error.what()));
  }
}

}  // namespace mipflow::tools
