// SPDX-License-Identifier: GPL-3.0-or-later
#include "command_line.hpp"

#include <boost/program_options.hpp>
#include <cstdlib>
#include <sstream>

namespace mipflow::tools {
namespace {

namespace po = boost::program_options;

constexpr const char* kMobileNodeSocket = "/run/mipflow/mnd.sock";
constexpr const char* kHomeAgentSocket = "/run/mipflow/had.sock";

po::options_description visible_options() {
  po::options_description out("Options");
  out.add_options()
    ("socket", po::value<std::string>()->value_name("PATH"),
     "control socket of the daemon (default: $MIPFLOW_SOCKET, or /run/mipflow/mnd.sock)")
    ("home-agent", po::bool_switch(), "ask the home agent of this host (/run/mipflow/had.sock)")
    ("json", po::bool_switch(), "print JSON instead of a table")
    ("help,h", po::bool_switch(), "explain the command")
    ("version", po::bool_switch(), "print the version");
  return out;
}

std::string chosen_socket(const po::variables_map& values) {
  if (values.count("socket") > 0) return values["socket"].as<std::string>();
  if (values["home-agent"].as<bool>()) return kHomeAgentSocket;
  if (const char* from_environment = std::getenv("MIPFLOW_SOCKET"); from_environment != nullptr && *from_environment != '\0')
    return from_environment;
  return kMobileNodeSocket;
}

}  // namespace

Expected<CommandLine, std::string> parse_command_line(const std::vector<std::string>& arguments) {
  po::options_description all;
  all.add(visible_options()).add_options()("word", po::value<std::vector<std::string>>());
  po::positional_options_description positions;
  positions.add("word", -1);
  po::variables_map values;
  try {
    // Abbreviated options would change their meaning when new ones are added: no guessing.
    const auto style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(arguments).options(all).positional(positions).style(style).run(), values);
    po::notify(values);
  } catch (const po::error& error) {
    return Unexpected{std::string(error.what())};
  }
  CommandLine out;
  if (values.count("word") > 0) out.words = values["word"].as<std::vector<std::string>>();
  out.socket = chosen_socket(values);
  out.home_agent = values["home-agent"].as<bool>();
  out.json = values["json"].as<bool>();
  out.help = values["help"].as<bool>();
  out.version = values["version"].as<bool>();
  return out;
}

std::string describe_options() {
  std::ostringstream out;
  out << visible_options();
  return out.str();
}

}  // namespace mipflow::tools
