// SPDX-License-Identifier: GPL-3.0-or-later
// Registration when the network loses any of the first eight packets: all 256 patterns.
#include <bit>

#include "mipflow/wire/packet.hpp"
#include "simulation/expect.hpp"

using namespace mipflow;
using namespace mipflow::simulation;

namespace {

// Loses the n-th signalling packet when bit n of the mask is set.
void lose_by_mask(World& world, unsigned mask) {
  world.network.lose = [mask, sent = 0u](const Bytes& packet) mutable {
    if (!Network::is_signalling(packet)) return false;
    const unsigned number = sent++;
    return number < 8 && (mask >> number & 1) != 0;
  };
}

// When the registration must be over at the latest: RFC 6275 §11.8, every lost packet costs at most one retransmission,
// and the waits double from 1.5 s to 32 s.
Duration latest(unsigned mask) {
  Duration wait = 1500ms;
  Duration sum{};
  for (int i = 0; i < std::popcount(mask); ++i) {
    sum += wait;
    wait = std::min<Duration>(2 * wait, 32s);
  }
  return sum + 1s + 4 * 10ms;
}

}  // namespace

TEST_CASE("one home address registers whatever is lost of the first eight packets") {
  for (const bool real_home_link : {true, false})
    for (unsigned mask = 0; mask < 256; ++mask) {
      INFO("mask " << mask << (real_home_link ? ", real home link" : ", virtual home link"));
      World world({.real_home_link = real_home_link, .warm_pool_size = 0, .anchor_per_interface = false});
      lose_by_mask(world, mask);
      world.mobile_node.connect(kWlan, kWlanAddress);
      const bool registered = world.run_until([&] { return world.mobile_node.registered(); }, latest(mask));
      REQUIRE(registered);
      REQUIRE(world.home_agent.tunnelled_to(kPrimary) == kWlanAddress);
      world.run_for(3s);
      REQUIRE(world.disagreement() == "");

      // Every Binding Update has a sequence number of its own.
      std::set<std::uint16_t> sequences;
      std::size_t updates = 0;
      for (const auto& capture : world.network.signalling()) {
        const auto decoded = wire::decode_packet(capture.packet);
        REQUIRE(decoded);
        const auto* mobility = std::get_if<wire::MobilityMessage>(&decoded->message);
        if (mobility == nullptr || !std::holds_alternative<wire::BindingUpdate>(*mobility)) continue;
        sequences.insert(std::get<wire::BindingUpdate>(*mobility).sequence);
        ++updates;
      }
      REQUIRE(sequences.size() == updates);
    }
}

TEST_CASE("the whole start with spares and anchors gets through every pattern") {
  for (unsigned mask = 0; mask < 256; ++mask) {
    INFO("mask " << mask);
    World world({});
    lose_by_mask(world, mask);
    world.mobile_node.connect(kWlan, kWlanAddress);
    world.mobile_node.connect(kWwan, kWwanAddress);
    const bool all = world.run_until(
        [&] { return world.quiet() && world.mobile_node.role().status(world.mobile_node.time()).spares >= 1; }, 200s);
    REQUIRE(all);
    world.run_for(3s);
    REQUIRE(world.disagreement() == "");
  }
}

TEST_CASE("a move gets through every pattern, and the flow's packets are never sent into nothing") {
  for (unsigned mask = 0; mask < 256; ++mask) {
    INFO("mask " << mask);
    World world({});
    world.settle();
    world.mobile_node.send_datagram(5000, kCorrespondent, 7, 0);
    world.run_for(2s);
    const auto flow = world.mobile_node.flow(5000);
    REQUIRE(flow);
    lose_by_mask(world, mask);
    const std::string to = other(flow->interface);
    REQUIRE(world.mobile_node.move_flow(flow->id, to));
    // Both interfaces work all the time, so nothing may be lost however long the signalling takes.
    world.stream(5000, 100, 20ms, 1);
    world.run_for(latest(mask) + 2s);
    REQUIRE(reached(world, 5000).size() == 101);
    REQUIRE(answered(world, 5000).size() == 101);
    REQUIRE(world.quiet());
    REQUIRE(world.mobile_node.flow(5000)->interface == to);
    REQUIRE(world.home_agent.tunnelled_to(world.mobile_node.flow(5000)->home_address) ==
            (to == "wlan0" ? kWlanAddress : kWwanAddress));
    world.run_for(3s);
    REQUIRE(world.disagreement() == "");
  }
}
