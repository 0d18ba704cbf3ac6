// SPDX-License-Identifier: GPL-3.0-or-later
// What the documentation and the packaging show as a policy is one.
#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>
#include <string>

#include "mipflow/flow-separator/policy.hpp"
#include "policy_support.hpp"

namespace mipflow::flow_separator {

using testing::interfaces_of;

namespace {

std::string content(const std::string& path) {
  std::ifstream file(std::string(MIPFLOW_SOURCE_DIR) + '/' + path);
  INFO(path);
  REQUIRE(file);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Policy parse(const std::string& name, const std::string& text) {
  const auto policy = Policy::parse(std::vector<PolicyFile>{{name, text}}, testing::kNames);
  if (!policy)
    for (const PolicyError& error : policy.error()) UNSCOPED_INFO(to_string(error));
  REQUIRE(policy);
  return *policy;
}

// The values in quotation marks of the table row of a key.
std::vector<std::string> values_in_row(const std::string& document, const std::string& key) {
  const std::size_t row = document.find("| `" + key + "` |");
  REQUIRE(row != std::string::npos);
  const std::string line = document.substr(row, document.find('\n', row) - row);
  std::vector<std::string> values;
  for (std::size_t at = line.find('"'); at != std::string::npos;) {
    const std::size_t end = line.find('"', at + 1);
    values.push_back(line.substr(at, end - at + 1));
    at = line.find('"', end + 1);
  }
  return values;
}

}  // namespace

TEST_CASE("the example of docs/policy.md", "[policy]") {
  const std::string document = content("docs/policy.md");
  const std::string opening = "```toml\n";
  const std::size_t begin = document.find(opening) + opening.size();
  const std::size_t end = document.find("```", begin);
  REQUIRE(begin > opening.size());
  REQUIRE(end != std::string::npos);
  const Policy policy = parse("policy.md", document.substr(begin, end - begin));
  std::vector<std::string> names;
  for (const PolicyClass& each : policy.classes()) names.push_back(each.name);
  CHECK(names == std::vector<std::string>{"local", "backup", "voice", "ssh", "downloads", "default"});
  CHECK(policy.find("local")->bypass);
  CHECK(policy.bypassed_prefixes().size() == 2);
  CHECK(interfaces_of(*policy.find("voice")) == std::vector<std::string>{"wlan0", "cellular (round trip below 150 ms)", "cellular"});
  CHECK(policy.find("voice")->home_address == HomeAddressRule::Fixed);
  CHECK(policy.find("voice")->route_optimization == RouteOptimization::Yes);
  CHECK(policy.find("backup")->layer == PolicyLayer::Mandatory);
  CHECK(policy.find("ssh")->home_address == HomeAddressRule::Primary);
  CHECK(policy.find("downloads")->selectable == Selectable::Only);
  CHECK(interfaces_of(policy.default_class()) == std::vector<std::string>{"* (online)", "*"});
}

TEST_CASE("the values that docs/policy.md names are known", "[policy]") {
  const std::string document = content("docs/policy.md");
  struct Row {
    const char* key;
    std::size_t values;
    const char* table;
  };
  for (const Row& row : {Row{"protocol", 12, "match"}, Row{"dscp", 4, "match"}, Row{"icmp-type", 4, "match"}, Row{"extension-header", 5, "match"},
                         Row{"program", 2, "match"}, Row{"cgroup", 1, "match"}, Row{"unit", 2, "match"}, Row{"time", 3, "match"},
                         // three words, "class", an address, and what it is when left out
                         Row{"home-address", 6, "action"}, Row{"route-optimization", 4, "action"}, Row{"selectable", 1, "action"}}) {
    INFO(row.key);
    const auto values = values_in_row(document, row.key);
    CHECK(values.size() == row.values);
    const std::string in = row.table == std::string("match") ? "match." : "";
    for (const std::string& value : values) parse("policy.md", "[[class]]\n" + in + row.key + " = " + value);
  }
}

TEST_CASE("the packaged example, as it is and without its comment signs", "[policy]") {
  const std::string text = content("packaging/etc/policy.d/10-example.toml");
  CHECK(parse("10-example.toml", text).classes().size() == 1);
  std::string active;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const bool code = line.find('=') != std::string::npos || line.find('[') != std::string::npos;
    active += (line.substr(0, 2) == "# " && code ? line.substr(2) : line) + '\n';
  }
  const Policy policy = parse("10-example.toml", active);
  REQUIRE(policy.classes().size() == 3);
  CHECK(policy.find("local")->bypass);
  CHECK(policy.find("voice")->layer == PolicyLayer::Mandatory);
  CHECK(policy.find("voice")->home_address == HomeAddressRule::Fixed);
  CHECK(policy.find("voice")->route_optimization == RouteOptimization::Yes);
  CHECK(interfaces_of(*policy.find("voice")) == std::vector<std::string>{"wifi", "cellular (online)"});
}

}  // namespace mipflow::flow_separator
