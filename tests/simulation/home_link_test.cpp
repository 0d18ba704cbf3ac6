// SPDX-License-Identifier: GPL-3.0-or-later
// Neighbours on the home link: their packets follow the mobile node, their addresses are not taken.
#include "mipflow/wire/packet.hpp"
#include "simulation/expect.hpp"

using namespace mipflow;
using namespace mipflow::simulation;

namespace {

constexpr LinkLayerAddress kNeighbourMac{2, 0, 0, 0, 0, 0x99};
const Address kNeighbour = *Address::parse("2001:db8:100::99");

}  // namespace

TEST_CASE("a neighbour's packet is attracted, tunnelled and answered") {
  World world({});
  auto& neighbour = world.home_agent.home_link.add(kNeighbourMac, {kNeighbour});
  world.settle();
  world.home_agent.home_link.from_neighbour(neighbour, encode(Datagram{kNeighbour, kPrimary, 40, 50, 1}));
  world.run_for(100ms);
  REQUIRE(world.mobile_node.arrived.size() == 1);
  CHECK(world.mobile_node.arrived[0].home_address == kPrimary);
  // The unsolicited advertisements were heard.
  std::size_t advertisements = 0;
  for (const auto& packet : neighbour.heard) {
    const auto decoded = wire::decode_packet(packet);
    REQUIRE(decoded);
    const auto& icmpv6 = std::get<wire::Icmpv6Message>(decoded->message);
    if (const auto* advertisement = std::get_if<wire::NeighborAdvertisement>(&icmpv6))
      advertisements += advertisement->target == kPrimary && advertisement->override_flag;
  }
  CHECK(advertisements == 3);
}

TEST_CASE("the primary home address is in use on the home link: refused, and no packet is attracted") {
  World world({.warm_pool_size = 0, .anchor_per_interface = false});
  auto& squatter = world.home_agent.home_link.add(kNeighbourMac, {kPrimary});
  world.mobile_node.connect(kWlan, kWlanAddress);
  world.run_for(30s);
  CHECK_FALSE(world.mobile_node.registered());
  CHECK(world.home_agent.kernel.tunnels.empty());
  CHECK_FALSE(world.home_agent.answers_for(kPrimary));
  CHECK_FALSE(world.mobile_node.role().status(world.mobile_node.time()).problems.empty());
  world.correspondent.send(Datagram{kCorrespondent, kPrimary, 7, 7, 1});
  world.run_for(100ms);
  CHECK(squatter.received.size() == 1);
}

TEST_CASE("reverse-tunnelled packets from where nobody is registered go nowhere") {
  World world({});
  world.settle();
  // An attacker on the correspondent node's network who knows the home address.
  const auto refused = world.home_agent.refused_tunnel_packets;
  const auto arrived = world.correspondent.arrived.size();
  CorrespondentHost attacker(world.clock, world.network, *Address::parse("2001:db8:66::6"));
  auto& attachment = world.network.attach(attacker, 1);
  world.network.send(attachment, wire::encapsulate(encode(Datagram{kPrimary, kCorrespondent, 1, 7, 1}),
                                                   attacker.address, kHomeAgent));
  world.run_for(100ms);
  CHECK(world.home_agent.refused_tunnel_packets == refused + 1);
  CHECK(world.correspondent.arrived.size() == arrived);
}
