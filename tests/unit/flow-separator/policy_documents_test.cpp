// SPDX-License-Identifier: GPL-3.0-or-later
// What the documentation and the packaging show as a policy is one.
#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>
#include <string>

#include "mipflow/flow-separator/policy.hpp"

namespace mipflow::flow_separator {
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
  const auto policy = Policy::parse(std::vector<PolicyFile>{{name, text}}, nullptr);
  if (!policy)
    for (const PolicyError& error : policy.error()) UNSCOPED_INFO(to_string(error));
  REQUIRE(policy);
  return *policy;
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
  REQUIRE(policy.classes().size() == 4);
  CHECK(policy.find("voice")->interfaces == std::vector<std::string>{"wlan0", "ww*"});
  CHECK(policy.find("ssh")->home_address == HomeAddressRule::Primary);
}

TEST_CASE("the protocols that docs/policy.md names are known", "[policy]") {
  const std::string document = content("docs/policy.md");
  const std::size_t row = document.find("| `protocol` |");
  REQUIRE(row != std::string::npos);
  const std::string line = document.substr(row, document.find('\n', row) - row);
  int names = 0;
  for (std::size_t at = line.find('"'); at != std::string::npos; at = line.find('"', at + 1)) {
    const std::size_t end = line.find('"', at + 1);
    parse("policy.md", "[[class]]\nmatch.protocol = " + line.substr(at, end - at + 1));
    at = end;
    ++names;
  }
  CHECK(names == 12);
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
  CHECK(parse("10-example.toml", active).classes().size() == 2);
}

}  // namespace mipflow::flow_separator
