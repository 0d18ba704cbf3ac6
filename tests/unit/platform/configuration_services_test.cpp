// SPDX-License-Identifier: GPL-3.0-or-later
// What a home agent's configuration says of the address and policy service, docs/agent-service.md.
#include <catch2/catch.hpp>

#include "mipflow/platform/configuration.hpp"
#include "temporary_directory.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using namespace std::chrono_literals;
using wire::HomeAddressSource;

namespace {

constexpr const char* kTop = R"(home-agent-address = "2001:db8:1::1"
home-link = "virtual"
security-associations = "keys.toml"
)";
constexpr const char* kTables = R"([[prefix]]
prefix = "2001:db8:1::/64"
[[mobile-node]]
identifier = "alice@example.org"
home-address = "2001:db8:1::100"
[[mobile-node]]
identifier = "bob@example.org"
home-address = "2001:db8:1::200"
)";
constexpr const char* kKeys = R"([[association]]
identifier = "alice@example.org"
spi = 300
key = "000102030405060708090a0b0c0d0e0f"
[[association]]
identifier = "bob@example.org"
spi = 301
key = "00112233445566778899aabbccddeeff"
)";

struct Files {
  Files() { directory.write("keys.toml", kKeys); }
  auto load(const std::string& top, const std::string& tables) {
    return load_home_agent_settings(directory.write("had.toml", kTop + top + kTables + tables));
  }
  // The mistakes as the operator reads them, without the directory in front.
  std::vector<std::string> mistakes(const std::string& top, const std::string& tables) {
    std::vector<std::string> out;
    const auto loaded = load(top, tables);
    if (loaded) return out;
    const auto prefix = directory.path().string() + "/";
    for (const auto& error : loaded.error()) {
      auto text = to_string(error);
      for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) text.erase(at, prefix.size());
      out.push_back(text);
    }
    return out;
  }
  test::TemporaryDirectory directory;
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("the address service: sources and times") {
  Files files;
  const auto defaults = files.load("", "");
  REQUIRE(defaults);
  CHECK(defaults->agent.address_service == home_agent::AddressServiceConfiguration{});
  CHECK(defaults->agent.address_service.sources == std::vector{HomeAddressSource::Agent});
  CHECK(defaults->agent.mobile_nodes[0].policy == nullptr);

  const auto settings = files.load("", "[address-service]\nsources = [\"dhcpv6\", \"agent\"]\nunbound-lease = \"2h\"\nrest = \"5min\"\n");
  REQUIRE(settings);
  CHECK(settings->agent.address_service.sources == std::vector{HomeAddressSource::Dhcpv6, HomeAddressSource::Agent});
  CHECK(settings->agent.address_service.unbound_lease == 2h);
  CHECK(settings->agent.address_service.rest == 5min);
  const auto none = files.load("", "[address-service]\nsources = []\n");
  REQUIRE(none);
  CHECK(none->agent.address_service.sources.empty());

  CHECK(files.mistakes("", "[address-service]\nsources = [\"dhcp\"]\n") ==
        Lines{"had.toml:13:11: [address-service] sources: expected \"agent\" and \"dhcpv6\", found \"dhcp\""});
  CHECK(files.mistakes("", "[address-service]\nsources = [\"agent\", \"agent\"]\n") ==
        Lines{"had.toml:13:11: [address-service] sources: \"agent\" is named twice"});
  CHECK(files.mistakes("", "[address-service]\nunbound-lease = \"1s\"\n").size() == 1);
  CHECK(files.mistakes("", "[address-service]\nlease = \"1h\"\n").size() == 1);
}

TEST_CASE("served policies: one for all, another one for some") {
  Files files;
  files.directory.write("all.toml", "[[class]]\nname = \"office\"\n[class.match]\nuser = \"whoever\"\n");
  files.directory.write("bob.toml", "[[class]]\n");
  const auto settings = files.load("policy = \"all.toml\"\n", "policy = \"bob.toml\"\n");
  REQUIRE(settings);
  const auto& nodes = settings->agent.mobile_nodes;
  REQUIRE(nodes[0].policy);
  CHECK_THAT(*nodes[0].policy, Catch::Contains("office"));
  CHECK(*nodes[1].policy == "[[class]]\n");
  // Shared, however many are served it.
  const auto shared = files.load("policy = \"all.toml\"\n", "");
  REQUIRE(shared);
  CHECK(shared->agent.mobile_nodes[0].policy == shared->agent.mobile_nodes[1].policy);
}

TEST_CASE("mistakes in a served policy are told with its own file, line and column, once") {
  Files files;
  files.directory.write("wrong.toml", "[[class]]\nname = \"office\"\ninterfaces = 5\n");
  const auto found = files.mistakes("policy = \"wrong.toml\"\n", "policy = \"wrong.toml\"\n");
  REQUIRE(found.size() == 1);
  CHECK_THAT(found[0], Catch::StartsWith("wrong.toml:3:"));
  CHECK(files.mistakes("policy = \"missing.toml\"\n", "") == Lines{"had.toml:4:10: policy: cannot read missing.toml"});
  files.directory.write("large.toml", std::string(wire::kLargestPolicy + 1, '#'));
  CHECK(files.mistakes("policy = \"large.toml\"\n", "") == Lines{"had.toml:4:10: policy: large.toml is larger than 256 KiB"});
}

TEST_CASE("home agents that mobile nodes are told of") {
  Files files;
  const auto defaults = files.load("", "");
  REQUIRE(defaults);
  CHECK(defaults->agent.home_agent_preference == 0);
  CHECK(defaults->agent.other_home_agents.empty());
  const auto settings = files.load("preference = 65535\n", "[[home-agent]]\naddress = \"2001:db8:1::2\"\n[[home-agent]]\naddress = \"2001:db8:1::3\"\npreference = 20\n");
  REQUIRE(settings);
  CHECK(settings->agent.home_agent_preference == 65'535);
  CHECK(settings->agent.other_home_agents == std::vector<home_agent::OtherHomeAgent>{{*Address::parse("2001:db8:1::2"), 0}, {*Address::parse("2001:db8:1::3"), 20}});

  CHECK(files.mistakes("preference = 65536\n", "").size() == 1);
  CHECK(files.mistakes("", "[[home-agent]]\naddress = \"2001:db8:1::1\"\n") ==
        Lines{"had.toml:13:11: [[home-agent]] address: 2001:db8:1::1 is this home agent; its preference stands at the top of the file"});
  CHECK(files.mistakes("", "[[home-agent]]\naddress = \"2001:db8:1::2\"\n[[home-agent]]\naddress = \"2001:db8:1::2\"\n") ==
        Lines{"had.toml:15:11: [[home-agent]] address: 2001:db8:1::2 stands there already"});
  CHECK(files.mistakes("", "[[home-agent]]\npreference = 1\n").size() == 1);
  CHECK(files.mistakes("", "[[home-agent]]\naddress = \"2001:db8:1::2\"\nlifetime = 1\n").size() == 1);
}
