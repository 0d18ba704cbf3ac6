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
