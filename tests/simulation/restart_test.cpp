// SPDX-License-Identifier: GPL-3.0-or-later
// Daemons that die and come back.
#include "simulation/expect.hpp"

using namespace mipflow;
using namespace mipflow::simulation;

namespace {

std::shared_ptr<const flow_separator::Policy> policy_of(const std::string& text) {
  const flow_separator::PolicyFile file{.name = "other.toml", .text = text};
  auto policy = flow_separator::Policy::parse(std::span(&file, 1), {});
  REQUIRE(policy);
  return std::make_shared<const flow_separator::Policy>(*policy);
}

}  // namespace

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

TEST_CASE("the home agent restarts and has lost everything: what sends is back after duplicate address detection") {
  World world({});
  world.settle();
  world.stream(5000, 4000, 1ms);
  world.stream(6000, 4000, 1ms);
  world.run_for(1s);
  world.home_agent.stop();
  world.home_agent.start(false);
  // A packet there, a Binding Error back, a Binding Update there, one second of detection.
  world.run_for(1100ms);
  for (const std::uint16_t port : {std::uint16_t{5000}, std::uint16_t{6000}}) {
    const auto flow = *world.mobile_node.flow(port);
    CHECK(world.home_agent.tunnelled_to(flow.home_address) == flow.care_of_address);
  }
  world.run_for(5s);
  for (const std::uint16_t port : {std::uint16_t{5000}, std::uint16_t{6000}}) {
    CHECK(longest_gap(world.mobile_node.arrived, port) <= 1100ms);
    CHECK(answered(world, port).contains(3999));
  }
  // One Binding Error each was enough, and spares that send nothing wait for their refresh.
  CHECK(std::ranges::count(world.home_agent.notices, "tunnel-source-unbound") <= 2 * 40);
}

TEST_CASE("the home agent forgot a move: it is told again where the home address is") {
  World world({});
  world.settle();
  world.mobile_node.send_datagram(5000, kCorrespondent, 7, 0);
  world.run_for(5s);
  const auto before = *world.mobile_node.flow(5000);
  const std::string to = other(before.interface);
  world.home_agent.writes_to_disk = false;
  REQUIRE(world.mobile_node.move_flow(before.id, to));
  world.run_for(5s);
  REQUIRE(world.home_agent.tunnelled_to(before.home_address) != before.care_of_address);
  world.home_agent.stop();
  world.home_agent.start();
  REQUIRE(world.home_agent.tunnelled_to(before.home_address) == before.care_of_address);
  world.mobile_node.send_datagram(5000, kCorrespondent, 7, 1);
  world.run_for(100ms);
  CHECK(world.home_agent.tunnelled_to(before.home_address) == (to == "wlan0" ? kWlanAddress : kWwanAddress));
  world.mobile_node.send_datagram(5000, kCorrespondent, 7, 2);
  world.run_for(100ms);
  CHECK(answered(world, 5000).contains(2));
  world.run_for(3s);  // the moment of the care-of address before
  CHECK(world.disagreement() == "");
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
  const std::string to = other(flow.interface);
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

TEST_CASE("the mobile node's daemon is killed and comes back with another policy: flows move, and nothing is lost") {
  World world({});
  world.settle();
  world.stream(5000, 8000, 1ms);
  world.stream(6000, 8000, 1ms);
  world.run_for(1s);
  const std::string to = other(world.mobile_node.flow(5000)->interface);
  world.mobile_node.kill_and_start(policy_of("[default]\ninterfaces = [\"" + to + "\", \"*\"]\n"));
  world.run_for(12s);
  CHECK(world.quiet());
  CHECK(world.disagreement() == "");
  for (const std::uint16_t port : {std::uint16_t{5000}, std::uint16_t{6000}}) {
    CHECK(world.mobile_node.flow(port)->interface == to);
    CHECK(reached(world, port).size() == 8000);
    CHECK(answered(world, port).size() == 8000);
  }
}
