// SPDX-License-Identifier: GPL-3.0-or-later
// Home registration on the wire: RFC 6275 §11.7.1, §11.7.3, §11.8.
#include <catch2/catch.hpp>

#include "support.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

TEST_CASE("the steady state has the primary home address, an anchor per further interface and the spares") {
  TestNode test;
  test.wlan_up();
  test.wwan_up();
  test.serve(10s);
  std::size_t anchors = 0;
  std::size_t spares = 0;
  for (const auto& entry : test.node.home_addresses(test.both())) {
    anchors += entry.state == "anchor" ? 1 : 0;
    spares += entry.state == "spare" ? 1 : 0;
  }
  CHECK(test.home_address(kPrimary)->state == "registered");
  CHECK(anchors == 1);
  CHECK(spares == 2);
  CHECK(test.node.status(test.both()).registered);
  CHECK(test.node.plan().default_route->mtu == 1460);
}

TEST_CASE("a flow gets a home address of its own and moves alone, make before break") {
  TestNode test;
  test.wlan_up();
  test.wwan_up();
  test.serve(10s);
  test.take_verdicts();
  const auto id = test.outgoing(5000);
  const auto verdicts = test.take_verdicts();
  REQUIRE(verdicts.size() == 1);
  CHECK(verdicts.front().packet == id);
  const auto flow = *test.flow_with_port(5000);
  CHECK(flow.home_address != kPrimary);
  CHECK(flow.interface == "wlan0");
  test.serve(5s);
  const auto item = *test.node.plan().flows.find(udp_key(5000));
  CHECK(test.node.plan().bindings.find(item.binding)->care_of_address == kWlanAddress);

  test.take_updates();
  REQUIRE(test.move(flow.id, "wwan0"));
  const auto updates = test.take_updates();
  REQUIRE(updates.size() == 1);
  CHECK(updates.front().interface == kWwan);
  CHECK(test.node.plan().bindings.find(item.binding)->care_of_address == kWlanAddress);
  CHECK(test.flow_with_port(5000)->state == "moving");
}
