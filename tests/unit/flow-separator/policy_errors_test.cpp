// SPDX-License-Identifier: GPL-3.0-or-later
// What a user reads when a policy file is wrong: place and words.
#include <catch2/catch.hpp>

#include <random>
#include <string>

#include "mipflow/flow-separator/policy.hpp"
#include "policy_support.hpp"
#include "support/seed.hpp"

namespace mipflow::flow_separator {
using namespace testing;

TEST_CASE("golden messages about the file and its classes", "[policy]") {
  check(GENERATE(values<Golden>({
      {"klass = 1", "1:1: unknown key \"klass\" in the file; did you mean \"class\"?"},
      {"colour = 1", "1:1: unknown key \"colour\" in the file; possible are policy, class, default"},
      {"[class]\nname = \"x\"", "1:1: \"class\" has to be a list of tables; write [[class]] instead of [class]"},
      {"class = [1]", "1:10: expected a table written as [[class]], found 1"},
      {"[[class]]\nport = 22", "2:1: unknown key \"port\" in a class; it belongs into [class.match]"},
      {"[[class]]\nname = 5", "2:8: \"name\" has to be a text, found 5"},
      {"[[class]]\nname = \"two words\"",
       "2:8: the name \"two words\" is not possible; expected 1 to 64 characters without blanks, colons and quotation marks"},
      {"[[class]]\nname = \"a\"\n[[class]]\nname = \"a\"",
       "4:8: a second class with the name \"a\"; the first one is at p.toml:1"},
      {"default = 5", "1:11: \"default\" has to be a table written as [default], found 5"},
      {"[default]\nname = \"x\"", "2:1: unknown key \"name\" in [default]; it belongs into a [[class]]"},
      {"[[class]]\nname = \"default\"", "2:8: the name \"default\" belongs to what no class matches; write [default]"},
      {"[default]\ncolour = \"x\"", "2:1: unknown key \"colour\" in [default]; possible are bypass, interfaces, never, return-after, "
                                   "home-address, route-optimization"},
      {"policy = true", "1:10: \"policy\" has to be a table written as [policy], found true"},
      {"[policy]\nmandatry = true", "2:1: unknown key \"mandatry\" in [policy]; did you mean \"mandatory\"?"},
      {"[policy]\ninterfaces = \"*\"", "2:1: unknown key \"interfaces\" in [policy]; it belongs into a [[class]]"},
      {"[policy]\nmandatory = \"yes\"", "2:13: \"mandatory\": expected true or false, found \"yes\""},
      {"[[class]]\nmandatory = 1", "2:13: \"mandatory\": expected true or false, found 1"},
      {"[[class]]\nname = \"a:b\"",
       "2:8: the name \"a:b\" is not possible; expected 1 to 64 characters without blanks, colons and quotation marks"},
      {"[[class]]\nselectable = \"always\"", "2:14: \"selectable\": expected true, false or \"only\", found \"always\""},
      {"[[class]]\nselectable = \"only\"\nmatch.port = 22",
       "3:1: \"match\" means nothing with selectable = \"only\": no flow gets the class by itself"},
      {"[[class]]\nselectable = \"only\"\nexcept = { port = 22 }",
       "3:10: \"except\" means nothing with selectable = \"only\": no flow gets the class by itself"},
  })));
}

TEST_CASE("text that is no TOML is reported with its place", "[policy]") {
  const auto errors = errors_of({{"p.toml", "[[class]]\nname = \n"}});
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].substr(0, 9) == "p.toml:2:");
  CHECK(errors[0].size() > 15);
}

TEST_CASE("malformed headers and lists that toml++ asserts on are mistakes like others", "[policy]") {
  for (const char* text : {"[[[", "[[}class]]", "[[|", "x = [,]", "x = [1,,2]", "[class]\nx = {,}"}) {
    INFO(text);
    const auto errors = errors_of({{"p.toml", text}});
    REQUIRE_FALSE(errors.empty());
    CHECK(errors[0].substr(0, 7) == "p.toml:");
  }
}

TEST_CASE("characters that are not ASCII: only in texts and comments", "[policy]") {
  const std::string reason = ": a character that is not ASCII can only stand in a text in quotation marks or in a comment";
  CHECK(errors_of({{"p.toml", "[[class]]\nn\u00e4me = \"x\"\n"}}) == std::vector<std::string>{"p.toml:2:2" + reason});
  CHECK(errors_of({{"p.toml", "[[class]]\nname = \"\u00e4\" \u00e4\n"}}) == std::vector<std::string>{"p.toml:2:12" + reason});
  CHECK(errors_of({{"p.toml", "\xef\xbb\xbf# gr\u00fcn\n[[class]] # \u00e4\nname = \"gr\u00fcn\"\n"}}).empty());
}

TEST_CASE("all mistakes are reported, in the order of files and text", "[policy]") {
  const auto errors = errors_of({{"a.toml", "[[class]]\nmatch.port = 70000\nzzzzzzzz = 1\n"},
                                 {"b.toml", "["},
                                 {"c.toml", "[default]\ninterfaces = 1\n"}});
  REQUIRE(errors.size() == 4);
  CHECK(errors[0].substr(0, 10) == "a.toml:2:1");
  CHECK(errors[1].substr(0, 10) == "a.toml:3:1");
  CHECK(errors[2].substr(0, 7) == "b.toml:");
  CHECK(errors[3].substr(0, 9) == "c.toml:2:");
}

TEST_CASE("two defaults and two equal names in different files name the first place", "[policy]") {
  CHECK(errors_of({{"a.toml", "\n[default]\n"}, {"b.toml", "[default]\n"}}) ==
        std::vector<std::string>{"b.toml:1:1: a second [default]; the first one is at a.toml:2"});
  CHECK(errors_of({{"a.toml", "[[class]]\nname = \"v\"\n"}, {"b.toml", "[[class]]\nname = \"v\"\n"}}) ==
        std::vector<std::string>{"b.toml:2:8: a second class with the name \"v\"; the first one is at a.toml:1"});
}

TEST_CASE("a policy without bound is refused", "[policy]") {
  std::string classes;
  for (std::size_t i = 0; i <= Policy::kMaxClasses; ++i) classes += "[[class]]\n";
  CHECK(errors_of({{"p.toml", classes}}) == std::vector<std::string>{"p.toml:4097:1: too many classes; at most 4096 are possible"});

  std::string ports = "[[class]]\nmatch.port = [";
  for (std::size_t i = 0; i <= Policy::kMaxRanges; ++i) ports += "7,\n";
  const auto errors = errors_of({{"p.toml", ports + "]"}});
  CHECK(errors == std::vector<std::string>{"p.toml:16386:1: \"port\": too many values to match; at most 16384 are possible"});
}

TEST_CASE("texts that are made to take time or memory", "[policy]") {
  const auto many = [](const char* text) {
    std::string out;
    while (out.size() < Policy::kMaxForeignText - 100) out += text;
    return out;
  };
  for (const std::string& text : {many("a.") + "a = 1", '[' + many("a.") + "a]", "[[" + many("a.") + "a]]", "x = " + many("["), "x = " + many("{a="),
                                  "x = " + many("[") + many("]"), "[[class]]\nmatch.port = [" + many("[],") + ']', many("[[class]]\n"),
                                  many("[a.b]\n"), "x = \"" + many("\\u0041") + '"', "x = " + many("1")}) {
    INFO(text.substr(0, 40));
    CHECK_FALSE(errors_of({{"p.toml", text, PolicyLayer::User, 1000, "alice"}}).empty());
  }
}

TEST_CASE("control characters and length of a text do not get into messages", "[policy]") {
  const auto errors = errors_of({{"p.toml", "[[class]]\nmatch.user = \"\\u001b[31m" + std::string(5000, 'x') + "\"\n"}});
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].find('\x1b') == std::string::npos);
  CHECK(errors[0].size() < 200);
}

// A mistyped file must give an error with a place or a policy, whatever the typing mistake.
TEST_CASE("random damage to a good file", "[policy][random]") {
  std::mt19937_64 random(mipflow::test::seed("policy_errors_test"));
  const std::string good = R"([[class]]
name = "voice"
selectable = true
interfaces = ["wlan0", { kind = "cellular", when = { online = true, round-trip-below = "80 ms", loss-below = "0.5 %" } }]
never = "usb*"
return-after = "30 s"
home-address = "2001:db8:100::5060"
route-optimization = "yes"
match = { protocol = ["udp", 6], peer = "2001:db8::/32", port = [5060, "7000-8000"], dscp = "ef", flow-label = 5, user = 7 }
except = { program = "/usr/bin/*", cgroup = "/user.slice", unit = "a.scope", time = ["mon-fri 08:00-18:00", "sun"] }
[[class]]
bypass = true
match = { icmp-type = "echo-request", extension-header = "routing", group = 7 }
[default]
home-address = "primary"
route-optimization = "no"
)";
  int accepted = 0;
  int refused = 0;
  for (int run = 0; run < 20'000; ++run) {
    std::string text = good;
    for (std::uint64_t edits = 1 + random() % 3; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, 1 + random() % 4); break;
        default: text.insert(at, 1, "[]{}\"=,.\n0a"[random() % 11]); break;
      }
    }
    const auto policy = Policy::parse(std::vector<PolicyFile>{{"p.toml", text}}, kNames);
    if (policy) {
      ++accepted;
      continue;
    }
    ++refused;
    REQUIRE_FALSE(policy.error().empty());
    for (const PolicyError& error : policy.error()) {
      INFO(text);
      REQUIRE(error.line > 0);
      REQUIRE(error.column > 0);
      REQUIRE_FALSE(error.reason.empty());
    }
  }
  CHECK(accepted > 100);
  CHECK(refused > 100);
}

}  // namespace mipflow::flow_separator
