// SPDX-License-Identifier: GPL-3.0-or-later
// Flows that go straight, and whatever may happen to them, at random: moves, cables cut, correspondent nodes and daemons that
// start again, bad weather. When all has been quiet for a while both ends agree.
#include "simulation/expect.hpp"
#include "simulation/random_events.hpp"
#include "simulation/route_optimization.hpp"
#include "support/seed.hpp"

using namespace mipflow;
using namespace mipflow::simulation;

namespace {

constexpr std::uint16_t kFirstPort = 5000;
constexpr unsigned kFlows = 3;

// Three flows to the correspondent node and one to a host without mobility, without end.
class Soak {
 public:
  explicit Soak(std::uint64_t seed, Duration lifetime = 120s)
      : world_({.seed = seed, .policy = kDirectAtOnce, .requested_lifetime = lifetime}), random_(seed ^ 0x5eed) {
    world_.settle();
    send();
    world_.run_for(3s);
  }

  void one_thing() {
    switch (random_.next_u64() % 10) {
      case 0:
      case 1:
      case 2:
      case 3: events_.move(); break;
      case 4: events_.plug_in_or_cut(); break;
      case 5: events_.renumber(); break;
      case 6: weather(); break;
      case 7: world_.correspondent_node.restart(); break;
      case 8:
        if (random_.next_u64() % 4 == 0) world_.mobile_node.kill_and_start();
        break;
      default: break;
    }
    world_.run_for(std::chrono::milliseconds{random_.next_u64() % 4000});
    check_always();
  }

  // Good weather, both interfaces, and time for everything that is repeated seldom: a correspondent node that was silent is
  // asked again after five minutes, and after four hours at most when it was so again and again.
  void calm_down() {
    interval_ = 1s;
    events_.all_is_well();
    world_.run_for(200s);
    check_paths();
    for (unsigned i = 0; i < kFlows; ++i) {
      const auto port = static_cast<std::uint16_t>(kFirstPort + i);
      REQUIRE(world_.run_until([&] { return is_direct(world_, port); }, 5h));
    }
    world_.run_for(10s);
    check_paths();
    interval_ = kBusy;
    world_.run_for(2s);
  }

  // Nothing but moves in good weather, between a fast and a slow interface: no datagram may be lost, in either direction.
  void moves_lose_nothing() {
    world_.mobile_node.link(kWwan).behaviour = {.delay = 40ms};
    world_.run_for(1s);
    const std::uint32_t first = next_number_;
    for (int i = 0; i < 10; ++i) {
      events_.move();
      world_.run_for(std::chrono::milliseconds{random_.next_u64() % 1500});
    }
    world_.run_for(2s);
    const std::uint32_t last = next_number_;
    world_.run_for(2s);
    INFO("datagrams " << first << " to " << last);
    INFO(world_.describe());
    for (unsigned i = 0; i <= kFlows; ++i) {
      const auto port = static_cast<std::uint16_t>(kFirstPort + i);
      const auto there = reached(world_, port);
      const auto back = answered(world_, port);
      for (std::uint32_t number = first; number < last; ++number) {
        INFO("port " << port << ", number " << number);
        REQUIRE(there.contains(number));
        REQUIRE(back.contains(number));
      }
    }
  }

  // Return routability and registration in an hour with nothing happening.
  void budget() {
    const auto before = messages_to(world_, kCorrespondentNode);
    world_.run_for(1h);
    const auto after = messages_to(world_, kCorrespondentNode);
    // docs/decisions/0014: the flows have a home address each, and there are two interfaces.
    CHECK(after.home_test_inits - before.home_test_inits <= 21 * kFlows);
    CHECK(after.care_of_test_inits - before.care_of_test_inits <= 21 * 2);
    CHECK(after.updates - before.updates <= 24 * kFlows);
  }

 private:
  static constexpr Duration kBusy = 20ms;

  void check_paths() {
    INFO(world_.describe());
    REQUIRE(world_.quiet());
    REQUIRE(world_.disagreement() == "");
    for (unsigned i = 0; i < kFlows; ++i) path_is_as_told(static_cast<std::uint16_t>(kFirstPort + i));
    REQUIRE_FALSE(is_direct(world_, kFirstPort + kFlows));
  }
  void check_always() {
    REQUIRE(world_.home_agent.kernel.equals(world_.home_agent.role().plan()));
    REQUIRE(world_.mobile_node.kernel.equals(world_.mobile_node.role().plan()));
    REQUIRE(world_.correspondent_node.kernel.equals(world_.correspondent_node.role().plan()));
    REQUIRE(world_.correspondent_node.kernel.correspondent_bindings.size() <= 64);
    REQUIRE(world_.mobile_node.kernel.routing_header_sources.size() <= 128);
  }

  void path_is_as_told(std::uint16_t port) {
    const auto flow = world_.mobile_node.flow(port);
    REQUIRE(flow);
    INFO("port " << port << ": " << flow->path << ", " << flow->path_reason);
    REQUIRE(is_direct(world_, port) == (flow->path == "direct"));
    // And by whichever way, it arrives.
    REQUIRE(*answered(world_, port).rbegin() + 10 >= next_number_);
  }

  void send() {
    for (unsigned i = 0; i < kFlows; ++i)
      world_.mobile_node.send_datagram(static_cast<std::uint16_t>(kFirstPort + i), kCorrespondentNode, 7, next_number_);
    world_.mobile_node.send_datagram(kFirstPort + kFlows, kCorrespondent, 7, next_number_);
    ++next_number_;
    world_.clock.after(interval_, [this] { send(); });
  }
  void weather() {
    static const LinkBehaviour kWeathers[] = {
        {},
        {.delay = 50ms, .jitter = 100ms, .loss = 0.05, .duplication = 0.05},
        {.delay = 5ms, .jitter = {}, .loss = 0.3, .duplication = 0},
    };
    events_.weather(kWeathers);
  }

  World world_;
  SeededRandom random_;
  RandomEvents events_{world_, random_};
  Duration interval_ = kBusy;
  std::uint32_t next_number_ = 1;
};

}  // namespace

TEST_CASE("random soak of direct flows") {
  const auto seed = mipflow::test::seed("soak of direct flows");
  for (std::uint64_t round = 0; round < 6; ++round) {
    INFO("MIPFLOW_TEST_SEED=" << seed << ", round " << round);
    Soak soak(seed + round * 1000);
    for (int part = 0; part < 3; ++part) {
      for (int i = 0; i < 40; ++i) soak.one_thing();
      soak.calm_down();
      soak.moves_lose_nothing();
    }
  }
}

TEST_CASE("an hour of direct flows keeps within the budget of messages") {
  Soak soak(1, 600s);
  soak.budget();
}
