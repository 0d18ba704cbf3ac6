// SPDX-License-Identifier: GPL-3.0-or-later
// WO 2004/057826, Figure 4: one case per path through the chart, and what surrounds it.
#include "flow_support.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

TEST_CASE("Figure 4: 20-21-22-23-24-25-26, a new flow gets a home address and its packet leaves") {
  TestNode test;
  settle_in(test);
  const auto id = test.outgoing(5000);
  CHECK(was_accepted(test, id));
  const auto flow = test.flow_with_port(5000);
  REQUIRE(flow);
  CHECK(flow->home_address != kPrimary);
  CHECK(flow->key == udp_key(5000));
  CHECK_FALSE(flow->initiated_by_correspondent);
  const auto* item = test.node.plan().flows.find(udp_key(5000));
  REQUIRE(item != nullptr);
  CHECK(item->id == flow->id);
  CHECK(item->home_address == flow->home_address);
  CHECK(path_of(test, udp_key(5000)) == kWlanAddress);
  CHECK(test.home_address(flow->home_address)->state == "registered");
}

TEST_CASE("Figure 4: 20-21-22-24-25-26, a known flow keeps what it has, and the data path is told again") {
  TestNode test;
  settle_in(test);
  test.outgoing(5000);
  const auto first = *test.flow_with_port(5000);
  test.node.plan().flows.take_changes();
  const auto id = test.outgoing(5000);
  CHECK(was_accepted(test, id));
  CHECK(test.node.flows(test.both()).size() == 1);
  CHECK(test.flow_with_port(5000)->home_address == first.home_address);
  const auto changes = test.node.plan().flows.take_changes();
  REQUIRE(changes.set.size() == 1);
  CHECK(changes.set.front().second.id == first.id);
}

TEST_CASE("two flows to the same correspondent node get different home addresses") {
  TestNode test;
  settle_in(test);
  test.outgoing(5000);
  test.outgoing(5001);
  const auto first = *test.flow_with_port(5000);
  const auto second = *test.flow_with_port(5001);
  CHECK(first.home_address != second.home_address);
  CHECK(first.moves_with.empty());
  CHECK(second.moves_with.empty());
}

TEST_CASE("packets that belong to no flow pass") {
  TestNode test;
  settle_in(test);
  const auto multicast = test.outgoing(5000, kPrimary, address("ff0e::1"));
  CHECK(was_accepted(test, multicast));
  const auto link_local = test.outgoing(5000, kPrimary, address("fe80::2"));
  CHECK(was_accepted(test, link_local));
  const auto foreign_source = test.outgoing(5000, kWlanAddress);
  CHECK(was_accepted(test, foreign_source));
  CHECK(test.node.flows(test.both()).empty());
}

TEST_CASE("an application that chose another home address keeps it") {
  TestNode test;
  settle_in(test);
  Address spare;
  for (const auto& entry : test.node.home_addresses(test.both()))
    if (entry.state == "spare") spare = entry.home_address;
  const auto id = test.outgoing(5000, spare);
  CHECK(was_accepted(test, id));
  CHECK(test.flow_with_port(5000)->home_address == spare);
  CHECK(test.home_address(spare)->state == "registered");
  // The pool makes another spare in its place.
  test.serve(5s);
  CHECK(count_state(test, "spare") == 2);
}

TEST_CASE("a TCP segment in the middle of a connection keeps its address, a SYN gets its own") {
  TestNode test;
  settle_in(test);
  test.outgoing_tcp(6000, 0x10);
  CHECK(test.flow_with_port(6000)->home_address == kPrimary);
  test.outgoing_tcp(6001, 0x02);
  CHECK(test.flow_with_port(6001)->home_address != kPrimary);
}

TEST_CASE("a class may stay on the primary home address") {
  TestNode test(configuration(), R"(
    [[class]]
    name = "known"
    home-address = "primary"
    [class.match]
    local-port = 5000
  )");
  settle_in(test);
  test.outgoing(5000);
  CHECK(test.flow_with_port(5000)->home_address == kPrimary);
  CHECK(test.flow_with_port(5000)->class_name == "known");
}

TEST_CASE("the policy chooses the interface, and a spare that is bound there already is taken") {
  TestNode test(configuration(), R"(
    [[class]]
    name = "voice"
    interfaces = ["wwan0", "*"]
    [class.match]
    local-port = 5000
  )");
  settle_in(test);
  test.take_updates();
  REQUIRE(count_state(test, "spare", "wwan0") >= 1);
  test.outgoing(5000);
  CHECK(test.take_updates().empty());
  CHECK(path_of(test, udp_key(5000)) == kWwanAddress);
  CHECK(test.flow_with_port(5000)->interface == "wwan0");
  CHECK(test.flow_with_port(5000)->state == "active");
}

TEST_CASE("a home address that is bound elsewhere carries the first packets on its present path until it has moved") {
  auto one_spare = configuration();
  one_spare.warm_pool_size = 1;
  TestNode test(one_spare, R"(
    [default]
    interfaces = ["wwan0"]
    [[class]]
    interfaces = ["wlan0"]
    [class.match]
    local-port = 5000
  )");
  settle_in(test);
  test.take_updates();
  const bool on_wwan = count_state(test, "spare", "wwan0") == 1;
  const auto there = on_wwan ? kWwanAddress : kWlanAddress;
  const auto wanted = on_wwan ? kWlanAddress : kWwanAddress;
  const std::uint16_t port = on_wwan ? 5000 : 5001;
  test.outgoing(port);
  CHECK(path_of(test, udp_key(port)) == there);
  CHECK(test.flow_with_port(port)->state == "moving");
  test.settle();
  std::optional<SentUpdate> move;
  for (const auto& update : test.take_updates())
    if (update.home_address == test.flow_with_port(port)->home_address) move = update;
  REQUIRE(move);
  CHECK(move->care_of_address == wanted);
  CHECK(path_of(test, udp_key(port)) == there);
  test.acknowledge(*move);
  CHECK(path_of(test, udp_key(port)) == wanted);
  CHECK(test.flow_with_port(port)->state == "active");
}

TEST_CASE("the verdict of a first packet does not wait for Binding Updates") {
  TestNode test;
  settle_in(test);
  test.take_updates();
  const auto id = test.outgoing(5000);
  CHECK(was_accepted(test, id));
  CHECK(test.take_updates().empty());
  CHECK(test.node.next_deadline() <= test.now());
  test.settle();
  CHECK(test.take_updates().size() == 1);  // the pool's new spare
}

TEST_CASE("while the primary home address is being registered packets are held, then they leave") {
  TestNode test;
  test.wlan_up();
  const auto update = test.take_updates().front();
  const auto id = test.outgoing(5000);
  CHECK(test.take_verdicts().empty());
  test.advance(100ms);
  CHECK(test.take_verdicts().empty());
  test.acknowledge(update);
  CHECK(was_accepted(test, id));
  REQUIRE(test.flow_with_port(5000));
  CHECK(test.flow_with_port(5000)->home_address == kPrimary);
}

TEST_CASE("a held packet is released when its time is over, whatever happens") {
  TestNode test;
  test.wlan_up();
  const auto id = test.outgoing(5000);
  test.advance(200ms - 1ns);
  CHECK(test.take_verdicts().empty());
  test.advance(1ns);
  CHECK(was_accepted(test, id));
}

TEST_CASE("what a packet has waited for its owner is taken off the time that it may be held") {
  TestNode test;
  test.wlan_up();
  test.settle();
  const auto fresh = test.outgoing(5000);
  test.waited_for_owner = 150ms;
  const auto late = test.outgoing(5001);
  test.waited_for_owner = test.configuration.hold_limit;
  CHECK(was_accepted(test, test.outgoing(5002)));
  test.advance(49ms);
  CHECK(test.take_verdicts().empty());
  test.advance(1ms);
  CHECK(was_accepted(test, late));
  test.advance(149ms);
  CHECK(test.take_verdicts().empty());
  test.advance(1ms);
  CHECK(was_accepted(test, fresh));
}

TEST_CASE("no more packets are held than the kernel's queue can bear") {
  TestNode test;
  test.wlan_up();
  for (std::uint16_t port = 1; port <= 1000; ++port) test.outgoing(port);
  CHECK(test.take_verdicts().size() == 1000 - 256);
  test.advance(200ms);
  CHECK(test.take_verdicts().size() == 256);
}

TEST_CASE("with no interface at all nothing is held") {
  TestNode test;
  CHECK(was_accepted(test, test.outgoing(5000)));
}

TEST_CASE("without a spare a flow shares at once unless it was told to wait for one") {
  TestNode test;
  settle_in(test);
  test.outgoing(5000);
  test.outgoing(5001);
  test.settle();
  test.take_updates();
  test.take_verdicts();
  test.advance(900ms);
  CHECK(was_accepted(test, test.outgoing(5002)));  // the primary home address is still free
  CHECK(was_accepted(test, test.outgoing(5003)));
  CHECK_FALSE(test.flow_with_port(5003)->moves_with.empty());
}

TEST_CASE("a spare that is about to be registered is waited for where that is wanted") {
  auto patient = configuration();
  patient.wait_for_own_address = true;
  TestNode test(patient);
  settle_in(test);
  test.outgoing(5000);
  test.outgoing(5001);
  test.settle();
  auto refills = test.take_updates();
  std::erase_if(refills, [&](const auto& update) { return test.home_address(update.home_address)->state != "registering"; });
  REQUIRE(refills.size() == 2);
  test.take_verdicts();
  SECTION("soon: the packet is held until then") {
    test.advance(900ms);
    const auto id = test.outgoing(5002);
    CHECK(test.take_verdicts().empty());
    test.advance(120ms);
    test.acknowledge(refills.front());
    CHECK(was_accepted(test, id));
    CHECK(test.flow_with_port(5002)->home_address == refills.front().home_address);
    CHECK(test.flow_with_port(5002)->moves_with.empty());
  }
  SECTION("soon, but not within what is left of the packet's time: it shares at once") {
    test.advance(900ms);
    test.waited_for_owner = 150ms;
    const auto id = test.outgoing(5002);
    CHECK(was_accepted(test, id));
    REQUIRE(test.flow_with_port(5002));
  }
  SECTION("not soon: it shares at once, and says so") {
    test.advance(100ms);
    const auto id = test.outgoing(5002);
    CHECK(was_accepted(test, id));
    test.outgoing(5003);
    bool shared = false;
    for (const auto& flow : test.node.flows(test.both())) shared = shared || !flow.moves_with.empty();
    CHECK(shared);
  }
  SECTION("expected but it does not come: it shares when its time is over") {
    test.advance(900ms);
    const auto id = test.outgoing(5002);
    test.advance(200ms);
    CHECK(was_accepted(test, id));
    REQUIRE(test.flow_with_port(5002));
  }
}

TEST_CASE("at the cap flows share, the primary home address last, and say what moves with them") {
  auto small = configuration();
  small.home_address_cap = 4;
  small.warm_pool_size = 2;
  TestNode test(small);
  test.wlan_up();
  for (std::uint16_t port = 5000; port < 5012; ++port) {
    test.serve(3s);
    test.outgoing(port);
  }
  test.serve(3s);
  CHECK(test.node.home_addresses(test.both()).size() == 4);
  std::set<Address> used;
  std::size_t on_primary = 0;
  for (const auto& flow : test.node.flows(test.both())) {
    used.insert(flow.home_address);
    on_primary += flow.home_address == kPrimary ? 1 : 0;
    std::size_t together = 0;
    for (const auto& other : test.node.flows(test.both())) together += other.home_address == flow.home_address ? 1 : 0;
    CHECK(flow.moves_with.size() == together - 1);
  }
  CHECK(used.size() >= 3);
  CHECK(on_primary <= 1);
}

TEST_CASE("with the strict rule the primary home address never serves a flow that begins here") {
  auto strict = configuration();
  strict.strict_primary = true;
  strict.warm_pool_size = 0;
  TestNode test(strict);
  test.wlan_up();
  test.serve(5s);
  CHECK(was_accepted(test, test.outgoing(5000)));
  CHECK_FALSE(test.flow_with_port(5000));
}
