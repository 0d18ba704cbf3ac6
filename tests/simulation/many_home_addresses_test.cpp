// SPDX-License-Identifier: GPL-3.0-or-later
// Many home addresses, each bound on its own.
#include "simulation/expect.hpp"

using namespace mipflow;
using namespace mipflow::simulation;

TEST_CASE("forty flows to one correspondent node, each moves alone") {
  World world({});
  world.settle();
  std::set<Address> home_addresses;
  for (std::uint16_t i = 0; i < 40; ++i) {
    const auto port = static_cast<std::uint16_t>(5000 + i);
    world.mobile_node.send_datagram(port, kCorrespondent, 7, 0);
    world.run_for(2500ms);  // the pool fills up again
    const auto flow = world.mobile_node.flow(port);
    REQUIRE(flow);
    REQUIRE(flow->moves_with.empty());
    home_addresses.insert(flow->home_address);
  }
  CHECK(home_addresses.size() == 40);
  CHECK(world.home_agent.kernel.tunnels.size() >= 40);

  // Every second one to wwan0, the others to wlan0.
  for (std::uint16_t i = 0; i < 40; ++i) {
    const auto flow = *world.mobile_node.flow(static_cast<std::uint16_t>(5000 + i));
    REQUIRE(world.mobile_node.move_flow(flow.id, i % 2 == 0 ? "wwan0" : "wlan0"));
  }
  world.run_for(5s);
  REQUIRE(world.quiet());
  CHECK(world.disagreement() == "");
  const TimePoint since = world.clock.now();
  for (std::uint16_t i = 0; i < 40; ++i)
    world.mobile_node.send_datagram(static_cast<std::uint16_t>(5000 + i), kCorrespondent, 7, 1);
  world.run_for(100ms);
  for (std::uint16_t i = 0; i < 40; ++i) {
    const auto port = static_cast<std::uint16_t>(5000 + i);
    const std::set<InterfaceIndex> expected{i % 2 == 0 ? kWwan : kWlan};
    CHECK(interfaces_of(world.mobile_node.departed, port, since) == expected);
    CHECK(interfaces_of(world.mobile_node.arrived, port, since) == expected);
    CHECK(answered(world, port).contains(1));
  }

  // One move is one Binding Update, however many flows there are.
  const auto said = world.network.signalling().size();
  REQUIRE(world.mobile_node.move_flow(world.mobile_node.flow(5001)->id, "wwan0"));
  world.run_for(1s);
  CHECK(world.network.signalling().size() == said + 2);
}

TEST_CASE("at the cap flows share, and it is said who moves with whom") {
  World world({});
  world.settle();
  for (std::uint16_t i = 0; i < 80; ++i) {
    world.mobile_node.send_datagram(static_cast<std::uint16_t>(5000 + i), kCorrespondent, 7, 0);
    world.run_for(1500ms);
  }
  std::size_t shared = 0;
  for (std::uint16_t i = 0; i < 80; ++i) {
    const auto flow = world.mobile_node.flow(static_cast<std::uint16_t>(5000 + i));
    REQUIRE(flow);
    REQUIRE(answered(world, static_cast<std::uint16_t>(5000 + i)).contains(0));
    if (!flow->moves_with.empty()) ++shared;
  }
  CHECK(shared > 0);
  CHECK(world.home_agent.kernel.tunnels.size() <= 64);
  CHECK(world.disagreement() == "");
}

TEST_CASE("home addresses that no flow uses any more are given back") {
  World world({});
  world.settle();
  const auto in_use = world.home_agent.kernel.tunnels.size();
  for (std::uint16_t i = 0; i < 10; ++i) {
    world.mobile_node.send_datagram(static_cast<std::uint16_t>(5000 + i), kCorrespondent, 7, 0);
    world.run_for(2500ms);
  }
  CHECK(world.home_agent.kernel.tunnels.size() >= in_use + 8);
  world.run_for(400s);  // idle
  CHECK(world.mobile_node.role().flows(world.mobile_node.time()).empty());
  CHECK(world.home_agent.kernel.tunnels.size() <= in_use + 1);
  CHECK(world.home_agent.tunnelled_to(kPrimary) != Address{});
  CHECK(world.disagreement() == "");
}
