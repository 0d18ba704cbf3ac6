// SPDX-License-Identifier: GPL-3.0-or-later
// What a home agent's configuration says of other home agents that share its load.
#include <catch2/catch.hpp>

#include "mipflow/platform/configuration.hpp"
#include "mipflow/platform/security_associations.hpp"
#include "temporary_directory.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using namespace std::chrono_literals;
using home_agent::AnswerMoment;
using home_agent::Division;

namespace {

constexpr const char* kTop = R"(home-agent-address = "2001:db8:1::2"
home-link = "virtual"
authentication = "none-insecure"
security-associations = "keys.toml"
[[prefix]]
prefix = "2001:db8:1::/64"
)";  // the first line behind it is line 7
constexpr const char* kKeys = R"([[agent]]
address = "2001:db8:1::3"
key = "000102030405060708090a0b0c0d0e0f"
[[agent]]
address = "2001:db8:1::4"
key = "00112233445566778899aabbccddeeff"
)";

struct Files {
  Files() { directory.write("keys.toml", kKeys); }
  auto load(const std::string& text) { return load_home_agent_settings(directory.write("had.toml", kTop + text)); }
  // The mistakes as the operator reads them, without the directory in front.
  std::vector<std::string> mistakes(const std::string& text) {
    std::vector<std::string> out;
    const auto loaded = load(text);
    if (loaded) return out;
    const auto prefix = directory.path().string() + "/";
    for (const auto& error : loaded.error()) {
      out.push_back(to_string(error));
      auto& last = out.back();
      for (auto at = last.find(prefix); at != std::string::npos; at = last.find(prefix)) last.erase(at, prefix.size());
    }
    return out;
  }
  test::TemporaryDirectory directory;
};

using Lines = std::vector<std::string>;

const std::string kSecondary = "[[secondary]]\nname = \"ha2\"\naddress = \"2001:db8:1::3\"\n";
const std::string kPrimary = "[[primary]]\nname = \"ha1\"\naddress = \"2001:db8:1::4\"\nprefixes = [\"2001:db8:1::/64\"]\n";

}  // namespace

TEST_CASE("load sharing: a home agent is alone unless it is told of others") {
  Files files;
  const auto settings = files.load("");
  REQUIRE(settings);
  CHECK(settings->agent.load_sharing == home_agent::LoadSharing{});
}

TEST_CASE("load sharing: every key arrives") {
  Files files;
  const auto settings = files.load(R"([load-sharing]
port = 7000
division = "load"
answer = "after-secondary"
own-weight = 0
tunnel-source = "own"
load-threshold = 1000
load-tolerance = 33
rest = "1min"
heartbeat = "20ms"
dead-after = "60ms"
linger = "2s"
[[secondary]]
name = "ha2"
address = "2001:db8:1::3"
weight = 0
[[primary]]
name = "ha-1.example.org"
address = "2001:db8:1::4"
prefixes = ["2001:db8:1::/64", "2001:db8:7::/48"]
capacity = 1234
)");
  REQUIRE(settings);
  const auto& sharing = settings->agent.load_sharing;
  CHECK(sharing.port == 7000);
  CHECK(sharing.division == Division::Load);
  CHECK(sharing.answer == AnswerMoment::AfterSecondary);
  CHECK(sharing.own_weight == 0);
  CHECK_FALSE(sharing.tunnel_from_primary);
  CHECK(sharing.load_threshold == 1000);
  CHECK(sharing.load_tolerance == 33);
  CHECK(sharing.rest == 1min);
  CHECK(sharing.heartbeat == 20ms);
  CHECK(sharing.dead_after == 60ms);
  CHECK(sharing.linger == 2s);
  REQUIRE(sharing.secondaries.size() == 1);
  CHECK(sharing.secondaries[0].name == "ha2");
  CHECK(sharing.secondaries[0].address == Address::parse("2001:db8:1::3"));
  CHECK(sharing.secondaries[0].weight == 0);
  CHECK(sharing.secondaries[0].key == Bytes{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
  REQUIRE(sharing.primaries.size() == 1);
  CHECK(sharing.primaries[0].name == "ha-1.example.org");
  CHECK(sharing.primaries[0].prefixes == std::vector{*Prefix::parse("2001:db8:1::/64"), *Prefix::parse("2001:db8:7::/48")});
  CHECK(sharing.primaries[0].capacity == 1234);
  CHECK(sharing.primaries[0].key.size() == 16);
  for (const auto& [word, division] : {std::pair{"manual", Division::Manual}, {"equal", Division::Equal}})
    CHECK(files.load("[load-sharing]\ndivision = \"" + std::string(word) + "\"\n")->agent.load_sharing.division == division);
}

TEST_CASE("load sharing: drop-in files add secondaries") {
  Files files;
  files.directory.write("had.d/ha3.toml", "[[secondary]]\nname = \"ha3\"\naddress = \"2001:db8:1::4\"\n");
  const auto settings = files.load(kSecondary);
  REQUIRE(settings);
  CHECK(settings->agent.load_sharing.secondaries.size() == 2);
}

TEST_CASE("load sharing: mistakes in how") {
  Files files;
  CHECK(files.mistakes("[load-sharing]\nport = 0\ndivision = \"fair\"\nanswer = \"later\"\nown-weight = -1\ntunnel-source = \"secondary\"\n"
                       "load-threshold = 0\nload-tolerance = 200\nrest = \"2d\"\nheartbeat = \"1ms\"\nlinger = \"1h\"\ncolour = 1\n") ==
        Lines{"had.toml:8:8: [load-sharing] port: is 0; expected a whole number from 1 to 65535",
              "had.toml:9:12: [load-sharing] division: is \"fair\"; expected one of \"manual\", \"equal\", \"load\"",
              "had.toml:10:10: [load-sharing] answer: is \"later\"; expected one of \"after-secondary\", \"at-once\"",
              "had.toml:11:14: [load-sharing] own-weight: is -1; expected a whole number from 0 to 1000",
              "had.toml:12:17: [load-sharing] tunnel-source: is \"secondary\"; expected one of \"primary\", \"own\"",
              "had.toml:13:18: [load-sharing] load-threshold: is 0; expected a whole number from 1 to 1000000000",
              "had.toml:14:18: [load-sharing] load-tolerance: is 200; expected a whole number from 1 to 100",
              "had.toml:15:8: [load-sharing] rest: is 172800s; expected a duration from 0s to 86400s",
              "had.toml:16:13: [load-sharing] heartbeat: is 1ms; expected a duration from 10ms to 10s",
              "had.toml:17:10: [load-sharing] linger: is 3600s; expected a duration from 0s to 300s",
              "had.toml:18:1: [load-sharing] colour: unknown key; expected one of answer, dead-after, division, heartbeat, linger, "
              "load-threshold, load-tolerance, own-weight, port, rest, tunnel-source"});
  const std::string too_short = "dead-after: is shorter than three times heartbeat: a lost heartbeat or two would count as a death";
  CHECK(files.mistakes("[load-sharing]\nheartbeat = \"100ms\"\ndead-after = \"299ms\"\n") == Lines{"had.toml:9:14: [load-sharing] " + too_short});
  CHECK(files.load("[load-sharing]\nheartbeat = \"100ms\"\ndead-after = \"300ms\"\n"));
  // A heartbeat that is too slow for the death that is the default.
  CHECK(files.mistakes("[load-sharing]\nheartbeat = \"1s\"\n") == Lines{"had.toml:7:1: [load-sharing] " + too_short});
}

TEST_CASE("load sharing: mistakes in who") {
  Files files;
  SECTION("nothing said") {
    CHECK(files.mistakes("[[secondary]]\n[[primary]]\n") ==
          Lines{"had.toml:7:1: [[secondary]] name: is missing; expected what you call this home agent, like \"ha2\"",
                "had.toml:7:1: [[secondary]] address: is missing; expected the home-agent-address of that home agent",
                "had.toml:8:1: [[primary]] name: is missing; expected what you call this home agent, like \"ha2\"",
                "had.toml:8:1: [[primary]] address: is missing; expected the home-agent-address of that home agent",
                "had.toml:8:1: [[primary]] prefixes: is missing; expected the home prefixes that it may delegate addresses of, like "
                "[\"2001:db8:1::/64\"]"});
  }
  SECTION("names that can not stand in a command line") {
    for (const auto* name : {"", "-x", "a b", "a\\nb", "ü"}) {
      INFO(name);
      CHECK(files.mistakes("[[secondary]]\nname = \"" + std::string(name) + "\"\naddress = \"2001:db8:1::3\"\n") ==
            Lines{"had.toml:8:8: [[secondary]] name: expected 1 to 63 letters, digits and characters of -_. that do not begin with -"});
    }
  }
  SECTION("one name twice, an agent that is both") {
    CHECK(files.mistakes(kSecondary + "[[secondary]]\nname = \"ha2\"\naddress = \"2001:db8:1::4\"\n") ==
          Lines{"had.toml:11:8: [[secondary]] name: \"ha2\" is the name of another one"});
    CHECK(files.mistakes(kSecondary + "[[primary]]\nname = \"ha1\"\naddress = \"2001:db8:1::3\"\nprefixes = [\"2001:db8:1::/64\"]\n") ==
          Lines{"had.toml:12:11: [[primary]] address: 2001:db8:1::3 stands there already; a home agent is a secondary or a primary of "
                "this one, and that once"});
  }
  SECTION("this home agent itself, an address that is none, a weight") {
    CHECK(files.mistakes("[[secondary]]\nname = \"ha2\"\naddress = \"2001:db8:1::2\"\n").front() ==
          "had.toml:9:11: [[secondary]] address: 2001:db8:1::2 is this home agent itself");
    CHECK(files.mistakes("[[secondary]]\nname = \"ha2\"\naddress = \"fe80::3\"\n").size() == 1);
    CHECK(files.mistakes(kSecondary + "weight = 1001\n") == Lines{"had.toml:10:10: [[secondary]] weight: is 1001; expected a whole number from 0 to 1000"});
  }
  SECTION("prefixes and capacity of a primary") {
    CHECK(files.mistakes("[[primary]]\nname = \"ha1\"\naddress = \"2001:db8:1::4\"\nprefixes = [\"2001:db8:1::1/64\", \"::/0\"]\ncapacity = 0\n") ==
          Lines{"had.toml:10:12: [[primary]] prefixes: \"2001:db8:1::1/64\" is no prefix; expected ones like \"2001:db8:1::/64\" with no "
                "bits set behind their length",
                "had.toml:10:12: [[primary]] prefixes: \"::/0\" would let that home agent draw every address here; name its home prefixes",
                "had.toml:11:12: [[primary]] capacity: is 0; expected a whole number from 1 to 16777216"});
    CHECK(files.mistakes("[[primary]]\nname = \"ha1\"\naddress = \"2001:db8:1::4\"\nprefixes = []\n") ==
          Lines{"had.toml:10:12: [[primary]] prefixes: is empty; expected at least one home prefix"});
  }
}

TEST_CASE("load sharing: every agent needs a key, whatever mobile nodes need") {
  Files files;
  CHECK(files.mistakes("[[secondary]]\nname = \"ha9\"\naddress = \"2001:db8:1::9\"\n") ==
        Lines{"had.toml:9:11: [[secondary]] address: 2001:db8:1::9 has no key in keys.toml; add an [[agent]] with this address and the key that both have"});
  std::string keys = kKeys;
  keys += "[[agent]]\naddress = \"2001:db8:1::3\"\nkey = \"00ff\"\n";
  files.directory.write("keys.toml", keys);
  CHECK(files.mistakes(kSecondary + kPrimary) ==
        Lines{"keys.toml:8:11: [[agent]] address: 2001:db8:1::3 has a key already",
              "keys.toml:9:7: [[agent]] key: is no key; expected 32 to 1024 hexadecimal digits (16 octets and more), for example from: openssl rand -hex 16"});
  std::filesystem::remove(files.directory / "keys.toml");
  CHECK(files.mistakes("").empty());  // nobody needs one
  CHECK(files.mistakes(kSecondary) == Lines{"keys.toml: cannot be opened: No such file or directory"});
}

TEST_CASE("a mobile node's file of keys may hold those of home agents, which it has no use for") {
  Files files;
  const auto keys = load_secret_keys(files.directory / "keys.toml");
  REQUIRE(keys);
  CHECK(keys->associations.empty());
  CHECK(keys->agents.at(*Address::parse("2001:db8:1::4")).size() == 16);
  CHECK(load_security_associations(files.directory / "keys.toml"));
}
