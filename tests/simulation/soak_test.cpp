// SPDX-License-Identifier: GPL-3.0-or-later
// Whatever may happen to a laptop, at random, for hours. When all has been quiet for a while both ends agree.
#include "simulation/expect.hpp"
#include "simulation/random_events.hpp"
#include "support/seed.hpp"

using namespace mipflow;
using namespace mipflow::simulation;

namespace {

class Soak {
 public:
  explicit Soak(std::uint64_t seed) : world_({.seed = seed, .requested_lifetime = 120s}), random_(seed ^ 0x5eed) {
    world_.settle();
  }

  void one_thing() {
    switch (random_.next_u64() % 12) {
      case 0:
      case 1:
      case 2: send(); break;
      case 3:
      case 4:
      case 5: events_.move(); break;
      case 6: events_.plug_in_or_cut(); break;
      case 7: events_.renumber(); break;
      case 8: weather(); break;
      case 9:
        if (random_.next_u64() % 4 == 0) restart_home_agent(random_.next_u64() % 3 != 0);
        break;
      case 10:
        if (random_.next_u64() % 6 == 0) world_.mobile_node.kill_and_start();
        break;
      default: break;
    }
    world_.run_for(std::chrono::milliseconds{random_.next_u64() % 3000});
    check_always();
  }

  // Good weather, both interfaces, and time for the longest retransmission and refresh.
  void calm_down() {
    events_.all_is_well();
    world_.run_for(200s);
    INFO(world_.describe());
    REQUIRE(world_.quiet());
    REQUIRE(world_.disagreement() == "");
    send(7777);
    world_.run_for(1s);
    REQUIRE(answered(world_, 7777).contains(number_ - 1));
  }

 private:
  // At no moment two care-of addresses that packets are sent to, and never more sources than a few moves leave behind.
  void check_always() {
    for (const auto& binding : world_.home_agent.bindings()) {
      std::size_t sources = 0;
      for (const auto& [source, present] : world_.home_agent.kernel.tunnel_sources)
        sources += source.home_address == binding.home_address;
      REQUIRE(sources <= 9);
      if (binding.state == "bound")
        REQUIRE(world_.home_agent.tunnelled_to(binding.home_address) == binding.care_of_address);
      else
        REQUIRE(world_.home_agent.tunnelled_to(binding.home_address) == Address{});
    }
    REQUIRE(world_.home_agent.kernel.tunnels.size() <= 64);
    REQUIRE(world_.home_agent.kernel.equals(world_.home_agent.role().plan()));
    REQUIRE(world_.mobile_node.kernel.equals(world_.mobile_node.role().plan()));
  }

  void send(std::uint16_t port = 0) {
    if (port == 0) port = static_cast<std::uint16_t>(5000 + random_.next_u64() % 20);
    world_.mobile_node.send_datagram(port, kCorrespondent, 7, number_++);
  }
  void weather() {
    static const LinkBehaviour kWeathers[] = {
        {},
        {.delay = 100ms, .jitter = 400ms, .loss = 0.05, .duplication = 0.05},
        {.delay = 5ms, .jitter = {}, .loss = 0.3, .duplication = 0},
        {.delay = 300ms, .jitter = {}, .loss = 0, .duplication = 0.5},
    };
    events_.weather(kWeathers);
  }
  void restart_home_agent(bool keep) {
    world_.home_agent.stop();
    world_.run_for(std::chrono::milliseconds{random_.next_u64() % 2000});
    world_.home_agent.start(keep);
  }

  World world_;
  SeededRandom random_;
  RandomEvents events_{world_, random_};
  std::uint32_t number_ = 1;
};

}  // namespace

TEST_CASE("random soak") {
  const auto seed = mipflow::test::seed("soak");
  for (std::uint64_t round = 0; round < 12; ++round) {
    INFO("MIPFLOW_TEST_SEED=" << seed << ", round " << round);
    Soak soak(seed + round * 1000);
    for (int part = 0; part < 5; ++part) {
      for (int i = 0; i < 100; ++i) soak.one_thing();
      soak.calm_down();
    }
  }
}
