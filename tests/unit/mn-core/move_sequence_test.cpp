// SPDX-License-Identifier: GPL-3.0-or-later
// The order of Binding Updates that a home agent needs which goes on tunnelling to the old care-of address when home
// addresses that shared one move together to one that nobody uses.
#include <map>

#include "flow_support.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

namespace {

const Address kNewWlanAddress = address("2001:db8:c::10");

// wlan0 alone, with the primary home address, two flows and spares there.
void two_flows_on_one_interface(TestNode& test) {
  test.wlan_up();
  test.serve(5s);
  test.outgoing(5000);
  test.outgoing(5001);
  test.serve(5s);
  test.take_updates();
}

void roam(TestNode& test) {
  test.handle(AddressChanged{.interface = kWlan, .address = kNewWlanAddress});
  test.handle(AddressRemoved{kWlan, kWlanAddress});
}

}  // namespace

TEST_CASE("an anchor is kept at every usable interface") {
  TestNode test;
  test.wlan_up();
  test.serve(5s);
  CHECK(count_state(test, "anchor") == 0);  // the primary home address does it
  test.wwan_up();
  test.serve(5s);
  CHECK(count_state(test, "anchor", "wwan0") == 1);
}

TEST_CASE("to an unused care-of address a fresh home address goes first, alone") {
  TestNode test;
  two_flows_on_one_interface(test);
  const auto before = test.cache;
  roam(test);
  auto updates = test.take_updates();
  REQUIRE(updates.size() == 1);
  const auto pioneer = updates.front();
  CHECK(pioneer.care_of_address == kNewWlanAddress);
  for (const auto& [home_address, care_of_address] : before) CHECK(pioneer.home_address != home_address);
  // Nobody else until the home agent has answered, retransmissions of the pioneer apart.
  test.advance(1s);
  CHECK(test.take_updates().empty());
  test.acknowledge(pioneer);
  std::set<Address> moved;
  for (const auto& update : test.take_updates()) moved.insert(update.home_address);
  CHECK(moved.contains(kPrimary));
  CHECK(moved.contains(test.flow_with_port(5000)->home_address));
  CHECK(moved.contains(test.flow_with_port(5001)->home_address));
}

TEST_CASE("nobody waits longer than three seconds") {
  TestNode test;
  two_flows_on_one_interface(test);
  roam(test);
  const auto updates = test.take_updates();
  REQUIRE(updates.size() == 1);
  const auto pioneer = updates.front();
  test.advance(3s - 1ms);
  for (const auto& update : test.take_updates()) CHECK(update.home_address == pioneer.home_address);
  test.advance(1ms);
  CHECK(test.take_updates().size() >= 3);
}

TEST_CASE("while they wait the old path is kept, if it works") {
  TestNode test;
  two_flows_on_one_interface(test);
  test.wwan_up();
  test.take_updates();
  // Before wwan0 has its anchor, two flows are told to move there.
  REQUIRE(test.move(test.flow_with_port(5000)->id, "wwan0"));
  REQUIRE(test.move(test.flow_with_port(5001)->id, "wwan0"));
  CHECK(test.take_updates().empty());
  CHECK(path_of(test, udp_key(5000)) == kWlanAddress);
  CHECK(test.flow_with_port(5000)->state == "moving");
}

TEST_CASE("when no fresh home address can be had, the first goes and the others wait for it") {
  auto no_room = configuration();
  no_room.home_address_cap = 3;
  TestNode test(no_room);
  test.wlan_up();
  test.serve(5s);
  test.outgoing(5000);
  test.outgoing(5001);
  test.serve(2s);
  test.take_updates();
  roam(test);
  auto updates = test.take_updates();
  REQUIRE(updates.size() == 1);
  CHECK(updates.front().care_of_address == kNewWlanAddress);
  test.advance(20ms);
  test.acknowledge(updates.front());
  CHECK(test.take_updates().size() == 2);
}

TEST_CASE("a single home address moves without delay") {
  auto bare = configuration();
  bare.warm_pool_size = 0;
  TestNode test(bare);
  test.wlan_up();
  test.serve(5s);
  roam(test);
  bool primary_moved = false;
  for (const auto& update : test.take_updates()) primary_moved = primary_moved || update.home_address == kPrimary;
  CHECK(primary_moved);
}

TEST_CASE("without anchor_per_interface everything moves at once") {
  auto modern = configuration();
  modern.anchor_per_interface = false;
  TestNode test(modern);
  two_flows_on_one_interface(test);
  roam(test);
  std::set<Address> moved;
  for (const auto& update : test.take_updates()) moved.insert(update.home_address);
  CHECK(moved.size() >= 3);
}

// The defective home agent itself, as observed: a tunnel belongs to the care-of address; a home address that moves to a
// care-of address without one takes the tunnel along only if nobody else uses it.
TEST_CASE("with a home agent that has the defect no flow is tunnelled to the old care-of address") {
  TestNode test;
  two_flows_on_one_interface(test);
  test.wwan_up();
  test.serve(5s);
  std::map<Address, Address> tunnelled;
  for (const auto& [home_address, care_of_address] : test.cache) tunnelled[home_address] = care_of_address;
  test.judge = [&](const SentUpdate& update) -> std::optional<wire::BindingStatus> {
    if (update.message.lifetime_units == 0) {
      tunnelled.erase(update.home_address);
      return std::nullopt;
    }
    const auto users = [&](const Address& care_of_address) {
      return std::count_if(tunnelled.begin(), tunnelled.end(), [&](const auto& item) { return item.second == care_of_address; });
    };
    const auto old = tunnelled.find(update.home_address);
    if (old == tunnelled.end() || users(update.care_of_address) > 0 || users(old->second) < 2)
      tunnelled[update.home_address] = update.care_of_address;
    return std::nullopt;
  };
  const auto tunnels_are_right = [&] {
    for (const auto& flow : test.node.flows(test.both())) CHECK(tunnelled[flow.home_address] == flow.care_of_address);
  };
  SECTION("a cut cable") {
    test.carrier(kWlan, "wlan0", false);
    test.serve(1s);
    tunnels_are_right();
    test.carrier(kWlan, "wlan0", true);
    test.serve(5s);
    tunnels_are_right();
  }
  SECTION("commands to and fro") {
    for (const char* interface : {"wwan0", "wlan0", "wwan0"}) {
      REQUIRE(test.move(test.flow_with_port(5000)->id, interface));
      REQUIRE(test.move(test.flow_with_port(5001)->id, interface));
      test.serve(1s);
      tunnels_are_right();
    }
  }
  SECTION("roaming to another network") {
    roam(test);
    test.serve(5s);
    tunnels_are_right();
  }
}
