// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent_discovery.hpp"

#include <algorithm>

namespace mipflow::home_agent {

Address home_agents_anycast(const Prefix& home_prefix) {
  constexpr std::array<std::uint8_t, 8> kIdentifier{0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe};
  Address anycast = home_prefix.address();
  std::ranges::copy(kIdentifier, anycast.octets.begin() + 8);
  return anycast;
}

bool AgentDiscovery::is_for_us(const Address& destination, const HomePrefixes& prefixes, const Address& home_agent) {
  if (destination == home_agent) return true;
  return std::ranges::any_of(prefixes.configured(), [&](const HomePrefix& home) {
    return home.prefix.contains(destination) && home_agents_anycast(Prefix(destination, 64)) == destination;
  });
}

void AgentDiscovery::answer(const wire::HomeAgentAddressDiscoveryRequest& request, const wire::PacketView& view,
                            const Address& home_agent, TimePoint now, Outputs& outputs) {
  if (!view.source.is_unicast_routable() || !bucket_.take(now)) return;
  outputs.packets.push_back({.packet = wire::build_packet(
                                 {home_agent, view.source},
                                 wire::HomeAgentAddressDiscoveryReply{request.identifier, {home_agent}})});
}

}  // namespace mipflow::home_agent
