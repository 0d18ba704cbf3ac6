// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/tools/command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <ostream>
#include <span>

#include "commands.hpp"
#include "mipflow/tools/decode.hpp"

namespace mipflow::tools {
namespace {

struct Command {
  std::vector<std::string> words;
  const char* arguments;
  std::size_t fewest_arguments;
  std::size_t most_arguments;
  const char* summary;
  const char* help;
  int (*run)(const Invocation&);
};

constexpr std::size_t kAny = static_cast<std::size_t>(-1);

const std::vector<Command>& commands() {
  static const std::vector<Command> table{
      {{"status"}, "", 0, 0, "is everything in order?",
       "Shows the home agent, whether the primary home address is registered, how many flows, home addresses and\n"
       "interfaces there are, and what is wrong, with what to do about it. With --home-agent: the home agent's state.",
       show_status},
      {{"flow", "list"}, "", 0, 0, "the live flows and where each of them goes",
       "Shows every flow with its home address, care-of address, interface and counters. MOVES WITH names the flows that\n"
       "share its home address: they move together.",
       list_flows},
      {{"flow", "show"}, "ID", 1, 1, "everything about one flow", "Shows every field of the flow with this number.", show_flow},
      {{"flow", "move"}, "ID INTERFACE", 2, 2, "move a live flow to another interface",
       "Moves the flow, and with it the flows that `moves_with` names, to the interface. The choice stays until the\n"
       "interface becomes unusable or the flow is moved again. Neither end of the flow notices.",
       move_flow},
      {{"hoa", "list"}, "", 0, 0, "the home addresses",
       "Shows every home address with its care-of address, state and the flows that use it.", list_home_addresses},
      {{"hoa", "show"}, "HOME-ADDRESS", 1, 1, "everything about one home address",
       "Shows every field of the home address.", show_home_address},
      {{"interface", "list"}, "", 0, 0, "the interfaces that flows can use",
       "Shows every interface, whether flows can use it, and if not, why not.", list_interfaces},
      {{"binding", "list"}, "", 0, 0, "the bindings of home addresses to care-of addresses",
       "Shows the Binding Update List of the mobile node, or with --home-agent the Binding Cache of the home agent.",
       list_bindings},
      {{"policy", "check"}, "[FILE...]", 0, kAny, "check policy files without the daemon",
       "Reads the files as the daemon would, in this order, and prints every mistake with file, line and reason.\n"
       "Without files: /etc/mipflow/policy.d/*.toml. Exit code 1 when something is wrong.",
       check_policy},
      {{"policy", "reload"}, "", 0, 0, "let the daemon read its policy files again",
       "Reads the policy files again and moves the flows for which they now say something else. A file that is wrong\n"
       "changes nothing.",
       reload_policy},
      {{"counters"}, "", 0, 0, "what the daemon counted since it started",
       "Shows how often each kind of event happened: messages sent, received, refused and dropped.", show_counters},
  };
  return table;
}

constexpr const char* kDecodeSummary = "explain the Mobile IPv6 packets of a capture file or of hex digits";

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::string usage_line(const Command& command) {
  return joined(command.words) + (*command.arguments == '\0' ? "" : std::string(" ") + command.arguments);
}

void print_overview(std::ostream& out) {
  out << "usage: mipflow [OPTIONS] COMMAND [ARGUMENTS]\n\nCommands:\n";
  for (const auto& command : commands()) out << fmt::format("  {:<24}  {}\n", usage_line(command), command.summary);
  out << fmt::format("  {:<24}  {}\n\n", "decode FILE|HEX...", kDecodeSummary);
  out << describe_options()
      << "\nmipflow COMMAND --help explains a command.\n"
         "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the daemon can not be reached.\n";
}

void print_help(std::ostream& out, const Command& command) {
  out << "usage: mipflow [OPTIONS] " << usage_line(command) << "\n\n" << command.help << "\n\n" << describe_options();
}

bool is_group(const std::string& word) {
  return std::any_of(commands().begin(), commands().end(),
                     [&](const Command& command) { return command.words.size() > 1 && command.words.front() == word; });
}

// `mipflow flow --help`: the commands that begin with this word.
void print_group(std::ostream& out, const std::string& word) {
  out << "usage: mipflow [OPTIONS] " << word << " COMMAND [ARGUMENTS]\n\nCommands:\n";
  for (const auto& command : commands())
    if (command.words.front() == word) out << fmt::format("  {:<24}  {}\n", usage_line(command), command.summary);
  out << '\n' << describe_options();
}

bool begins_with(const std::vector<std::string>& words, const std::vector<std::string>& beginning) {
  return words.size() >= beginning.size() && std::equal(beginning.begin(), beginning.end(), words.begin());
}

// What could have been meant by words that are no command: the commands that share the first word.
std::string suggestion(const std::vector<std::string>& words) {
  if (words.front() == "decode") return "'decode' stands first, its options behind it: mipflow decode --help";
  std::string out;
  for (const auto& command : commands())
    if (command.words.front() == words.front()) out += (out.empty() ? "" : ", ") + ("'mipflow " + usage_line(command) + "'");
  return out.empty() ? "'mipflow --help' lists the commands" : "there is " + out;
}

int dispatch(const CommandLine& line, const Console& console) {
  const auto& table = commands();
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
  return found->run(invocation);
}

}  // namespace

int complain(const Console& console, ExitCode code, const std::string& message) {
  console.err << "mipflow: " << message << '\n';
  return code;
}

int run_command(const std::vector<std::string>& arguments, const Console& console) {
  try {
    // decode has options of its own, so its arguments are not ours to read.
    if (!arguments.empty() && arguments.front() == "decode")
      return run_decode({arguments.begin() + 1, arguments.end()}, console.out, console.err);
    const auto line = parse_command_line(arguments);
    if (!line) return complain(console, kExitUsage, line.error() + "; 'mipflow --help' lists the options");
    return dispatch(*line, console);
  } catch (const std::exception& error) {
    return complain(console, kExitRefused, fmt::format("failed: {}", error.what()));
  }
}

}  // namespace mipflow::tools
