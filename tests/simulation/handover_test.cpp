// SPDX-License-Identifier: GPL-3.0-or-later
// The main job: two flows to one correspondent node, one moves, the other does not notice.
#include "simulation/expect.hpp"
#include "support/seed.hpp"

using namespace mipflow;
using namespace mipflow::simulation;

namespace {

InterfaceIndex index_of(const std::string& interface) { return interface == "wlan0" ? kWlan : kWwan; }

}  // namespace

TEST_CASE("two flows to the same correspondent node have two home addresses; one moves, the other is untouched") {
  World world({});
  world.settle();
  world.stream(5000, 4000, 1ms);
  world.stream(6000, 4000, 1ms);
  world.run_for(1s);
  const auto moving = *world.mobile_node.flow(5000);
  const auto staying = *world.mobile_node.flow(6000);
  REQUIRE(moving.home_address != staying.home_address);
  CHECK(moving.moves_with.empty());
  const auto binding_before = [&] {
    for (const auto& binding : world.home_agent.bindings())
      if (binding.home_address == staying.home_address) return binding;
    throw std::runtime_error("not bound");
  };
  const auto before = binding_before();

  REQUIRE(world.mobile_node.move_flow(moving.id, other(moving.interface)));
  const TimePoint moved_at = world.clock.now();
  world.run_for(4s);

  // Nothing is lost in either direction, and the mover is on the other interface a round trip later.
  CHECK(reached(world, 5000).size() == 4000);
  CHECK(answered(world, 5000).size() == 4000);
  CHECK(reached(world, 6000).size() == 4000);
  CHECK(answered(world, 6000).size() == 4000);
  const TimePoint settled = moved_at + 40ms;
  CHECK(interfaces_of(world.mobile_node.departed, 5000, settled) ==
        std::set{index_of(other(moving.interface))});
  CHECK(interfaces_of(world.mobile_node.arrived, 5000, settled + 20ms) ==
        std::set{index_of(other(moving.interface))});
  CHECK(longest_gap(world.mobile_node.departed, 5000) <= 1ms);
  CHECK(longest_gap(world.mobile_node.arrived, 5000) <= 25ms);

  // The other one: always the same interface, not a packet late, its binding as it was.
  CHECK(interfaces_of(world.mobile_node.departed, 6000, moved_at) == std::set{index_of(staying.interface)});
  CHECK(interfaces_of(world.mobile_node.arrived, 6000, moved_at) == std::set{index_of(staying.interface)});
  CHECK(longest_gap(world.mobile_node.arrived, 6000) <= 1ms);
  const auto after = binding_before();
  CHECK(after.sequence == before.sequence);
  CHECK(after.care_of_address == before.care_of_address);

  // Both ends of the connection see one address for the whole flow.
  std::set<Address> sources;
  for (const auto& arrival : world.correspondent.arrived)
    if (arrival.datagram.source_port == 5000) sources.insert(arrival.datagram.source);
  CHECK(sources == std::set{moving.home_address});
  CHECK(world.disagreement() == "");
}

TEST_CASE("moving to and fro twenty times loses nothing") {
  World world({});
  world.settle();
  world.stream(5000, 12'000, 1ms);
  world.stream(6000, 12'000, 1ms);
  world.run_for(1s);
  for (int i = 0; i < 20; ++i) {
    const auto flow = *world.mobile_node.flow(5000);
    REQUIRE(world.mobile_node.move_flow(flow.id, other(flow.interface)));
    world.run_for(500ms);
    REQUIRE(world.mobile_node.flow(5000)->interface == other(flow.interface));
  }
  world.run_for(5s);
  CHECK(reached(world, 5000).size() == 12'000);
  CHECK(answered(world, 5000).size() == 12'000);
  CHECK(reached(world, 6000).size() == 12'000);
  CHECK(answered(world, 6000).size() == 12'000);
  CHECK(interfaces_of(world.mobile_node.arrived, 6000).size() == 1);
  CHECK(world.home_agent.refused_tunnel_packets == 0);
}

TEST_CASE("a cable is cut under both flows: they go on after about a round trip") {
  for (const Duration notice : {Duration{0}, Duration{10ms}}) {
    World world({});
    world.settle();
    world.stream(5000, 5000, 1ms);
    world.stream(6000, 5000, 1ms);
    world.run_for(1s);
    for (const std::uint16_t port : {std::uint16_t{5000}, std::uint16_t{6000}}) {
      const auto flow = *world.mobile_node.flow(port);
      if (flow.interface != "wlan0") REQUIRE(world.mobile_node.move_flow(flow.id, "wlan0"));
    }
    world.run_for(1s);
    world.mobile_node.cut(kWlan, notice);
    const TimePoint cut_at = world.clock.now();
    world.run_for(5s);
    for (const std::uint16_t port : {std::uint16_t{5000}, std::uint16_t{6000}}) {
      CHECK(interfaces_of(world.mobile_node.departed, port, cut_at + notice + 1ms) == std::set{kWwan});
      CHECK(interfaces_of(world.mobile_node.arrived, port, cut_at + 1ns) == std::set{kWwan});
      // A round trip is 40 ms to the correspondent node and back; 20 ms of it to the home agent and back.
      CHECK(longest_gap(world.mobile_node.arrived, port) <= notice + 60ms);
    }
    CHECK(world.disagreement() == "");
  }
}

TEST_CASE("a home address whose first registration was never answered is given back when there is an interface again") {
  World world({.warm_pool_size = 0});
  world.mobile_node.connect(kWlan, kWlanAddress);
  world.mobile_node.connect(kWwan, kWwanAddress);
  // The anchor of wwan0, besides the primary home address.
  REQUIRE(world.run_until([&] { return world.home_agent.bindings().size() == 2; }, 10s));
  world.mobile_node.cut(kWlan);
  world.mobile_node.cut(kWwan);
  world.run_for(30s);
  REQUIRE(world.home_agent.kernel.tunnels.size() == 2);  // it was accepted, and the mobile node does not know
  world.mobile_node.connect(kWlan, kWlanAddress);
  world.run_for(5s);
  CHECK(world.quiet());
  CHECK(world.home_agent.kernel.tunnels.size() == 1);
  CHECK(world.disagreement() == "");
}

TEST_CASE("an interface gets another address: the flows follow") {
  World world({});
  world.settle();
  world.stream(5000, 3000, 1ms);
  world.run_for(1s);
  const auto flow = *world.mobile_node.flow(5000);
  const Address fresh = *Address::parse("2001:db8:c::10");
  world.mobile_node.renumber(index_of(flow.interface), fresh);
  world.run_for(4s);
  CHECK(world.quiet());
  CHECK(world.disagreement() == "");
  CHECK(reached(world, 5000).contains(2999));
  CHECK(answered(world, 5000).contains(2999));
}

TEST_CASE("moves under heavy loss arrive, and both ends agree in the end") {
  const auto seed = mipflow::test::seed("moves under loss");
  for (std::uint64_t round = 0; round < 20; ++round) {
    World world({.seed = seed + round});
    world.settle();
    world.stream(5000, 60, 10s);
    world.run_for(1s);
    world.network.set_all_links({.delay = 5ms, .loss = 0.1});
    const auto flow = *world.mobile_node.flow(5000);
    REQUIRE(world.mobile_node.move_flow(flow.id, other(flow.interface)));
    // A third of the exchanges fail; sixteen tries in 400 s are as good as certain (4e-8 to fail).
    REQUIRE(world.run_until([&] { return world.quiet(); }, 400s));
    world.network.set_all_links({});
    world.run_for(60s);
    REQUIRE(world.disagreement() == "");
    REQUIRE(world.mobile_node.flow(5000)->interface == other(flow.interface));
  }
}
