// SPDX-License-Identifier: GPL-3.0-or-later
#include "command_line.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdlib>
#include <sstream>
#include <tuple>

#include "words_and_options.hpp"

namespace mipflow::tools {
namespace {

namespace po = boost::program_options;

constexpr const char* kMobileNodeSocket = "/run/mipflow/mnd.sock";
constexpr const char* kHomeAgentSocket = "/run/mipflow/had.sock";
constexpr const char* kCorrespondentNodeSocket = "/run/mipflow/cnd.sock";

// Every command has these.
const po::options_description& common_options() {
  static const auto options = [] {
    po::options_description out("Options");
    out.add_options()
      ("socket", po::value<std::string>()->value_name("PATH"),
       "control socket of the daemon (default: $MIPFLOW_SOCKET, or /run/mipflow/mnd.sock; 'mipflow ha': had.sock)")
      ("home-agent", po::bool_switch(), "ask the home agent of this host (/run/mipflow/had.sock)")
      ("correspondent-node", po::bool_switch(), "ask the correspondent node of this host (/run/mipflow/cnd.sock)")
      ("json", po::bool_switch(), "print JSON instead of text")
      ("help,h", po::bool_switch(), "explain the command")
      ("version", po::bool_switch(), "print the version");
    return out;
  }();
  return options;
}

// Some commands have these; which, stands in the table of commands.
const po::options_description& special_options() {
  static const auto options = [] {
    po::options_description out("Options of this command");
    out.add_options()
      ("watch", po::value<double>()->implicit_value(1)->value_name("SECONDS"),
       "look again after this many seconds (default: 1), until interrupted")
      ("for", po::value<double>()->value_name("SECONDS"), "how long (default: 10)")
      ("keep-if-better", po::bool_switch(), "keep the interface when the flow was no worse there")
      ("end", po::bool_switch(), "the agent takes home addresses again")
      ("wait", po::bool_switch(), "until the agent is empty");
    return out;
  }();
  return options;
}

std::string chosen_socket(const po::variables_map& values, bool is_about_home_agents) {
  if (values.count("socket") > 0) return values["socket"].as<std::string>();
  if (values["home-agent"].as<bool>()) return kHomeAgentSocket;
  if (values["correspondent-node"].as<bool>()) return kCorrespondentNodeSocket;
  if (const char* from_environment = std::getenv("MIPFLOW_SOCKET"); from_environment != nullptr && *from_environment != '\0')
    return from_environment;
  return is_about_home_agents ? kHomeAgentSocket : kMobileNodeSocket;
}

}  // namespace

Expected<CommandLine, std::string> parse_command_line(const std::vector<std::string>& arguments) {
  po::options_description options;
  options.add(common_options()).add(special_options());
  const auto read = read_words_and_options(options, arguments);
  if (!read) return Unexpected{read.error()};
  const po::variables_map& values = *read;
  if (values["home-agent"].as<bool>() && values["correspondent-node"].as<bool>())
    return Unexpected{std::string("--home-agent and --correspondent-node are two daemons; ask one of them")};
  CommandLine out;
  for (const auto& option : special_options().options())
    if (const auto& name = option->long_name(); !values[name].defaulted() && values.count(name) > 0) out.special.push_back(name);
  for (const auto& [name, target, least] : {std::tuple{"watch", &out.watch, 0.1}, std::tuple{"for", &out.duration, 1.0}}) {
    if (values.count(name) == 0) continue;
    const auto seconds = values[name].as<double>();
    if (!(seconds >= least && seconds <= 86'400))
      return Unexpected{"--" + std::string(name) + ": expected " + (least < 1 ? "0.1" : "1") + " to 86400 seconds"};
    *target = Span(seconds);
  }
  out.keep_if_better = values["keep-if-better"].as<bool>();
  if (values.count("word") > 0) out.words = values["word"].as<std::vector<std::string>>();
  out.socket = chosen_socket(values, !out.words.empty() && out.words.front() == "ha");
  out.json = values["json"].as<bool>();
  out.help = values["help"].as<bool>();
  out.version = values["version"].as<bool>();
  return out;
}

std::string first_word(const std::vector<std::string>& arguments) {
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    if (arguments[at] == "--socket")
      ++at;
    else if (arguments[at].size() < 2 || arguments[at].front() != '-')
      return arguments[at];
  }
  return "";
}

namespace {

bool is_named(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string describe_options(const std::vector<std::string>& special) {
  std::ostringstream out;
  out << common_options();
  if (special.empty()) return out.str();
  po::options_description chosen("Options of this command");
  for (const auto& option : special_options().options())
    if (is_named(special, option->long_name())) chosen.add(option);
  out << '\n' << chosen;
  return out.str();
}

std::vector<std::string> option_names(const std::vector<std::string>& special) {
  std::vector<std::string> out;
  for (const auto& option : common_options().options()) out.push_back("--" + option->long_name());
  for (const auto& option : special_options().options())
    if (is_named(special, option->long_name())) out.push_back("--" + option->long_name());
  return out;
}

}  // namespace mipflow::tools
