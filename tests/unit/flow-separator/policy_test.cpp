// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <string>

#include "mipflow/flow-separator/policy.hpp"
#include "policy_support.hpp"

namespace mipflow::flow_separator {
using namespace testing;

TEST_CASE("without files and from empty files there is the default class alone", "[policy]") {
  for (const Policy& policy : {Policy(), parse(""), parse("# nothing\n"), parse(std::vector<PolicyFile>{})}) {
    REQUIRE(policy.classes().size() == 1);
    CHECK(policy.default_class().name == "default");
    CHECK(interfaces_of(policy.default_class()) == std::vector<std::string>{"*"});
    CHECK(policy.default_class().home_address == HomeAddressRule::Figure6);
    CHECK(policy.default_class().route_optimization == RouteOptimization::Prefer);
    CHECK(policy.default_class().origin.empty());
    CHECK(&policy.classify(flow(kProtocolTcp, kPeer, 22)) == &policy.default_class());
  }
}

TEST_CASE("a class with everything", "[policy]") {
  const Policy policy = parse(R"(
[[class]]
name = "voice"
interfaces = ["wlan0", "ww*", "*"]
home-address = "primary"
route-optimization = "yes"
[class.match]
protocol = "udp"
peer = "2001:db8:c::/48"
port = "5060-5090"
local-port = 5060
dscp = "ef"
flow-label = 0x12345
user = "alice"

[default]
interfaces = "eth0"
)");
  REQUIRE(policy.classes().size() == 2);
  const PolicyClass& voice = policy.classes()[0];
  CHECK(voice.name == "voice");
  CHECK(interfaces_of(voice) == std::vector<std::string>{"wlan0", "ww*", "*"});
  CHECK(voice.home_address == HomeAddressRule::Primary);
  CHECK(voice.fixed_home_address == std::nullopt);
  CHECK(voice.route_optimization == RouteOptimization::Yes);
  CHECK(voice.origin == "policy.toml:2");
  CHECK(policy.find("voice") == &voice);
  CHECK(policy.find("video") == nullptr);
  CHECK(interfaces_of(policy.default_class()) == std::vector<std::string>{"eth0"});
  CHECK(policy.default_class().origin == "policy.toml:16");

  FlowAttributes call = flow(kProtocolUdp, kPeer, 5070, 5060);
  call.dscp = 46;
  call.flow_label = 0x12345;
  call.user = 1000;
  CHECK(&policy.classify(call) == &voice);
  const auto without = [&](auto&& change) {
    FlowAttributes other = call;
    change(other);
    return &policy.classify(other) == &policy.default_class();
  };
  CHECK(without([](FlowAttributes& f) { f.key.protocol = kProtocolTcp; }));
  CHECK(without([](FlowAttributes& f) { f.key.correspondent = address("2001:db8:d::1"); }));
  CHECK(without([](FlowAttributes& f) { f.key.correspondent_port = 5059; }));
  CHECK(without([](FlowAttributes& f) { f.key.correspondent_port = 5091; }));
  CHECK(without([](FlowAttributes& f) { f.key.source_port = 5061; }));
  CHECK(without([](FlowAttributes& f) { f.dscp = 0; }));
  CHECK(without([](FlowAttributes& f) { f.flow_label = 0; }));
  CHECK(without([](FlowAttributes& f) { f.user = 1001; }));
  CHECK(without([](FlowAttributes& f) { f.user.reset(); }));
}

TEST_CASE("the home address and the way of a class, as the file writes them", "[policy]") {
  for (const HomeAddressRule rule : {HomeAddressRule::Figure6, HomeAddressRule::Primary, HomeAddressRule::Own})
    for (const RouteOptimization way : {RouteOptimization::No, RouteOptimization::Prefer, RouteOptimization::Yes})
      for (const char* table : {"[[class]]", "[default]"}) {
        const Policy policy = parse(std::string(table) + "\nhome-address = \"" + std::string(to_string(rule)) +
                                    "\"\nroute-optimization = \"" + std::string(to_string(way)) + "\"\n");
        CHECK(policy.classes()[0].home_address == rule);
        CHECK(policy.classes()[0].fixed_home_address == std::nullopt);
        CHECK(policy.classes()[0].route_optimization == way);
      }
}

TEST_CASE("an address that is kept for a class, and for a second one", "[policy]") {
  const Policy policy = parse(R"(
[[class]]
name = "signalling"
home-address = "2001:DB8:100:0::5060"
[[class]]
name = "voice"
home-address = "2001:db8:100::5060"
[[class]]
name = "backup"
home-address = "fd00::1"
)");
  REQUIRE(policy.classes().size() == 4);
  for (const char* name : {"signalling", "voice"}) {
    CHECK(policy.find(name)->home_address == HomeAddressRule::Fixed);
    CHECK(policy.find(name)->fixed_home_address == address("2001:db8:100::5060"));
  }
  CHECK(policy.find("backup")->fixed_home_address == address("fd00::1"));
  CHECK(policy.default_class().fixed_home_address == std::nullopt);
}

TEST_CASE("everything of a class may be left out", "[policy]") {
  const Policy policy = parse("[[class]]\n");
  REQUIRE(policy.classes().size() == 2);
  CHECK(policy.classes()[0].name == "class-1");
  CHECK(interfaces_of(policy.classes()[0]) == std::vector<std::string>{"*"});
  CHECK(policy.classify(flow(kProtocolTcp, kPeer, 1)).name == "class-1");
}

TEST_CASE("the first class that matches decides, over several files in order", "[policy]") {
  const PolicyFile first{"10-first.toml", "[[class]]\nname = \"ssh\"\nmatch.port = 22\n"};
  const PolicyFile second{"20-second.toml", "[[class]]\nname = \"low\"\nmatch.port = \"1-1023\"\n[[class]]\n"};
  const Policy policy = parse({first, second});
  CHECK(policy.classify(flow(kProtocolTcp, kPeer, 22)).name == "ssh");
  CHECK(policy.classify(flow(kProtocolTcp, kPeer, 80)).name == "low");
  CHECK(policy.classify(flow(kProtocolTcp, kPeer, 8080)).name == "class-3");
  CHECK(policy.find("low")->origin == "20-second.toml:1");
  CHECK(parse({second, first}).classify(flow(kProtocolTcp, kPeer, 22)).name == "low");
}

TEST_CASE("protocols: name, number, list", "[policy]") {
  for (const char* text : {"protocol = \"udp\"", "protocol = \"UDP\"", "protocol = 17", "protocol = \"17\"", "protocol = [\"tcp\", 17]"}) {
    INFO(text);
    CHECK(matches(matching(text), flow(kProtocolUdp, kPeer, 1)));
    CHECK_FALSE(matches(matching(text), flow(kProtocolSctp, kPeer, 1)));
  }
  CHECK(matches(matching("protocol = 255"), flow(255, kPeer, 0)));
  CHECK(matches(matching("protocol = 0"), flow(0, kPeer, 0)));
}

TEST_CASE("peers: address, prefix, list; the whole of a prefix and nothing beside it", "[policy]") {
  const Policy policy = matching("peer = [\"2001:db8:5::/48\", \"2001:db8:c::1\"]");
  CHECK(matches(policy, flow(kProtocolTcp, "2001:db8:5::", 1)));
  CHECK(matches(policy, flow(kProtocolTcp, "2001:db8:5:ffff:ffff:ffff:ffff:ffff", 1)));
  CHECK_FALSE(matches(policy, flow(kProtocolTcp, "2001:db8:4:ffff:ffff:ffff:ffff:ffff", 1)));
  CHECK_FALSE(matches(policy, flow(kProtocolTcp, "2001:db8:6::", 1)));
  CHECK(matches(policy, flow(kProtocolTcp, "2001:db8:c::1", 1)));
  CHECK_FALSE(matches(policy, flow(kProtocolTcp, "2001:db8:c::2", 1)));
  CHECK(matches(matching("peer = \"::/0\""), flow(kProtocolTcp, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1)));
  CHECK(matches(matching("peer = \"ff00::/8\""), flow(kProtocolUdp, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1)));
}

TEST_CASE("ports: number, range, list, both ends of the range of ports", "[policy]") {
  const Policy policy = matching("port = [0, 22, \"100-200\", \"150-300\", \"65535\"]");
  for (const int port : {0, 22, 100, 150, 200, 201, 300, 65'535}) {
    INFO(port);
    CHECK(matches(policy, flow(kProtocolTcp, kPeer, static_cast<std::uint16_t>(port))));
  }
  for (const int port : {1, 21, 23, 99, 301, 65'534}) {
    INFO(port);
    CHECK_FALSE(matches(policy, flow(kProtocolTcp, kPeer, static_cast<std::uint16_t>(port))));
  }
}

TEST_CASE("ports match protocols that have some: an echo's identifier is no port", "[policy]") {
  for (const char* text : {"port = 22", "local-port = 22"}) {
    INFO(text);
    CHECK(matches(matching(text), flow(kProtocolTcp, kPeer, 22, 22)));
    CHECK(matches(matching(text), flow(kProtocolUdp, kPeer, 22, 22)));
    CHECK(matches(matching(text), flow(kProtocolSctp, kPeer, 22, 22)));
    CHECK_FALSE(matches(matching(text), flow(kProtocolIcmpv6, kPeer, 22, 22)));
  }
}

TEST_CASE("dscp: names, numbers", "[policy]") {
  FlowAttributes attributes = flow(kProtocolUdp, kPeer, 1);
  attributes.dscp = 34;
  CHECK(matches(matching("dscp = \"af41\""), attributes));
  CHECK(matches(matching("dscp = [\"EF\", 34]"), attributes));
  CHECK_FALSE(matches(matching("dscp = \"af42\""), attributes));
}

TEST_CASE("users: name, number, list; also the superuser", "[policy]") {
  FlowAttributes attributes = flow(kProtocolUdp, kPeer, 1);
  attributes.user = 0;
  CHECK(matches(matching("user = \"root\""), attributes));
  CHECK(matches(matching("user = [\"alice\", 0]"), attributes));
  attributes.user = 1000;
  CHECK(matches(matching("user = \"1000\""), attributes));
  CHECK_FALSE(matches(matching("user = 0"), attributes));
  attributes.user.reset();
  CHECK_FALSE(matches(matching("user = 0"), attributes));
}

}  // namespace mipflow::flow_separator
