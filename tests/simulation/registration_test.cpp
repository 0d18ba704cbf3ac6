// SPDX-License-Identifier: GPL-3.0-or-later
// The first registration, from carrier to a quiet steady state.
#include "simulation/expect.hpp"

using namespace mipflow;
using namespace mipflow::simulation;

namespace {

// Sender to receiver over two access links of 5 ms.
constexpr Duration kOneWay = 10ms;

}  // namespace

TEST_CASE("the first registration takes duplicate address detection and a round trip") {
  for (const bool real_home_link : {true, false}) {
    World world({.real_home_link = real_home_link, .warm_pool_size = 0, .anchor_per_interface = false});
    const TimePoint start = world.clock.now();
    world.mobile_node.connect(kWlan, kWlanAddress);
    const Duration detection = real_home_link ? Duration{1s} : Duration{};
    world.clock.run_until(start + detection + 2 * kOneWay - 1ns);
    CHECK_FALSE(world.mobile_node.registered());
    world.clock.run_until(start + detection + 2 * kOneWay);
    CHECK(world.mobile_node.registered());
    CHECK(world.home_agent.tunnelled_to(kPrimary) == kWlanAddress);
    CHECK(world.disagreement() == "");
  }
}

TEST_CASE("the steady state: a spare for the next flow, an anchor on every interface, and nothing more to say") {
  World world({});
  world.settle();
  CHECK(world.disagreement() == "");
  CHECK(world.mobile_node.role().status(world.mobile_node.time()).spares >= 1);
  std::set<Address> in_use;
  for (const auto& binding : world.home_agent.bindings()) in_use.insert(binding.care_of_address);
  CHECK(in_use == std::set<Address>{kWlanAddress, kWwanAddress});
  const auto said = world.network.signalling().size();
  world.run_for(60s);
  CHECK(world.network.signalling().size() == said);
}

TEST_CASE("bindings are refreshed and never end while the mobile node is there") {
  World world({.requested_lifetime = 60s});
  world.settle();
  for (int i = 0; i < 600; ++i) {
    world.run_for(1s);
    REQUIRE(world.home_agent.tunnelled_to(kPrimary) != Address{});
  }
  CHECK(world.home_agent.role().counters().expired == 0);
  CHECK(world.disagreement() == "");
}

TEST_CASE("the bindings of a mobile node that vanished end") {
  World world({.requested_lifetime = 60s});
  world.settle();
  world.mobile_node.cut(kWlan);
  world.mobile_node.cut(kWwan);
  world.run_for(61s);
  CHECK(world.home_agent.kernel.tunnels.empty());
  CHECK(world.home_agent.kernel.proxied_neighbours.empty());
  CHECK(world.home_agent.kernel.tunnel_sources.empty());
}

TEST_CASE("a clean stop de-registers everything") {
  World world({});
  world.settle();
  CHECK_FALSE(world.home_agent.kernel.tunnels.empty());
  world.mobile_node.stop_gracefully();
  CHECK(world.run_until([&] { return world.mobile_node.role().stopped(); }, 1s));
  CHECK(world.home_agent.kernel.tunnels.empty());
  CHECK(world.home_agent.kernel.proxied_neighbours.empty());
}

TEST_CASE("clocks that are far apart cost one more exchange, not the registration") {
  for (const Duration error : {Duration{-1h}, Duration{-8s}, Duration{-1s}, Duration{1s}, Duration{8s}, Duration{24h * 400}}) {
    World world({.warm_pool_size = 0, .anchor_per_interface = false});
    world.mobile_node.clock_error = error;
    world.run_for(10s);  // the home agent has been there for a while
    world.mobile_node.connect(kWlan, kWlanAddress);
    CHECK(world.run_until([&] { return world.mobile_node.registered(); }, 3s));
    CHECK(world.disagreement() == "");
  }
}
