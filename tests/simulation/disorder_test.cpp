// SPDX-License-Identifier: GPL-3.0-or-later
// Duplicated and reordered packets.
#include "simulation/expect.hpp"
#include "support/seed.hpp"

using namespace mipflow;
using namespace mipflow::simulation;

TEST_CASE("every packet twice: nobody is confused") {
  World world({.links = {.delay = 5ms, .duplication = 1.0}});
  world.settle();
  CHECK(world.disagreement() == "");
  world.mobile_node.send_datagram(5000, kCorrespondent, 7, 0);
  world.run_for(1s);
  for (int i = 0; i < 10; ++i) {
    const auto flow = *world.mobile_node.flow(5000);
    REQUIRE(world.mobile_node.move_flow(flow.id, other(flow.interface)));
    world.run_for(2s);
    REQUIRE(world.quiet());
  }
  world.run_for(5s);
  CHECK(world.disagreement() == "");
}

TEST_CASE("quick moves over links that reorder: the last decision wins at both ends") {
  const auto seed = mipflow::test::seed("reordering");
  for (std::uint64_t round = 0; round < 20; ++round) {
    World world({.seed = seed + round});
    world.settle();
    world.mobile_node.send_datagram(5000, kCorrespondent, 7, 0);
    world.run_for(1s);
    // Binding Updates that leave 150 ms apart arrive in any order.
    world.network.set_all_links({.delay = 5ms, .jitter = 300ms, .duplication = 0.2});
    std::string wanted;
    for (int i = 0; i < 6; ++i) {
      const auto flow = *world.mobile_node.flow(5000);
      wanted = i % 2 == 0 ? "wwan0" : "wlan0";
      REQUIRE(world.mobile_node.move_flow(flow.id, wanted));
      world.run_for(150ms);
    }
    REQUIRE(world.run_until([&] { return world.quiet(); }, 60s));
    world.network.set_all_links({});
    world.run_for(10s);
    REQUIRE(world.disagreement() == "");
    REQUIRE(world.mobile_node.flow(5000)->interface == wanted);
  }
}
