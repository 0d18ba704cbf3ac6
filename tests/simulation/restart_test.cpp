// SPDX-License-Identifier: GPL-3.0-or-later
// Daemons that die and come back.
#include "simulation/expect.hpp"

using namespace mipflow;
using namespace mipflow::simulation;

TEST_CASE("the home agent restarts with its bindings: the mobile node does not notice") {
  World world({});
  world.settle();
  world.mobile_node.send_datagram(5000, kCorrespondent, 7, 0);
  world.run_for(5s);  // the pool has a spare again
  world.stream(5000, 6000, 1ms);
  world.run_for(1s);
  const auto said = world.network.signalling().size();
  world.home_agent.stop();
  world.run_for(500ms);
  world.home_agent.start();
  world.run_for(10s);
  CHECK(world.network.signalling().size() == said);
  CHECK(world.disagreement() == "");
  // What was sent while it was gone is lost, and nothing else.
  CHECK(reached(world, 5000).size() >= 6000 - 560);
  CHECK(answered(world, 5000).contains(5999));
}

TEST_CASE("the home agent restarts and has lost everything: refreshes bring it all back") {
  World world({.requested_lifetime = 60s});
  world.settle();
  world.mobile_node.send_datagram(5000, kCorrespondent, 7, 0);
  world.run_for(1s);
  const auto before = world.home_agent.kernel.tunnels;
  world.home_agent.stop();
  world.home_agent.start(false);
  CHECK(world.home_agent.kernel.tunnels.empty());
  world.run_for(61s);
  CHECK(world.quiet());
  CHECK(world.disagreement() == "");
  for (const auto& [home_address, tunnel] : before)
    CHECK(world.home_agent.tunnelled_to(home_address) == tunnel.care_of_address);
  world.mobile_node.send_datagram(5000, kCorrespondent, 7, 1);
  world.run_for(100ms);
  CHECK(answered(world, 5000).contains(1));
}

TEST_CASE("the home agent loses everything in the middle of a move") {
  World world({});
  world.settle();
  world.mobile_node.send_datagram(5000, kCorrespondent, 7, 0);
  world.run_for(1s);
  const auto flow = *world.mobile_node.flow(5000);
  const std::string to = flow.interface == "wlan0" ? "wwan0" : "wlan0";
  REQUIRE(world.mobile_node.move_flow(flow.id, to));
  world.run_for(5ms);  // the Binding Update is on its way
  world.home_agent.stop();
  world.home_agent.start(false);
  world.run_for(30s);
  CHECK(world.home_agent.tunnelled_to(flow.home_address) == (to == "wlan0" ? kWlanAddress : kWwanAddress));
  CHECK(world.mobile_node.flow(5000)->interface == to);
}

TEST_CASE("a de-registration for which the home agent has no binding any more is over with 133") {
  World world({});
  world.settle();
  world.home_agent.stop();
  world.home_agent.start(false);
  world.mobile_node.stop_gracefully();
  CHECK(world.run_until([&] { return world.mobile_node.role().stopped(); }, 1s));
}

TEST_CASE("the mobile node's daemon is killed and started: flows go on, sequence numbers are learnt again") {
  World world({});
  world.settle();
  world.stream(5000, 8000, 1ms);
  world.stream(6000, 8000, 1ms);
  world.run_for(1s);
  const auto before = *world.mobile_node.flow(5000);
  world.mobile_node.kill_and_start();
  world.run_for(12s);
  CHECK(world.quiet());
  CHECK(world.disagreement() == "");
  CHECK(reached(world, 5000).size() == 8000);
  CHECK(answered(world, 5000).size() == 8000);
  CHECK(reached(world, 6000).size() == 8000);
  const auto after = world.mobile_node.flow(5000);
  REQUIRE(after);
  CHECK(after->home_address == before.home_address);
}
