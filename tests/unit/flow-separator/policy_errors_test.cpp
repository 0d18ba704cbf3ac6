// SPDX-License-Identifier: GPL-3.0-or-later
// What a user reads when a policy file is wrong: place and words.
#include <catch2/catch.hpp>

#include <random>
#include <string>

#include "mipflow/flow-separator/policy.hpp"
#include "support/seed.hpp"

namespace mipflow::flow_separator {
namespace {

std::optional<std::uint32_t> no_users(std::string_view) { return std::nullopt; }

std::vector<std::string> errors_of(const std::vector<PolicyFile>& files) {
  const auto policy = Policy::parse(files, no_users);
  std::vector<std::string> out;
  if (!policy)
    for (const PolicyError& error : policy.error()) out.push_back(to_string(error));
  return out;
}

}  // namespace

TEST_CASE("golden messages", "[policy]") {
  struct Row {
    const char* text;
    const char* message;  // behind "p.toml:"
  };
  const Row row = GENERATE(values<Row>({
      {"klass = 1", "1:1: unknown key \"klass\" in the file; did you mean \"class\"?"},
      {"colour = 1", "1:1: unknown key \"colour\" in the file; possible are class, default"},
      {"[class]\nname = \"x\"", "1:1: \"class\" has to be a list of tables; write [[class]] instead of [class]"},
      {"class = [1]", "1:10: expected a table written as [[class]], found 1"},
      {"[[class]]\ninterface = [\"wlan0\"]", "2:1: unknown key \"interface\" in a class; did you mean \"interfaces\"?"},
      {"[[class]]\nport = 22", "2:1: unknown key \"port\" in a class; it belongs into [class.match]"},
      {"[[class]]\nname = 5", "2:8: \"name\" has to be a text, found 5"},
      {"[[class]]\nname = \"two words\"",
       "2:8: the name \"two words\" is not possible; expected 1 to 64 characters without blanks and quotation marks"},
      {"[[class]]\nname = \"default\"", "2:8: the name \"default\" belongs to what no class matches; write [default]"},
      {"[[class]]\nname = \"a\"\n[[class]]\nname = \"a\"",
       "4:8: a second class with the name \"a\"; the first one is at p.toml:1"},
      {"[[class]]\ninterfaces = []", "2:14: \"interfaces\": the list is empty; leave the key out when everything is meant"},
      {"[[class]]\ninterfaces = [\"wlan0\", 7]",
       "2:24: \"interfaces\": expected names of interfaces like \"wlan0\" or \"ww*\", found 7"},
      {"[[class]]\ninterfaces = \"wlan 0\"",
       "2:14: \"interfaces\": \"wlan 0\" can not be the name of an interface; expected a name of at most 15 characters like "
       "\"wlan0\" or a pattern like \"ww*\""},
      {"[[class]]\nhome-address = \"own\"", "2:16: \"home-address\": expected \"figure-6\" or \"primary\", found \"own\""},
      {"[[class]]\nmatch = 5", "2:9: \"match\" has to be a table written as [class.match], found 5"},
      {"[[class]]\nmatch.ports = 5", "2:7: unknown key \"ports\" in [class.match]; did you mean \"port\"?"},
      {"[[class]]\nmatch.protocol = \"upd\"", "2:18: \"protocol\": \"upd\" is not a protocol; did you mean \"udp\"?"},
      {"[[class]]\nmatch.protocol = \"quic\"", "2:18: \"protocol\": \"quic\" is not a protocol; expected a number 0-255 or one "
                                              "of tcp, udp, dccp, ipv6, gre, esp, ah, icmpv6, ospf, l2tp, sctp, udplite"},
      {"[[class]]\nmatch.protocol = \"icmp\"", "2:18: \"protocol\": \"icmp\" is not a protocol; did you mean \"icmpv6\"?"},
      {"[[class]]\nmatch.protocol = 256",
       "2:18: \"protocol\": expected a protocol like \"udp\" or a number 0-255, found 256"},
      {"[[class]]\nmatch.peer = \"192.0.2.1\"",
       "2:14: \"peer\": \"192.0.2.1\" is not an IPv6 prefix; expected one like \"2001:db8::/32\" or an address"},
      {"[[class]]\nmatch.peer = \"2001:db8::1/32\"",
       "2:14: \"peer\": \"2001:db8::1/32\" has bits set behind its length; did you mean \"2001:db8::/32\"?"},
      {"[[class]]\nmatch.peer = 5", "2:14: \"peer\": expected an IPv6 prefix or address as a text, found 5"},
      {"[[class]]\nmatch.port = 65536",
       "2:14: \"port\": expected a port 0-65535 or a range like \"1024-2047\", found 65536"},
      {"[[class]]\nmatch.port = -1", "2:14: \"port\": expected a port 0-65535 or a range like \"1024-2047\", found -1"},
      {"[[class]]\nmatch.port = [22, \"ssh\"]",
       "2:19: \"port\": \"ssh\" is not a port; expected a number 0-65535 or a range like \"1024-2047\""},
      {"[[class]]\nmatch.port = \"20-10\"",
       "2:14: \"port\": the range \"20-10\" is empty; the smaller port comes first, as in \"10-20\""},
      {"[[class]]\nmatch = { protocol = \"icmpv6\", port = 5 }",
       "2:39: \"port\" would never match: protocol 58 has no ports; only tcp, udp and sctp have"},
      {"[[class]]\nmatch.dscp = 64", "2:14: \"dscp\": expected a DSCP like \"ef\" or a number 0-63, found 64"},
      {"[[class]]\nmatch.flow-label = 0x100000", "2:20: \"flow-label\": expected a flow label 0-0xfffff, found 1048576"},
      {"[[class]]\nmatch.user = \"nobody-here\"", "2:14: \"user\": there is no user \"nobody-here\" on this host"},
      {"[[class]]\nmatch.user = true", "2:14: \"user\": expected the name or the number of a user, found true"},
      {"default = 5", "1:11: \"default\" has to be a table written as [default], found 5"},
      {"[default]\nname = \"x\"", "2:1: unknown key \"name\" in [default]; possible are interfaces, home-address"},
  }));
  CHECK(errors_of({{"p.toml", row.text}}) == std::vector<std::string>{std::string("p.toml:") + row.message});
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

TEST_CASE("control characters and length of a text do not get into messages", "[policy]") {
  const auto errors = errors_of({{"p.toml", "[[class]]\nmatch.user = \"\\u001b[31m" + std::string(5000, 'x') + "\"\n"}});
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].find('\x1b') == std::string::npos);
  CHECK(errors[0].size() < 200);
}

// A mistyped file must give an error with a place or a policy, whatever the typing mistake.
TEST_CASE("random damage to a good file", "[policy][random]") {
  std::mt19937_64 random(test::seed("policy_errors_test"));
  const std::string good = R"([[class]]
name = "voice"
interfaces = ["wlan0", "ww*"]
match = { protocol = ["udp", 6], peer = "2001:db8::/32", port = [5060, "7000-8000"], dscp = "ef", flow-label = 5, user = 7 }
[default]
home-address = "primary"
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
    const auto policy = Policy::parse(std::vector<PolicyFile>{{"p.toml", text}}, no_users);
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
