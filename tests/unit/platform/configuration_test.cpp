// SPDX-License-Identifier: GPL-3.0-or-later
#include <unistd.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

#include "mipflow/platform/configuration.hpp"
#include "mipflow/platform/security_associations.hpp"
#include "mipflow/platform/service_user.hpp"
#include "temporary_directory.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using namespace std::chrono_literals;
using test::TemporaryDirectory;

namespace {

constexpr const char* kMobileNode = R"(home-agent = "2001:db8:1::1"
home-address = "2001:db8:1::100"
home-prefix = "2001:db8:1::/64"
identifier = "alice@example.org"
security-associations = "keys.toml"
)";
constexpr const char* kHomeAgent = R"(home-agent-address = "2001:db8:1::1"
home-link = "virtual"
security-associations = "keys.toml"
[[prefix]]
prefix = "2001:db8:1::/64"
[[mobile-node]]
identifier = "alice@example.org"
home-address = "2001:db8:1::100"
)";
constexpr const char* kKeys = R"([[association]]
identifier = "alice@example.org"
spi = 300
key = "000102030405060708090a0b0c0d0e0f"
)";

// The mistakes as the operator reads them, without the directory in front.
template <class Loaded>
std::vector<std::string> mistakes(const Loaded& loaded, const TemporaryDirectory& directory) {
  std::vector<std::string> out;
  if (loaded) return out;
  for (const auto& error : loaded.error()) {
    auto text = to_string(error);
    const auto prefix = directory.path().string() + "/";
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) text.erase(at, prefix.size());
    out.push_back(text);
  }
  return out;
}

std::vector<std::string> mobile_node_mistakes(const std::string& text) {
  const TemporaryDirectory directory;
  directory.write("keys.toml", kKeys);
  return mistakes(load_mobile_node_settings(directory.write("mnd.toml", text)), directory);
}

std::vector<std::string> home_agent_mistakes(const std::string& text) {
  const TemporaryDirectory directory;
  directory.write("keys.toml", kKeys);
  return mistakes(load_home_agent_settings(directory.write("had.toml", text)), directory);
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a small mobile node configuration is enough, the rest has defaults") {
  const TemporaryDirectory directory;
  directory.write("keys.toml", kKeys);
  const auto settings = load_mobile_node_settings(directory.write("mnd.toml", kMobileNode));
  REQUIRE(settings);
  CHECK(settings->node.home_agent == Address::parse("2001:db8:1::1"));
  CHECK(settings->node.primary_home_address == Address::parse("2001:db8:1::100"));
  CHECK(settings->node.home_prefix == Prefix::parse("2001:db8:1::/64"));
  CHECK(settings->node.authentication == mobile_node::Authentication::Rfc4285);
  CHECK(settings->node.security_association.spi == 300);
  CHECK(settings->node.security_association.key.size() == 16);
  CHECK(settings->node.home_address_cap == mobile_node::Configuration{}.home_address_cap);
  CHECK(settings->policy_directory == "/etc/mipflow/policy.d");
}

TEST_CASE("every key of the mobile node's configuration arrives") {
  const TemporaryDirectory directory;
  directory.write("keys.toml", kKeys);
  const auto settings = load_mobile_node_settings(directory.write("mnd.toml", std::string(kMobileNode) + R"(
spi = 300
policy-directory = "rules"
log-level = "warning"
route-optimization = false
[home-addresses]
cap = 7
warm-pool = 3
avoid-primary = false
strict-primary = true
anchor-per-interface = false
[timers]
binding-lifetime = "5min"
first-registration-timeout = "1.5s"
hold-limit = "150ms"
udp-idle = 90
tcp-idle = "2h"
icmp-idle = "10s"
other-idle = "1d"
closed-linger = "2s"
[flows]
capacity = 500
correspondent-registration-cap = 30
[interfaces]
ignore = ["docker*"]
metered = ["ww*", "usb0"]
probe = false
)"));
  REQUIRE(settings);
  const auto& node = settings->node;
  CHECK(settings->policy_directory == directory / "rules");
  CHECK(settings->log_level == Severity::Warning);
  CHECK(node.home_address_cap == 7);
  CHECK(node.warm_pool_size == 3);
  CHECK_FALSE(node.avoid_primary);
  CHECK(node.strict_primary);
  CHECK_FALSE(node.anchor_per_interface);
  CHECK(node.requested_lifetime == 5min);
  CHECK(node.initial_bindack_timeout_first_reg == 1500ms);
  CHECK(node.hold_limit == 150ms);
  CHECK(node.udp_idle_timeout == 90s);
  CHECK(node.tcp_idle_timeout == 2h);
  CHECK(node.icmp_idle_timeout == 10s);
  CHECK(node.other_idle_timeout == 24h);
  CHECK(node.closed_linger == 2s);
  CHECK(node.flow_capacity == 500);
  CHECK(node.correspondent_registration_cap == 30);
  CHECK_FALSE(node.route_optimization);
  CHECK(settings->ignored_interfaces == Lines{"docker*"});
  CHECK(settings->node.metered_interfaces == Lines{"ww*", "usb0"});
  CHECK_FALSE(settings->node.probe_home_agent);
}

TEST_CASE("an insecure home agent has to be written out") {
  CHECK(mobile_node_mistakes(std::string(kMobileNode) + "authentication = \"none\"\n") ==
        Lines{"mnd.toml:6:18: authentication: is \"none\"; expected one of \"rfc4285\", \"none-insecure\""});
  const TemporaryDirectory directory;
  const auto settings = load_mobile_node_settings(directory.write("mnd.toml", std::string(kMobileNode) + "authentication = \"none-insecure\"\n"));
  REQUIRE(settings);  // there is no file with keys, and none is needed
  CHECK(settings->node.authentication == mobile_node::Authentication::NoneInsecure);
}

TEST_CASE("all mistakes are told at once, each with file, line, column and what was expected") {
  CHECK(mobile_node_mistakes(R"(home-agent = "2001:db8:1::zz"
home-address = "ff02::1"
home-prefix = "2001:db8:1::1/64"
identifier = "bob@example.org"
security-associations = "keys.toml"
colour = "red"
[home-addresses]
cap = 0
warm-pool = "two"
[timers]
udp-idle = "3 weeks"
hold-limit = "1h"
[interfaces]
ignore = "docker0"
metered = true
probe = "often"
)") == Lines{
            "mnd.toml:1:14: home-agent: \"2001:db8:1::zz\" is no IPv6 address; expected one like \"2001:db8::1\"",
            "mnd.toml:2:16: home-address: \"ff02::1\" is multicast, link-local, loopback or unspecified; expected a global unicast address",
            "mnd.toml:3:15: home-prefix: \"2001:db8:1::1/64\" is no prefix; expected one like \"2001:db8:1::/64\" with no bits set behind its length",
            "mnd.toml:4:14: identifier: \"bob@example.org\" has no security association in keys.toml",
            "mnd.toml:6:1: colour: unknown key; expected one of authentication, flows, home-address, home-addresses, home-agent, home-agents, home-prefix, "
            "identifier, interfaces, log-level, network-policy, policy-directory, route-optimization, security-associations, spi, state-directory, timers, tunnel-sources",
            "mnd.toml:8:7: [home-addresses] cap: is 0; expected a whole number from 1 to 1024",
            "mnd.toml:9:13: [home-addresses] warm-pool: is text; expected a whole number from 0 to 64",
            "mnd.toml:11:12: [timers] udp-idle: is no duration; expected a number of seconds or text like \"200ms\", \"1.5s\", \"5min\", \"24h\", \"30d\"",
            "mnd.toml:12:14: [timers] hold-limit: is 3600s; expected a duration from 0s to 5s",
            "mnd.toml:14:10: [interfaces] ignore: is no list of texts; expected one like [\"docker*\", \"virbr*\"]",
            "mnd.toml:15:11: [interfaces] metered: is no list of texts; expected one like [\"docker*\", \"virbr*\"]",
            "mnd.toml:16:9: [interfaces] probe: is text; expected true or false",
        });
}

TEST_CASE("the home agent may be left to discovery, to a list, or to discovery within a list") {
  const TemporaryDirectory directory;
  directory.write("keys.toml", kKeys);
  const std::string rest = std::string(kMobileNode).substr(std::string(kMobileNode).find('\n') + 1);
  const auto load = [&](const std::string& which) { return load_mobile_node_settings(directory.write("mnd.toml", which + rest)); };
  const auto one = load("home-agent = \"2001:db8:1::1\"\n").value().node;
  CHECK(one.home_agent == *Address::parse("2001:db8:1::1"));
  CHECK(one.other_home_agents.empty());
  const auto discovered = load("home-agent = \"auto\"\n").value().node;
  CHECK(discovered.home_agent.is_unspecified());
  CHECK(discovered.other_home_agents.empty());
  const std::vector<Address> two{*Address::parse("2001:db8:1::2"), *Address::parse("2001:db8:7::3")};
  CHECK(load("home-agent = \"2001:db8:1::1\"\nhome-agents = [\"2001:db8:1::2\", \"2001:db8:7::3\"]\n").value().node.other_home_agents == two);
  CHECK(load("home-agent = \"auto\"\nhome-agents = [\"2001:db8:1::2\", \"2001:db8:7::3\"]\n").value().node.other_home_agents == two);

  const auto refused = [&](const std::string& which) { return mistakes(load(which), directory); };
  CHECK(refused("home-agent = \"automatic\"\n") == Lines{"mnd.toml:1:14: home-agent: \"automatic\" is no IPv6 address; expected one like \"2001:db8::1\""});
  CHECK(refused("home-agent = \"auto\"\nhome-agents = []\n") == Lines{"mnd.toml:2:15: home-agents: has 0 addresses; expected 1 to 32"});
  CHECK(refused("home-agent = \"auto\"\nhome-agents = [\"ff02::1\"]\n") ==
        Lines{"mnd.toml:2:15: home-agents: \"ff02::1\" is no global unicast IPv6 address; expected ones like \"2001:db8::1\""});
  CHECK(refused("home-agent = \"2001:db8:1::1\"\nhome-agents = [\"2001:db8:1::1\"]\n") ==
        Lines{"mnd.toml:2:15: home-agents: 2001:db8:1::1 stands in home-agent already"});
  CHECK(refused("home-agent = \"auto\"\nhome-agents = [\"2001:db8:1::2\", \"2001:db8:1::2\"]\n") ==
        Lines{"mnd.toml:2:15: home-agents: 2001:db8:1::2 is named twice"});
  CHECK(load("home-agent = \"2001:db8:1::1\"\ntunnel-sources = [\"2001:db8:1::2\"]\n").value().node.tunnel_sources ==
        std::vector<Address>{*Address::parse("2001:db8:1::2")});
  const std::string wide = std::string("home-agent = \"auto\"\n") + "home-address = \"2001:db8:1::100\"\nhome-prefix = \"2001:db8::/32\"\nauthentication = \"none-insecure\"\n";
  CHECK(mistakes(load_mobile_node_settings(directory.write("mnd.toml", wide)), directory) ==
        Lines{"mnd.toml:1:14: home-agent: \"auto\" asks at the home agents' anycast address of a /64 (RFC 2526), home-prefix is 2001:db8::/32; expected an address"});
}

TEST_CASE("an association is chosen by its SPI when there are several") {
  const TemporaryDirectory directory;
  directory.write("keys.toml", std::string(kKeys) + "[[association]]\nidentifier = \"alice@example.org\"\nspi = 400\nkey = \"ffeeddccbbaa99887766554433221100\"\n");
  const auto load = [&](const std::string& more) { return load_mobile_node_settings(directory.write("mnd.toml", kMobileNode + more)); };
  CHECK(load("spi = 400\n").value().node.security_association.key.front() == 0xff);
  CHECK(mistakes(load(""), directory) ==
        Lines{"mnd.toml:4:14: identifier: \"alice@example.org\" has several security associations to choose from by spi = … in keys.toml"});
  CHECK(mistakes(load("spi = 500\n"), directory) ==
        Lines{"mnd.toml:4:14: identifier: \"alice@example.org\" has no security association with SPI 500 in keys.toml"});
}

TEST_CASE("what is missing is named") {
  const auto found = mobile_node_mistakes("");
  REQUIRE(found.size() == 4);
  CHECK(found[0] == "mnd.toml:1:1: home-agent: is missing; expected the home agent's address, or \"auto\"");
  CHECK_THAT(found[1], Catch::Contains("home-address: is missing"));
  CHECK_THAT(found[2], Catch::Contains("home-prefix: is missing"));
  CHECK_THAT(found[3], Catch::Contains("identifier: is missing"));
}

TEST_CASE("a file that is no TOML says where it stops being some") {
  const auto found = mobile_node_mistakes("home-agent = \"2001:db8:1::1\"\nhome-address = = 1\n");
  REQUIRE(found.size() == 1);
  CHECK_THAT(found[0], Catch::StartsWith("mnd.toml:2:"));
}

TEST_CASE("a missing file is an error, not an empty configuration") {
  const TemporaryDirectory directory;
  CHECK(mistakes(load_mobile_node_settings(directory / "mnd.toml"), directory) == Lines{"mnd.toml: there is no such file"});
}

TEST_CASE("a home address below another prefix is refused") {
  auto text = std::string(kMobileNode);
  text.replace(text.find("2001:db8:1::100"), 15, "2001:db8:2::100");
  CHECK(mobile_node_mistakes(text) == Lines{"mnd.toml:2:16: home-address: 2001:db8:2::100 is not below home-prefix 2001:db8:1::/64"});
}

TEST_CASE("drop-in files replace keys, join lists of tables, and are named in errors") {
  const TemporaryDirectory directory;
  directory.write("keys.toml", std::string(kKeys) + "[[association]]\nidentifier = \"bob@example.org\"\nspi = 301\nkey = \"00112233445566778899aabbccddeeff\"\n");
  const auto file = directory.write("had.toml", kHomeAgent);
  directory.write("had.d/10-first.toml", "log-level = \"error\"\n[timers]\ntimestamp-window = \"3s\"\n");
  directory.write("had.d/20-second.toml", "log-level = \"debug\"\n[[mobile-node]]\nidentifier = \"bob@example.org\"\nhome-address = \"2001:db8:1::200\"\n");
  directory.write("had.d/notes.txt", "not TOML at all = =");
  const auto settings = load_home_agent_settings(file);
  REQUIRE(settings);
  CHECK(settings->log_level == Severity::Debug);
  CHECK(settings->agent.timestamp_window == 3s);
  REQUIRE(settings->agent.mobile_nodes.size() == 2);
  CHECK(settings->agent.mobile_nodes[1].security_association.spi == 301);

  directory.write("had.d/30-wrong.toml", "\nlog-level = \"loud\"\n");
  const auto found = mistakes(load_home_agent_settings(file), directory);
  REQUIRE(found.size() == 1);
  CHECK_THAT(found[0], Catch::StartsWith("had.d/30-wrong.toml:2:13: log-level: is \"loud\""));
}

TEST_CASE("every key of the home agent's configuration arrives") {
  const TemporaryDirectory directory;
  directory.write("keys.toml", kKeys);
  const auto settings = load_home_agent_settings(directory.write("had.toml", R"(home-agent-address = "2001:db8:1::1"
home-link = "eth0"
security-associations = "keys.toml"
state-directory = "/var/lib/elsewhere"
[[prefix]]
prefix = "2001:db8:1::/64"
valid = "10d"
preferred = "5d"
count-down = true
[[mobile-node]]
identifier = "alice@example.org"
spi = 300
home-address = "2001:db8:1::100"
may-allocate-home-addresses = false
cap = 3
timestamps-required = false
[timers]
longest-binding-lifetime = "1h"
timestamp-window = "2s"
duplicate-address-detection = "500ms"
previous-care-of-address-grace = "1s"
[binding-cache]
capacity = 1000
[correspondent-node]
route-optimization = false
binding-cache-capacity = 50
)"));
  REQUIRE(settings);
  const auto& agent = settings->agent;
  CHECK(settings->home_link == "eth0");
  CHECK(settings->state_directory == "/var/lib/elsewhere");
  REQUIRE(agent.home_prefixes.size() == 1);
  CHECK(agent.home_prefixes[0].valid_lifetime == 240h);
  CHECK(agent.home_prefixes[0].preferred_lifetime == 120h);
  CHECK(agent.home_prefixes[0].lifetimes_count_down);
  REQUIRE(agent.mobile_nodes.size() == 1);
  CHECK(agent.mobile_nodes[0].primary_home_address == Address::parse("2001:db8:1::100"));
  CHECK(agent.mobile_nodes[0].security_association.network_access_identifier == "alice@example.org");
  CHECK_FALSE(agent.mobile_nodes[0].may_allocate_home_addresses);
  CHECK(agent.mobile_nodes[0].home_address_cap == 3);
  CHECK_FALSE(agent.mobile_nodes[0].timestamps_required);
  CHECK(agent.longest_binding_lifetime == 1h);
  CHECK(agent.timestamp_window == 2s);
  CHECK(agent.duplicate_address_detection_wait == 500ms);
  CHECK(agent.previous_care_of_address_grace == 1s);
  CHECK(agent.binding_cache_capacity == 1000);
  CHECK_FALSE(agent.correspondent_node.route_optimization);
  CHECK(agent.correspondent_node.binding_cache_capacity == 50);
  CHECK_FALSE(agent.accept_unauthenticated_insecure);
}

TEST_CASE("mistakes of a home agent") {
  auto text = std::string(kHomeAgent);
  SECTION("two mobile nodes with one home address") {
    text += "[[mobile-node]]\nidentifier = \"alice@example.org\"\nhome-address = \"2001:db8:1::100\"\n";
    const auto found = home_agent_mistakes(text);
    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0], Catch::Contains("two mobile nodes have the home address 2001:db8:1::100"));
  }
  SECTION("a home address below no prefix") {
    text.replace(text.find("2001:db8:1::100"), 15, "2001:db8:9::100");
    CHECK(home_agent_mistakes(text) == Lines{"had.toml:8:16: [[mobile-node]] home-address: 2001:db8:9::100 is below no [[prefix]]"});
  }
  SECTION("preferred longer than valid") {
    text.insert(text.find("[[mobile-node]]"), "valid = \"1d\"\npreferred = \"2d\"\n");
    CHECK(home_agent_mistakes(text) == Lines{"had.toml:7:13: [[prefix]] preferred: is longer than valid (RFC 4861 §4.6.2)"});
  }
  SECTION("an interface name that none can be") {
    text.replace(text.find("virtual"), 7, "a-name-that-is-too-long");
    CHECK(home_agent_mistakes(text) == Lines{"had.toml:2:13: home-link: is no interface name; expected 1 to 15 characters"});
  }
}

TEST_CASE("a correspondent node needs no key, and every key arrives") {
  const TemporaryDirectory directory;
  const auto defaults = load_correspondent_node_settings(directory.write("empty.toml", ""));
  REQUIRE(defaults);
  CHECK(defaults->node.route_optimization);
  CHECK(defaults->node.longest_binding_lifetime == 420s);
  CHECK(defaults->log_level == Severity::Info);
  const auto settings = load_correspondent_node_settings(directory.write("cnd.toml", R"(route-optimization = false
binding-cache-capacity = 100
busy-for = "1min"
longest-binding-lifetime = "100s"
refresh-request-before-expiry = "20s"
previous-care-of-address-grace = 0
log-level = "debug"
)"));
  REQUIRE(settings);
  CHECK_FALSE(settings->node.route_optimization);
  CHECK(settings->node.binding_cache_capacity == 100);
  CHECK(settings->node.busy_for == 60s);
  CHECK(settings->node.longest_binding_lifetime == 100s);
  CHECK(settings->node.refresh_request_before_expiry == 20s);
  CHECK(settings->node.previous_care_of_address_grace == 0s);
  CHECK(settings->log_level == Severity::Debug);
}

TEST_CASE("mistakes of a correspondent node") {
  const TemporaryDirectory directory;
  const auto found = mistakes(load_correspondent_node_settings(directory.write("cnd.toml", R"(route-optimization = "yes"
longest-binding-lifetime = "8min"
binding-cache-capacity = 0
home-agent = "2001:db8::1"
)")), directory);
  REQUIRE(found.size() == 4);
  CHECK_THAT(found[0], Catch::StartsWith("cnd.toml:1:22: route-optimization: "));
  CHECK_THAT(found[1], Catch::StartsWith("cnd.toml:2:28: longest-binding-lifetime: ") && Catch::Contains("8s to 420s"));
  CHECK_THAT(found[2], Catch::StartsWith("cnd.toml:3:26: binding-cache-capacity: is 0"));
  CHECK_THAT(found[3], Catch::StartsWith("cnd.toml:4:1: home-agent"));
}

TEST_CASE("the packaged cnd.toml says what the defaults are") {
  // They stand there as comments; with the comment sign gone each line has to be a key.
  std::ifstream file(std::string(MIPFLOW_SOURCE_DIR) + "/packaging/etc/cnd.toml");
  REQUIRE(file);
  std::string text;
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("# ") && line.find(" = ") != std::string::npos) text += line.substr(2) + "\n";
  const TemporaryDirectory directory;
  const auto settings = load_correspondent_node_settings(directory.write("cnd.toml", text));
  CHECK(mistakes(settings, directory) == Lines{});
  REQUIRE(settings);
  const correspondent_node::Configuration defaults;
  CHECK(settings->node.binding_cache_capacity == defaults.binding_cache_capacity);
  CHECK(settings->node.busy_for == defaults.busy_for);
  CHECK(settings->node.longest_binding_lifetime == defaults.longest_binding_lifetime);
  CHECK(settings->node.refresh_request_before_expiry == defaults.refresh_request_before_expiry);
  CHECK(settings->node.previous_care_of_address_grace == defaults.previous_care_of_address_grace);
}

TEST_CASE("the file with the keys has to be secret") {
  const TemporaryDirectory directory;
  const auto file = directory.write("keys.toml", kKeys);
  CHECK(load_security_associations(file));
  std::filesystem::permissions(file, std::filesystem::perms::group_read, std::filesystem::perm_options::add);
  // Root's, on a host where the daemons have a group of their own, can be for that one.
  const bool has_group = ::geteuid() == 0 && group_of_keys();
  CHECK(mistakes(load_security_associations(file), directory) ==
        Lines{has_group ? "keys.toml: can be used by others than the daemons but holds secret keys; run: chown root:_mipflow 'keys.toml'; chmod 0640 'keys.toml'"
                        : "keys.toml: can be used by others than its owner but holds secret keys; run: chmod 0600 'keys.toml'"});
}

TEST_CASE("mistakes in the file with the keys never show a key") {
  const TemporaryDirectory directory;
  const auto found = mistakes(load_security_associations(directory.write("keys.toml", R"([[association]]
identifier = "alice@example.org"
spi = 255
key = "00112233445566778899aabbccddeef"
[[association]]
identifier = "bob@example.org"
spi = 256
key = "00112233445566778899aabbccddeeff"
[[association]]
identifier = "bob@example.org"
spi = 256
key = "00112233445566778899aabbccddeeff"
)")), directory);
  CHECK(found == Lines{
                     "keys.toml:3:7: [[association]] spi: is 255; expected a whole number from 256 to 4294967295",
                     "keys.toml:4:7: [[association]] key: is no key; expected 32 to 1024 hexadecimal digits (16 octets and more), for example "
                     "from: openssl rand -hex 16",
                     "keys.toml:9:1: [[association]]: identifier \"bob@example.org\" has SPI 256 already",
                 });
  for (const auto& line : found) CHECK(line.find("00112233") == std::string::npos);
}

TEST_CASE("policy files make one policy in the order of their names") {
  const TemporaryDirectory directory;
  directory.write("policy.d/20-b.toml", "[[class]]\nname = \"second\"\n[class.match]\nprotocol = \"udp\"\n");
  directory.write("policy.d/10-a.toml", "[[class]]\nname = \"first\"\n[class.match]\nprotocol = \"tcp\"\n");
  directory.write("policy.d/README", "nothing for the daemon");
  const auto policy = load_policy(directory / "policy.d");
  REQUIRE(policy);
  REQUIRE((*policy)->classes().size() == 3);
  CHECK((*policy)->classes()[0].name == "first");
  CHECK((*policy)->classes()[1].name == "second");

  CHECK(load_policy(directory / "nowhere"));
  directory.write("policy.d/30-c.toml", "[[class]]\nsize = 7\n");
  const auto found = mistakes(load_policy(directory / "policy.d"), directory);
  REQUIRE_FALSE(found.empty());
  CHECK_THAT(found[0], Catch::StartsWith("policy.d/30-c.toml:2:"));
}
