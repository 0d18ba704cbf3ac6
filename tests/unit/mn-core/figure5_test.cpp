// SPDX-License-Identifier: GPL-3.0-or-later
// WO 2004/057826, Figure 5: one case per path through the chart, and what surrounds it.
#include "flow_support.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

TEST_CASE("Figure 5: 27-28-29-30-31-32, a new flow gets the packet's destination as its home address") {
  TestNode test;
  settle_in(test);
  const auto id = test.incoming(22);
  CHECK(was_accepted(test, id));
  const auto flow = test.flow_with_port(22);
  REQUIRE(flow);
  CHECK(flow->home_address == kPrimary);
  CHECK(flow->initiated_by_correspondent);
  CHECK(flow->key == udp_key(22));
  CHECK(test.node.plan().flows.find(udp_key(22))->home_address == kPrimary);
}

TEST_CASE("Figure 5: 27-28-29-31-32, a known flow passes and is not made twice") {
  TestNode test;
  settle_in(test);
  test.incoming(22);
  const auto id = test.incoming(22);
  CHECK(was_accepted(test, id));
  CHECK(test.node.flows(test.both()).size() == 1);
}

TEST_CASE("the answer to a flow of ours is found by the home address that the flow has") {
  TestNode test;
  settle_in(test);
  test.outgoing(5000);
  const auto flow = *test.flow_with_port(5000);
  const auto id = test.incoming(5000, flow.home_address);
  CHECK(was_accepted(test, id));
  CHECK(test.node.flows(test.both()).size() == 1);
}

TEST_CASE("a packet to an address that is no home address passes without becoming a flow") {
  TestNode test;
  settle_in(test);
  CHECK(was_accepted(test, test.incoming(22, kWlanAddress)));
  CHECK(test.node.flows(test.both()).empty());
}

TEST_CASE("incoming flows to the same correspondent node share the home address that was asked for") {
  TestNode test;
  settle_in(test);
  test.incoming(22);
  test.incoming(23);
  CHECK(test.flow_with_port(22)->moves_with == std::vector<FlowId>{test.flow_with_port(23)->id});
}

TEST_CASE("the policy moves the home address of an incoming flow when nobody else depends on it") {
  TestNode test(configuration(), R"(
    [[class]]
    interfaces = ["wwan0", "*"]
    [class.match]
    local-port = 22
  )");
  settle_in(test);
  test.incoming(22);
  test.serve(1s);
  CHECK(test.flow_with_port(22)->interface == "wwan0");
  CHECK(path_of(test, udp_key(22)) == kWwanAddress);
}

namespace {

// A correspondent node asks a server at a spare; `answer` is the packet of a socket that is bound to no address.
struct Asked {
  Asked() {
    settle_in(test);
    for (const auto& entry : test.node.home_addresses(test.both()))
      if (entry.state == "spare") spare = entry.home_address;
    REQUIRE_FALSE(spare.is_unspecified());
    test.incoming(53, spare);
    flow = *test.flow_with_port(53);
    REQUIRE(flow.home_address == spare);
  }
  const forwarding::FlowItem* planned_answer() { return test.node.plan().flows.find(udp_key(53)); }

  TestNode test;
  Address spare;
  FlowSnapshot flow;
};

}  // namespace

TEST_CASE("a socket that is bound to no address answers with the home address that it was asked at") {
  Asked scene;
  auto& test = scene.test;
  const Address spare = scene.spare;
  const FlowSnapshot flow = scene.flow;
  const auto id = test.outgoing(53);
  CHECK(was_accepted(test, id));
  CHECK(test.node.flows(test.both()).size() == 1);
  REQUIRE(scene.planned_answer() != nullptr);
  CHECK(scene.planned_answer()->home_address == spare);
  CHECK(scene.planned_answer()->id == flow.id);
  CHECK(path_of(test, udp_key(53)) == path_of(test, flow.key));

  SECTION("the data path that has lost it gets it again") {
    test.node.plan().flows.take_changes();
    test.outgoing(53);
    const auto changes = test.node.plan().flows.take_changes();
    REQUIRE(changes.set.size() == 1);
    CHECK(changes.set.front().first == udp_key(53));
  }
  SECTION("it moves and ends with the flow") {
    const std::string to = flow.interface == "wlan0" ? "wwan0" : "wlan0";
    REQUIRE(test.move(flow.id, to.c_str()));
    test.serve(5s);
    CHECK(path_of(test, udp_key(53)) == (to == "wlan0" ? kWlanAddress : kWwanAddress));
    test.advance(181s);
    test.settle();
    CHECK(test.node.plan().flows.items().empty());
  }
}

TEST_CASE("what only looks like an answer is a flow of its own") {
  Asked scene;
  auto& test = scene.test;
  const Address spare = scene.spare;
  SECTION("other ports") {
    test.outgoing(54);
    CHECK(test.flow_with_port(54)->home_address != spare);
  }
  SECTION("another correspondent node") {
    const Address other = address("2001:db8:5::81");
    test.outgoing(53, kPrimary, other);
    CHECK(test.node.flows(test.both()).size() == 2);
  }
  SECTION("another protocol") {
    test.outgoing_tcp(53, 0x02);
    CHECK(test.node.flows(test.both()).size() == 2);
  }
  SECTION("a source that the application chose") {
    Address chosen;
    for (const auto& entry : test.node.home_addresses(test.both()))
      if (entry.state == "spare" && entry.home_address != spare) chosen = entry.home_address;
    REQUIRE_FALSE(chosen.is_unspecified());
    test.outgoing(53, chosen);
    CHECK(test.node.flows(test.both()).size() == 2);
    CHECK(test.node.plan().flows.find(udp_key(53, chosen))->home_address == chosen);
  }
  SECTION("a flow that began here") {
    test.outgoing(60);
    const auto own = *test.flow_with_port(60);
    REQUIRE(own.key.source == kPrimary);
    test.outgoing(60);
    CHECK(test.node.plan().flows.find(udp_key(60))->id == own.id);
  }
}

TEST_CASE("of two flows with the same ports the newest is answered") {
  Asked scene;
  auto& test = scene.test;
  const Address spare = scene.spare;
  Address other;
  for (const auto& entry : test.node.home_addresses(test.both()))
    if (entry.state == "spare" && entry.home_address != spare) other = entry.home_address;
  REQUIRE_FALSE(other.is_unspecified());
  test.incoming(53, other);
  test.outgoing(53);
  REQUIRE(scene.planned_answer() != nullptr);
  CHECK(scene.planned_answer()->home_address == other);
}

TEST_CASE("a flow and its answers outlive the daemon, in whatever order they are found") {
  const bool answer_first = GENERATE(false, true);
  const Address home_address = address("2001:db8:1::abcd");
  TestNode test;
  const FlowRecovered asked{.key = udp_key(53, home_address), .home_address = home_address};
  const FlowRecovered answered{.key = udp_key(53), .home_address = home_address};
  test.handle(answer_first ? answered : asked);
  test.handle(answer_first ? asked : answered);
  REQUIRE(test.node.flows(test.both()).size() == 1);
  const auto flow = *test.flow_with_port(53);
  CHECK(flow.key == asked.key);
  for (const auto& key : {asked.key, answered.key}) {
    const auto* planned = test.node.plan().flows.find(key);
    REQUIRE(planned != nullptr);
    CHECK(planned->id == flow.id);
    CHECK(planned->home_address == home_address);
  }
}

TEST_CASE("answers have an eighth of the table; what is beyond is a flow of its own") {
  auto small = configuration();
  small.flow_capacity = 16;
  TestNode test(small);
  settle_in(test);
  Address spare;
  for (const auto& entry : test.node.home_addresses(test.both()))
    if (entry.state == "spare") spare = entry.home_address;
  for (std::uint16_t port = 1; port <= 3; ++port) test.incoming(port, spare);
  for (std::uint16_t port = 1; port <= 3; ++port) test.outgoing(port);
  CHECK(test.node.plan().flows.find(udp_key(1))->home_address == spare);
  CHECK(test.node.plan().flows.find(udp_key(2))->home_address == spare);
  CHECK(test.node.plan().flows.find(udp_key(3))->home_address != spare);
  CHECK(test.node.plan().flows.items().size() <= 18);
}

TEST_CASE("a flood of packets from outside is bounded by the table") {
  auto small = configuration();
  small.flow_capacity = 100;
  TestNode test(small);
  settle_in(test);
  test.outgoing(5000);
  test.incoming(5000, test.flow_with_port(5000)->home_address);
  for (std::uint16_t port = 1; port < 1000; ++port) test.incoming(port);
  CHECK(test.take_verdicts().size() == 1001);
  CHECK(test.node.flows(test.both()).size() <= 100);
  CHECK(test.node.plan().flows.items().size() <= 100);
}
