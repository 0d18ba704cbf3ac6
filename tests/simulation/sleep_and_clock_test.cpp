// SPDX-License-Identifier: GPL-3.0-or-later
// Laptops that sleep, clocks that are set, and home agents that are gone for a while.
//
// Seen to fail, each by itself:
//   timers stand still while the mobile node sleeps                        → it wakes up in another network; nothing goes straight …
//   the home agent holds on to a timestamp far ahead of its clock          → the home agent's clock is set; … while it was down
//   the mobile node does not learn the home agent's clock from a refusal   → all three about clocks
#include <array>

#include "simulation/expect.hpp"
#include "simulation/route_optimization.hpp"

using namespace mipflow;
using namespace mipflow::simulation;

namespace {

// What the home agent and the correspondent node say to a mobile node that has woken up: two round trips and, on a home link, a
// second of duplicate address detection.
constexpr Duration kBackWithin = 1500ms;

// How far a clock is set: from just beyond the seven seconds that timestamps may differ by to years.
constexpr std::array<Duration, 6> kSteps{-24h * 3650, -1h, -8s, 8s, 1h, 24h * 3650};

Address address_on(const std::string& interface) { return interface == "wlan0" ? kWlanAddress : kWwanAddress; }

// Of the stream of 2,000 packets from port 5000, which has begun.
void two_moves_lose_nothing(World& world) {
  for (int i = 0; i < 2; ++i) {
    const auto flow = *world.mobile_node.flow(5000);
    const std::string to = other(flow.interface);
    REQUIRE(world.mobile_node.move_flow(flow.id, to));
    world.run_for(2500ms);
    CHECK(world.mobile_node.flow(5000)->interface == to);
    CHECK(world.home_agent.tunnelled_to(flow.home_address) == address_on(to));
  }
  world.run_for(20s);
  CHECK(reached(world, 5000).size() == 2000);
  CHECK(answered(world, 5000).size() == 2000);
  CHECK(world.quiet());
  CHECK(world.disagreement() == "");
}

}  // namespace

TEST_CASE("a laptop wakes up: what the home agent has forgotten is registered at once, and flows go on") {
  for (const Duration sleep : {Duration{70s}, Duration{2h}, Duration{240h}})
    for (const bool real_home_link : {true, false}) {
      INFO("asleep for " << sleep / 1s << " s" << (real_home_link ? ", real home link" : ", virtual home link"));
      World world({.real_home_link = real_home_link, .requested_lifetime = 60s});
      world.settle();
      world.mobile_node.send_datagram(5000, kCorrespondent, 7, 0);
      world.run_for(5s);
      const auto before = *world.mobile_node.flow(5000);

      world.mobile_node.suspend();
      world.run_for(sleep);
      REQUIRE(world.home_agent.tunnelled_to(before.home_address) == Address{});  // long since over there
      world.mobile_node.resume();
      const TimePoint awake = world.clock.now();
      world.stream(5000, 500, 10ms, 1);
      world.run_for(kBackWithin);
      const auto after = world.mobile_node.flow(5000);
      REQUIRE(after);
      CHECK(world.home_agent.tunnelled_to(after->home_address) == after->care_of_address);
      if (sleep < 100s) CHECK(after->home_address == before.home_address);  // else it has ended: nothing of it was seen for too long
      world.run_for(20s);
      CHECK(world.quiet());
      CHECK(world.disagreement() == "");
      CHECK(answered(world, 5000).contains(500));
      Duration first_answer = kNever - TimePoint{};
      for (const auto& passage : world.mobile_node.arrived)
        if (passage.at > awake) first_answer = std::min<Duration>(first_answer, passage.at - awake);
      CHECK(first_answer <= kBackWithin);
    }
}

TEST_CASE("a laptop wakes up in another network") {
  World world({.requested_lifetime = 60s});
  world.settle();
  world.mobile_node.send_datagram(5000, kCorrespondent, 7, 0);
  world.run_for(5s);
  world.mobile_node.suspend();
  world.run_for(70s);
  world.mobile_node.resume();
  // The kernel hears of the other network a moment later.
  world.run_for(300ms);
  const Address wlan = *Address::parse("2001:db8:c::10");
  const Address wwan = *Address::parse("2001:db8:d::10");
  world.mobile_node.renumber(kWlan, wlan);
  world.mobile_node.renumber(kWwan, wwan);
  world.stream(5000, 100, 10ms, 1);
  world.run_for(2s);
  const auto flow = *world.mobile_node.flow(5000);
  CHECK((flow.care_of_address == wlan || flow.care_of_address == wwan));
  CHECK(answered(world, 5000).contains(100));
  world.run_for(20s);
  CHECK(world.quiet());
  CHECK(world.disagreement() == "");
}

TEST_CASE("a laptop wakes up: nothing goes straight by a binding that is over") {
  World world({.policy = kDirectAtOnce, .requested_lifetime = 60s});
  world.settle();
  world.stream(5000, 100, 10ms, 0, kCorrespondentNode);
  world.run_for(5s);
  REQUIRE(is_direct(world, 5000));
  world.mobile_node.suspend();
  // The binding there lives for 420 s at most (MAX_RR_BINDING_LIFETIME, RFC 6275 §12).
  world.run_for(425s);
  world.mobile_node.resume();
  const TimePoint awake = world.clock.now();
  world.stream(5000, 1000, 10ms, 1000, kCorrespondentNode);
  world.run_for(50ms);
  for (const auto& passage : world.mobile_node.departed)
    if (passage.at >= awake) CHECK_FALSE(passage.direct);
  world.run_for(20s);
  CHECK(is_direct(world, 5000));
  CHECK(answered(world, 5000).contains(1999));
  CHECK(world.quiet());
  CHECK(world.disagreement() == "");
}

TEST_CASE("the mobile node's clock is set: moves go on, and no packet is lost") {
  for (const Duration step : kSteps) {
    INFO("set by " << step / 1s << " s");
    World world({});
    world.settle();
    world.stream(5000, 2000, 5ms);
    world.run_for(2s);
    world.mobile_node.clock_error += step;
    two_moves_lose_nothing(world);
  }
}

TEST_CASE("the home agent's clock is set back or forth: moves go on, and bindings live as long as they were to") {
  for (const Duration step : kSteps) {
    INFO("set by " << step / 1s << " s");
    World world({});
    world.settle();
    world.stream(5000, 2000, 5ms);
    world.run_for(2s);
    const auto lifetime_of = [&](const Address& home_address) {
      for (const auto& binding : world.home_agent.bindings())
        if (binding.home_address == home_address) return binding.lifetime.value_or(Duration{});
      return Duration{};
    };
    const auto first = *world.mobile_node.flow(5000);
    const Duration lifetime = lifetime_of(first.home_address);
    world.home_agent.clock_error += step;
    CHECK(lifetime_of(first.home_address) == lifetime);
    two_moves_lose_nothing(world);
  }
}

TEST_CASE("a home agent whose clock was set while it was down: no binding lives longer than it was granted, and all come back") {
  for (const Duration step : {Duration{-24h * 3650}, Duration{-1h}, Duration{1h}, Duration{24h * 3650}}) {
    INFO("set by " << step / 1s << " s");
    World world({.requested_lifetime = 60s});
    world.settle();
    world.mobile_node.send_datagram(5000, kCorrespondent, 7, 0);
    world.run_for(3s);
    world.home_agent.stop();
    world.home_agent.clock_error += step;
    world.home_agent.start();
    for (const auto& binding : world.home_agent.bindings()) CHECK(binding.lifetime.value_or(Duration{}) <= world.home_agent.configuration().longest_binding_lifetime);
    // Bindings that seem to be over are told to who sends, and detected anew.
    world.stream(5000, 300, 10ms, 1);
    world.run_for(4s);
    CHECK(answered(world, 5000).contains(300));
    // The next refresh of everything.
    world.run_for(62s);
    CHECK(world.quiet());
    CHECK(world.disagreement() == "");
  }
}

TEST_CASE("the home agent is gone for a minute: tunnelled flows resume when it is back, direct ones go on meanwhile") {
  World world({.policy = kDirectAtOnce});
  world.settle();
  constexpr std::uint32_t kCount = 14000;  // 140 s
  world.stream(5000, kCount, 10ms, 0, kCorrespondentNode);
  world.stream(6000, kCount, 10ms);
  world.run_for(5s);
  REQUIRE(is_direct(world, 5000));
  world.home_agent.stop();
  const TimePoint gone = world.clock.now();
  world.run_for(60s);
  const TimePoint back = world.clock.now();
  world.home_agent.start();
  world.run_for(80s);
  CHECK(world.quiet());
  CHECK(world.disagreement() == "");
  // Nothing of the direct flow was lost, also while keys and bindings were to be renewed.
  CHECK(reached(world, 5000).size() >= kCount - 10);
  CHECK(longest_gap(world.mobile_node.arrived, 5000) <= 100ms);
  // Of the other one what was sent meanwhile, and nothing more.
  TimePoint resumed = kNever;
  for (const auto& passage : world.mobile_node.arrived)
    if (passage.local_port == 6000 && passage.at > back) resumed = std::min(resumed, passage.at);
  CHECK(resumed - back <= 100ms);
  const auto lost = kCount - answered(world, 6000).size();
  CHECK(lost <= static_cast<std::size_t>((back - gone) / 10ms) + 10);
  // Meanwhile the mobile node asked less and less often, and not without end.
  CHECK(std::ranges::count_if(world.network.signalling(), [&](const auto& capture) { return capture.sent_at > gone && capture.sent_at < back; }) < 100);
}
