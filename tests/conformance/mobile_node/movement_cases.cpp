// SPDX-License-Identifier: GPL-3.0-or-later
// Care-of addresses and movement, as far as it is the role's: the kernel forms addresses, looks for duplicates and asks routers
// whether they are there, and tells.
#include "conformance/mobile_node/groups.hpp"
#include "conformance/mobile_node/home_agent_tester.hpp"

namespace mipflow::conformance::mobile {

namespace {

const Address kRouter2 = *Address::parse("fe80::2");

// The kernel tells of the address while it looks for duplicates, and again when there was none.
void formed(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  tester.registered();
  bench.clear();
  bench.node.happens(mobile_node::AddressChanged{.interface = kWlan, .address = kLinkY, .tentative = true});
  bench.node.happens(mobile_node::AddressRemoved{kWlan, kLinkX});
  tester.expect_none(1s, "a tentative address");
  bench.go(kLinkY);
  tester.acknowledge(tester.expect(kLinkY));
  tester.is_registered();
}

void old_router_is_there(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  tester.registered();
  bench.node.happens(mobile_node::RouterChanged{.interface = kWlan, .router = kRouter2});
  bench.node.happens(mobile_node::AddressChanged{.interface = kWlan, .address = kLinkY});
  tester.expect_none(30s, "another router, while the old one is there");
  tester.is_registered();
}

// A plain packet to an old care-of address, and one with a routing header; neither is answered.
void old_address_is_dead(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  tester.registered();
  tester.is_registered();
  tester.moved();
  tester.is_registered();
  require(!bench.node.kernel.care_of_addresses.contains(kLinkX), "the old address is still one to arrive at");
  const Bytes plain = simulation::encode(simulation::Datagram{kHomeAgent, kHome, 7, 5000, 4711});
  bench.send_on_link(wire::encapsulate(plain, kHomeAgent, kLinkX));
  bench.wait(1s);
  require(bench.node.arrived.empty() || bench.node.arrived.back().number != 4711, "a packet to the old care-of address was taken");
  bench.saw("nothing by way of the old one");
}

}  // namespace

Group movement_cases() {
  constexpr const char* kNeighbours =
      "Neighbour unreachability detection is the kernel's, which asks at the router's link-local address; that of the Router "
      "Address bit may be used instead (§11.5.1). What it finds moves the flows: `tests/unit/platform/network_observer_test.cpp`, "
      "\"a router that does not answer is unreachable, and reachable when it does\"; behind a router that answers and leads "
      "nowhere: `tests/system/reachability_test.py`";
  return {"Movement and care-of addresses",
          {home_case("MN-3-2-1-1-001", "a care-of address is formed", "11.5.3, 11.7.1", formed,
                     "Duplicate address detection is the kernel's; until it has ended the address is not used"),
           not_applicable("MN-3-3-1-1-003", "the router before is asked at its global address", "11.5.1, 7.2", kNeighbours),
           not_applicable("MN-3-3-1-1-005", "both routers have the same link-local address", "11.5.1", kNeighbours),
           home_case("MN-3-3-1-1-002", "the router before is there", "11.5.1", old_router_is_there),
           home_case("MN-3-3-1-1-004", "the care-of address before is not used", "11.5.1, 11.5.3", old_address_is_dead),
           home_case("MN-4-1-2-2-010", "packets to the care-of address before", "11.5.3", old_address_is_dead)}};
}

}  // namespace mipflow::conformance::mobile
