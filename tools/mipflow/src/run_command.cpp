// SPDX-License-Identifier: GPL-3.0-or-later
#include "run_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <ostream>

#include "command_line.hpp"
#include "control_client.hpp"

namespace mipflow::tools {
namespace {

constexpr const char* kHelp =
    "usage: mipflow run [--via INTERFACE] [--class NAME] [--] PROGRAM [ARGUMENTS]\n"
    "\n"
    "Runs the program so that its flows, and those of everything that it starts, begin on the interface, or belong to the\n"
    "class of the policy. The program has the terminal, the environment and the exit code as if it were run directly.\n"
    "Flows that it has already, and those of other programs that work for it (a browser that runs already, a daemon), stay\n"
    "as they are. An interface that can not carry a flow is not waited for: the flow goes where its class says.\n"
    "\n"
    "  --via INTERFACE  where the flows begin, like 'mipflow flow move' for each of them\n"
    "  --class NAME     a class of the policy that says selectable = true\n"
    "  --socket PATH    control socket of the daemon (default: $MIPFLOW_SOCKET, or /run/mipflow/mnd.sock)\n"
    "\n"
    "Exit codes: that of the program; 125 when it was not run because something is wrong, 126 when it can not be run, 127\n"
    "when there is no such program.\n";

struct RunLine {
  std::vector<std::string> for_every_command;  // --socket PATH
  std::string interface;
  std::string policy_class;
  bool help = false;
  std::vector<std::string> program;
};

bool is_option(const std::string& word) { return word.size() > 1 && word.front() == '-'; }

// The error is a sentence for the user. Options end at the first word that is none: what follows is the program's.
Expected<RunLine, std::string> parse(const std::vector<std::string>& arguments) {
  RunLine out;
  bool behind_run = false;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const auto& word = arguments[at];
    if (behind_run && (word == "--" || !is_option(word))) {
      out.program.assign(arguments.begin() + static_cast<std::ptrdiff_t>(at) + (word == "--"), arguments.end());
      break;
    }
    if (word == "run") {
      behind_run = true;
      continue;
    }
    if (word == "--help" || word == "-h") {
      out.help = true;
      continue;
    }
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (name != "--via" && name != "--class" && name != "--socket")
      return Unexpected{fmt::format("'mipflow run' has no option {}; options of the program stand behind it", name)};
    if (equals == std::string::npos && at + 1 == arguments.size()) return Unexpected{fmt::format("option {} needs a value", name)};
    const std::string value = equals == std::string::npos ? arguments[++at] : word.substr(equals + 1);
    if (value.empty()) return Unexpected{fmt::format("option {} needs a value", name)};
    if (name == "--socket")
      out.for_every_command = {name, value};
    else
      (name == "--via" ? out.interface : out.policy_class) = value;
  }
  if (out.help) return out;
  if (out.program.empty()) return Unexpected{std::string("there is no program to run")};
  if (out.interface.empty() && out.policy_class.empty()) return Unexpected{std::string("--via or --class has to say what the program shall get")};
  return out;
}

int fail(const Console& console, int code, const std::string& message) {
  console.err << "mipflow: " << message << '\n';
  return code;
}

int become(const std::vector<std::string>& program, const Console& console) {
  std::vector<char*> words;
  for (const auto& word : program) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  console.out.flush();
  console.err.flush();
  ::execvp(words.front(), words.data());
  const int error = errno;
  return fail(console, error == ENOENT ? kExitProgramNotFound : kExitProgramNotStarted,
              fmt::format("can not run {}: {}", program.front(), std::strerror(error)));
}

}  // namespace

int run_program(const std::vector<std::string>& arguments, const Console& console) {
  const auto line = parse(arguments);
  if (!line) return fail(console, kExitRunFailed, line.error() + "; usage: mipflow run [--via INTERFACE] [--class NAME] [--] PROGRAM [ARGUMENTS]");
  if (line->help) {
    console.out << kHelp;
    return kExitDone;
  }
  const auto others = parse_command_line(line->for_every_command);
  if (!others) return fail(console, kExitRunFailed, others.error());
  nlohmann::json request{{"request", "run"}};
  if (!line->interface.empty()) request["interface"] = line->interface;
  if (!line->policy_class.empty()) request["class"] = line->policy_class;
  // The daemon puts this process into a group of its own; the program inherits it.
  if (const auto done = ask(others->socket, std::move(request)); !done) return fail(console, kExitRunFailed, done.error().message);
  return become(line->program, console);
}

}  // namespace mipflow::tools
