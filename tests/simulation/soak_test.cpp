// SPDX-License-Identifier: GPL-3.0-or-later
// Whatever may happen to a laptop, at random, for hours. When all has been quiet for a while both ends agree.
#include "simulation/expect.hpp"
#include "support/seed.hpp"

using namespace mipflow;
using namespace mipflow::simulation;

namespace {

class Soak {
 public:
  explicit Soak(std::uint64_t seed) : world_({.seed = seed, .requested_lifetime = 120s}), random_(seed ^ 0x5eed) {
    world_.settle();
    connected_ = {{kWlan, true}, {kWwan, true}};
  }

  void one_thing() {
    switch (random_.next_u64() % 12) {
      case 0:
      case 1:
      case 2: send(); break;
      case 3:
      case 4:
      case 5: move(); break;
      case 6: toggle(random_.next_u64() % 2 ? kWlan : kWwan); break;
      case 7: renumber(); break;
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
    world_.network.set_all_links({});
    for (const auto& [index, is_connected] : std::map(connected_))
      if (!is_connected) toggle(index);
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
  void move() {
    const auto flows = world_.mobile_node.role().flows(world_.mobile_node.time());
    if (flows.empty()) return;
    const auto& flow = flows[random_.next_u64() % flows.size()];
    (void)world_.mobile_node.move_flow(flow.id, random_.next_u64() % 2 ? "wlan0" : "wwan0");
  }
  Address fresh_address() {
    Address out = kWlanAddress;
    out.octets[6] = static_cast<std::uint8_t>(++networks_ >> 8);
    out.octets[7] = static_cast<std::uint8_t>(networks_);
    return out;
  }
  void toggle(InterfaceIndex index) {
    if (connected_[index])
      world_.mobile_node.cut(index, std::chrono::milliseconds{random_.next_u64() % 500});
    else
      world_.mobile_node.connect(index, fresh_address());
    connected_[index] = !connected_[index];
  }
  void renumber() {
    const InterfaceIndex index = random_.next_u64() % 2 ? kWlan : kWwan;
    if (connected_[index]) world_.mobile_node.renumber(index, fresh_address());
  }
  void weather() {
    static const LinkBehaviour kWeathers[] = {
        {},
        {.delay = 100ms, .jitter = 400ms, .loss = 0.05, .duplication = 0.05},
        {.delay = 5ms, .jitter = {}, .loss = 0.3, .duplication = 0},
        {.delay = 300ms, .jitter = {}, .loss = 0, .duplication = 0.5},
    };
    world_.network.set_all_links(kWeathers[random_.next_u64() % std::size(kWeathers)]);
  }
  void restart_home_agent(bool keep) {
    world_.home_agent.stop();
    world_.run_for(std::chrono::milliseconds{random_.next_u64() % 2000});
    world_.home_agent.start(keep);
  }

  World world_;
  SeededRandom random_;
  std::map<InterfaceIndex, bool> connected_;
  unsigned networks_ = 0x100;
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
