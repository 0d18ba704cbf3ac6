// SPDX-License-Identifier: GPL-3.0-or-later
// Route optimisation when the network loses any of the first eight packets of the exchange: all 256 patterns.
#include "simulation/expect.hpp"
#include "simulation/route_optimization.hpp"

using namespace mipflow;
using namespace mipflow::simulation;

namespace {

// Loses the n-th Mobility Header to or from the correspondent node when bit n of the mask is set. Home Tests and their
// Inits count on their way between home agent and correspondent node.
void lose_by_mask(World& world, unsigned mask) {
  world.network.lose = [mask, sent = 0u](const Bytes& packet) mutable {
    const auto view = wire::parse_packet(packet);
    if (!view || view->protocol != kProtocolMobilityHeader) return false;
    if (view->source != kCorrespondentNode && view->destination != kCorrespondentNode) return false;
    const unsigned number = sent++;
    return number < 8 && (mask >> number & 1) != 0;
  };
}

}  // namespace

TEST_CASE("a flow gets to the direct path through every pattern, and meanwhile loses nothing") {
  for (unsigned mask = 0; mask < 256; ++mask) {
    INFO("mask " << mask);
    World world({.policy = kDirectAtOnce});
    world.settle();
    lose_by_mask(world, mask);
    world.stream(5000, 800, 500ms, 0, kCorrespondentNode);
    // Whoever does not answer three times is left alone for five minutes.
    const bool direct = world.run_until([&] { return is_direct(world, 5000); }, 360s);
    INFO(world.describe());
    REQUIRE(direct);
    world.run_for(410s);
    REQUIRE(reached(world, 5000).size() == 800);
    REQUIRE(answered(world, 5000).size() == 800);
    REQUIRE(is_direct(world, 5000));
    REQUIRE(world.disagreement() == "");
  }
}

TEST_CASE("a move gets through every pattern, and no packet goes where nobody takes it") {
  for (unsigned mask = 0; mask < 256; ++mask) {
    INFO("mask " << mask);
    World world({.policy = kDirectAtOnce});
    world.settle();
    world.stream(5000, 1200, 20ms, 0, kCorrespondentNode);
    world.run_for(2s);
    REQUIRE(is_direct(world, 5000));
    lose_by_mask(world, mask);
    const auto flow = *world.mobile_node.flow(5000);
    REQUIRE(world.mobile_node.move_flow(flow.id, other(flow.interface)));
    world.run_for(30s);
    INFO(world.describe());
    REQUIRE(reached(world, 5000).size() == 1200);
    REQUIRE(answered(world, 5000).size() == 1200);
    REQUIRE(world.mobile_node.flow(5000)->interface == other(flow.interface));
    REQUIRE(world.disagreement() == "");
  }
}
