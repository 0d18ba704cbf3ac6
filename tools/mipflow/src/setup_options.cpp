// SPDX-License-Identifier: GPL-3.0-or-later
#include "setup_options.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <map>
#include <sstream>

#include "words_and_options.hpp"

namespace mipflow::tools {
namespace {

namespace po = boost::program_options;
using Subject = SetupOptions::Subject;

constexpr const char* kUsage =
    "usage: mipflow setup [OPTIONS]                    this host is a mobile node: mnd.toml\n"
    "       mipflow setup home-agent [OPTIONS]         this host is a home agent: had.toml\n"
    "       mipflow setup add-mobile-node [OPTIONS]    one more mobile node of this home agent\n"
    "\n"
    "Asks for what a daemon can not know by itself, checks every answer as the daemon would, shows what it is going to\n"
    "write, and writes it: the configuration and the shared secret, in security-associations.toml, which only root and\n"
    "the daemons can read. Comments and all other settings of files that are there already stay as they are; the former\n"
    "file is kept as FILE.old. What the options below say is not asked for.\n"
    "\n";

const po::options_description& setup_options() {
  static const auto options = [] {
    po::options_description out("Options");
    out.add_options()
      ("home-agent", po::value<std::string>()->value_name("ADDRESS"), "address of the home agent; auto: find it")
      ("home-address", po::value<std::string>()->value_name("ADDRESS"), "the mobile node's Primary Home Address")
      ("home-prefix", po::value<std::string>()->value_name("PREFIX"), "prefix of the home link (default: the home address's /64)")
      ("home-link", po::value<std::string>()->value_name("NAME"), "home-agent: interface of the home link, or virtual")
      ("identifier", po::value<std::string>()->value_name("NAME"), "what the home agent calls the mobile node: alice@example.org")
      ("spi", po::value<std::string>()->value_name("NUMBER"), "which of its secrets, from 256 up (default: 256)")
      ("secret-file", po::value<std::string>()->value_name("FILE"), "file with the secret in hexadecimal digits; - is standard input")
      ("generate-secret", po::bool_switch(), "make a new secret, and print what the other end needs")
      ("directory", po::value<std::string>()->value_name("DIR")->default_value("/etc/mipflow"), "where the files are")
      ("socket", po::value<std::string>()->value_name("PATH"), "control socket of the daemon that runs already")
      ("yes,y", po::bool_switch(), "ask nothing: write")
      ("dry-run", po::bool_switch(), "show what would be written, and write nothing")
      ("json", po::bool_switch(), "print JSON instead of text; with --yes or --dry-run")
      ("help,h", po::bool_switch(), "explain the command");
    return out;
  }();
  return options;
}

// Which options say something to which subject.
const std::map<std::string, std::vector<Subject>>& limited_options() {
  static const std::map<std::string, std::vector<Subject>> table{
      {"home-agent", {Subject::MobileNode, Subject::HomeAgent}},
      {"home-address", {Subject::MobileNode, Subject::AddMobileNode}},
      {"home-prefix", {Subject::MobileNode, Subject::HomeAgent}},
      {"home-link", {Subject::HomeAgent}},
      {"identifier", {Subject::MobileNode, Subject::AddMobileNode}},
      {"spi", {Subject::MobileNode, Subject::AddMobileNode}},
      {"secret-file", {Subject::MobileNode, Subject::AddMobileNode}},
      {"generate-secret", {Subject::MobileNode, Subject::AddMobileNode}},
  };
  return table;
}

std::optional<std::string> objection(const po::variables_map& values, Subject subject) {
  for (const auto& [name, subjects] : limited_options())
    if (values.count(name) > 0 && !values[name].defaulted() && std::find(subjects.begin(), subjects.end(), subject) == subjects.end())
      return "--" + name + " says nothing here";
  if (values.count("secret-file") > 0 && values["generate-secret"].as<bool>())
    return "--secret-file and --generate-secret are two secrets; the mobile node has one";
  if (values["json"].as<bool>() && !values["yes"].as<bool>() && !values["dry-run"].as<bool>())
    return "--json asks no questions: it needs --yes or --dry-run";
  return std::nullopt;
}

std::optional<Subject> subject_of(const std::vector<std::string>& words) {
  if (words.size() == 1) return Subject::MobileNode;
  if (words.size() > 2) return std::nullopt;
  if (words[1] == "home-agent") return Subject::HomeAgent;
  if (words[1] == "add-mobile-node") return Subject::AddMobileNode;
  return std::nullopt;
}

}  // namespace

Expected<SetupOptions, std::string> parse_setup_options(const std::vector<std::string>& arguments) {
  const auto read = read_words_and_options(setup_options(), arguments);
  if (!read) return Unexpected{read.error()};
  const po::variables_map& values = *read;
  SetupOptions out;
  const auto subject = subject_of(values["word"].as<std::vector<std::string>>());
  if (!subject) return Unexpected{std::string("there is 'mipflow setup', 'mipflow setup home-agent' and 'mipflow setup add-mobile-node'")};
  out.subject = *subject;
  if (const auto wrong = objection(values, out.subject)) return Unexpected{*wrong};
  const auto take = [&values](const char* name, std::optional<std::string>& into) {
    if (values.count(name) > 0) into = values[name].as<std::string>();
  };
  take("home-agent", out.home_agent);
  take("home-address", out.home_address);
  take("home-prefix", out.home_prefix);
  take("home-link", out.home_link);
  take("identifier", out.identifier);
  take("spi", out.spi);
  if (values.count("secret-file") > 0) out.secret_file = values["secret-file"].as<std::string>();
  if (values.count("socket") > 0) out.socket = values["socket"].as<std::string>();
  out.directory = values["directory"].as<std::string>();
  out.generate_secret = values["generate-secret"].as<bool>();
  out.yes = values["yes"].as<bool>();
  out.dry_run = values["dry-run"].as<bool>();
  out.json = values["json"].as<bool>();
  out.help = values["help"].as<bool>();
  return out;
}

std::string describe_setup() {
  std::ostringstream out;
  out << kUsage << setup_options() << "\nExit codes: 0 done, 1 refused, failed or given up, 2 wrong usage. Unless it is 0, nothing was written.\n";
  return out.str();
}

std::vector<std::string> setup_option_names() {
  std::vector<std::string> out;
  for (const auto& option : setup_options().options()) out.push_back("--" + option->long_name());
  return out;
}

}  // namespace mipflow::tools
