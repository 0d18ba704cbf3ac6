// SPDX-License-Identifier: GPL-3.0-or-later
// Moving flows: by command, by policy, by the loss of an interface; make before break.
#include "flow_support.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

namespace {

// A steady node with a UDP flow on port 5000 and another on 5001, both on wlan0.
struct TwoFlows {
  TestNode test;
  FlowSnapshot first, second;

  explicit TwoFlows(Configuration configuration = test::configuration(), const char* policy = "") : test(configuration, policy) {
    settle_in(test);
    test.outgoing(5000);
    test.outgoing(5001);
    test.serve(5s);
    first = *test.flow_with_port(5000);
    second = *test.flow_with_port(5001);
    test.take_updates();
    test.node.plan().bindings.take_changes();
    test.node.plan().flows.take_changes();
  }
};

}  // namespace

TEST_CASE("a commanded move: Binding Update from the new address at once, data on the old path until the acknowledgement") {
  TwoFlows scene;
  auto& test = scene.test;
  REQUIRE(path_of(test, udp_key(5000)) == kWlanAddress);
  REQUIRE(test.move(scene.first.id, "wwan0"));
  const auto updates = test.take_updates();
  REQUIRE(updates.size() == 1);
  CHECK(updates.front().at == test.now());
  CHECK(updates.front().home_address == scene.first.home_address);
  CHECK(updates.front().source == kWwanAddress);
  CHECK(updates.front().interface == kWwan);
  CHECK(path_of(test, udp_key(5000)) == kWlanAddress);
  CHECK(test.node.plan().bindings.take_changes().empty());
  CHECK(test.flow_with_port(5000)->state == "moving");

  test.advance(30ms);
  test.acknowledge(updates.front());
  CHECK(path_of(test, udp_key(5000)) == kWwanAddress);
  CHECK(test.flow_with_port(5000)->state == "active");
  CHECK(test.flow_with_port(5000)->interface == "wwan0");
  CHECK(test.flow_with_port(5000)->interface_reason == "moved by command");
  // One binding changed, no flow did: nothing happened to the other flow.
  CHECK(test.node.plan().bindings.take_changes().set.size() == 1);
  CHECK(test.node.plan().flows.take_changes().empty());
  CHECK(path_of(test, udp_key(5001)) == kWlanAddress);
  CHECK(test.flow_with_port(5001)->state == "active");
}

TEST_CASE("while the Binding Update of a move is lost the data stays on the old path") {
  TwoFlows scene;
  auto& test = scene.test;
  REQUIRE(test.move(scene.first.id, "wwan0"));
  test.take_updates();
  test.advance(1s - 1ms);
  CHECK(test.take_updates().empty());
  test.advance(1ms);
  REQUIRE(test.take_updates().size() == 1);
  CHECK(path_of(test, udp_key(5000)) == kWlanAddress);
}

TEST_CASE("moving back before the acknowledgement sends another Binding Update") {
  TwoFlows scene;
  auto& test = scene.test;
  REQUIRE(test.move(scene.first.id, "wwan0"));
  const auto there = test.take_updates().front();
  REQUIRE(test.move(scene.first.id, "wlan0"));
  const auto back = test.take_updates();
  REQUIRE(back.size() == 1);
  CHECK(back.front().care_of_address == kWlanAddress);
  test.acknowledge(there);
  CHECK(path_of(test, udp_key(5000)) == kWlanAddress);
  CHECK(test.flow_with_port(5000)->interface == "wlan0");
  test.acknowledge(back.front());
  CHECK(test.flow_with_port(5000)->state == "active");
}

TEST_CASE("a command that changes nothing sends nothing") {
  TwoFlows scene;
  REQUIRE(scene.test.move(scene.first.id, "wlan0"));
  CHECK(scene.test.take_updates().empty());
}

TEST_CASE("a move that can not be done is refused with the reason and changes nothing") {
  TwoFlows scene;
  auto& test = scene.test;
  const auto refused = [&](FlowId flow, const char* interface) {
    const auto result = test.move(flow, interface);
    REQUIRE_FALSE(result);
    return result.error();
  };
  CHECK(refused(9999, "wlan0").kind == CommandError::Kind::UnknownFlow);
  CHECK(refused(scene.first.id, "eth7").kind == CommandError::Kind::UnknownInterface);
  test.carrier(kWwan, "wwan0", false, InterfaceKind::Cellular);
  const auto not_usable = refused(scene.first.id, "wwan0");
  CHECK(not_usable.kind == CommandError::Kind::InterfaceNotUsable);
  CHECK(not_usable.message.find("carrier") != std::string::npos);
  CHECK(test.flow_with_port(5000)->interface == "wlan0");
}

TEST_CASE("a cut cable moves every flow of the interface in the same instant, plan and Binding Updates") {
  TwoFlows scene;
  auto& test = scene.test;
  test.carrier(kWlan, "wlan0", false);
  CHECK(path_of(test, udp_key(5000)) == kWwanAddress);
  CHECK(path_of(test, udp_key(5001)) == kWwanAddress);
  std::set<Address> moved;
  const auto updates = test.take_updates();
  for (const auto& update : updates)
    if (update.message.lifetime_units > 0 && update.source == kWwanAddress) moved.insert(update.home_address);
  CHECK(moved.contains(scene.first.home_address));
  CHECK(moved.contains(scene.second.home_address));
  CHECK(moved.contains(kPrimary));
  CHECK(test.flow_with_port(5000)->interface == "wwan0");
  for (const auto& update : updates) test.acknowledge(update);
  CHECK(test.flow_with_port(5000)->state == "active");
  CHECK(test.flow_with_port(5001)->state == "active");
}

TEST_CASE("the operator is told once which interface is lost, why, and when it is back") {
  TwoFlows scene;
  auto& test = scene.test;
  test.take_events();
  test.carrier(kWlan, "wlan0", false);
  CHECK(test.saw_event("interface-lost"));
  test.handle(RouterChanged{kWlan, address("fe80::1"), false});
  CHECK_FALSE(test.saw_event("interface-lost"));
  test.handle(RouterChanged{kWlan, address("fe80::1"), true});
  test.carrier(kWlan, "wlan0", true);
  CHECK(test.saw_event("interface-usable"));
}

TEST_CASE("every way of losing an interface moves its flows") {
  TwoFlows scene;
  auto& test = scene.test;
  SECTION("administratively down") {
    test.handle(InterfaceChanged{.index = kWlan, .name = "wlan0", .kind = InterfaceKind::Wifi, .up = false, .running = false});
  }
  SECTION("removed") { test.handle(InterfaceRemoved{kWlan}); }
  SECTION("the address is gone") { test.handle(AddressRemoved{kWlan, kWlanAddress}); }
  SECTION("the router does not answer") { test.handle(RouterChanged{kWlan, address("fe80::1"), false}); }
  SECTION("the router is gone") { test.handle(RouterRemoved{kWlan, address("fe80::1")}); }
  CHECK(path_of(test, udp_key(5000)) == kWwanAddress);
  CHECK(test.take_updates().size() >= 3);
}

TEST_CASE("flows that policy wants on an interface come back with it; an operator's choice stays") {
  TwoFlows scene;
  auto& test = scene.test;
  REQUIRE(test.move(scene.second.id, "wwan0"));
  test.serve(1s);
  test.carrier(kWlan, "wlan0", false);
  test.serve(2s);
  CHECK(test.flow_with_port(5000)->interface == "wwan0");
  test.carrier(kWlan, "wlan0", true);
  test.serve(5s);
  CHECK(test.flow_with_port(5000)->interface == "wlan0");
  CHECK(path_of(test, udp_key(5000)) == kWlanAddress);
  CHECK(test.flow_with_port(5001)->interface == "wwan0");
  // The command ends with its interface.
  test.carrier(kWwan, "wwan0", false, InterfaceKind::Cellular);
  test.serve(2s);
  test.carrier(kWwan, "wwan0", true, InterfaceKind::Cellular);
  test.serve(5s);
  CHECK(test.flow_with_port(5001)->interface == "wlan0");
}

TEST_CASE("a flow whose class allows no usable interface is stranded, and goes on when one comes") {
  TwoFlows scene(configuration(), R"(
    [[class]]
    name = "office"
    interfaces = ["wlan0"]
    [class.match]
    local-port = 5000
  )");
  auto& test = scene.test;
  test.carrier(kWlan, "wlan0", false);
  test.serve(2s);
  CHECK(test.flow_with_port(5000)->state == "stranded");
  CHECK(test.flow_with_port(5000)->care_of_address.is_unspecified());
  CHECK(test.flow_with_port(5001)->interface == "wwan0");
  test.carrier(kWlan, "wlan0", true);
  test.serve(5s);
  CHECK(test.flow_with_port(5000)->state == "active");
  CHECK(path_of(test, udp_key(5000)) == kWlanAddress);
}

TEST_CASE("without any interface nothing is sent, bindings and plan stay, and all goes on afterwards") {
  TwoFlows scene;
  auto& test = scene.test;
  test.carrier(kWlan, "wlan0", false);
  test.carrier(kWwan, "wwan0", false, InterfaceKind::Cellular);
  test.take_updates();
  test.advance(60s);
  CHECK(test.take_updates().empty());
  CHECK(test.node.plan().default_route.has_value());
  CHECK(test.node.plan().flows.find(udp_key(5000)) != nullptr);
  test.carrier(kWwan, "wwan0", true, InterfaceKind::Cellular);
  test.serve(5s);
  CHECK(path_of(test, udp_key(5000)) == kWwanAddress);
  CHECK(test.flow_with_port(5000)->state == "active");
}

TEST_CASE("a new policy moves the flows that it concerns and no others") {
  TwoFlows scene;
  auto& test = scene.test;
  const flow_separator::PolicyFile file{.name = "new.toml", .text = R"(
    [[class]]
    name = "bulk"
    interfaces = ["wwan0", "*"]
    [class.match]
    local-port = 5001
  )"};
  auto policy = flow_separator::Policy::parse(std::span(&file, 1), {});
  REQUIRE(policy);
  Outputs outputs;
  const auto moved = test.node.set_policy(std::make_shared<const flow_separator::Policy>(*policy), test.both(), outputs);
  CHECK(moved == std::vector<FlowId>{scene.second.id});
  CHECK(outputs.packets.size() == 1);
  CHECK(test.flow_with_port(5001)->class_name == "bulk");
  CHECK(path_of(test, udp_key(5000)) == kWlanAddress);
}

TEST_CASE("flows that share a home address move together") {
  auto small = configuration();
  small.home_address_cap = 3;
  small.warm_pool_size = 1;
  TestNode test(small);
  settle_in(test);
  for (std::uint16_t port = 5000; port < 5006; ++port) test.outgoing(port);
  const auto flow = *test.flow_with_port(5005);
  REQUIRE_FALSE(flow.moves_with.empty());
  const char* there = flow.interface == "wlan0" ? "wwan0" : "wlan0";
  REQUIRE(test.move(flow.id, there));
  test.serve(5s);
  for (const auto& other : test.node.flows(test.both()))
    if (other.id == flow.id || std::count(flow.moves_with.begin(), flow.moves_with.end(), other.id) > 0)
      CHECK(other.interface == there);
}
