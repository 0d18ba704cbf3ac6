// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent_discovery.hpp"

#include <algorithm>

#include "mipflow/wire/home_agents_anycast.hpp"

namespace mipflow::home_agent {

namespace {

// As many as fit the minimum IPv6 MTU (§10.5.1) behind an IPv6 header and the reply's first 8 octets.
constexpr std::size_t kMostAddressesPerReply = (1'280 - 40 - 8) / 16;

}  // namespace

bool AgentDiscovery::is_for_us(const Address& destination) const {
  if (destination == parts_.configuration.home_agent_address) return true;
  return std::ranges::any_of(parts_.prefixes.configured(), [&](const HomePrefix& home) {
    return home.prefix.contains(destination) && wire::home_agents_anycast(Prefix(destination, 64)) == destination;
  });
}

void AgentDiscovery::answer(const wire::HomeAgentAddressDiscoveryRequest& request, const wire::PacketView& view, TimePoint now,
                            Outputs& outputs) {
  if (view.home_address_option || !is_for_us(view.destination)) return;
  if (!view.source.is_unicast_routable() || !bucket_.take(now)) return;
  auto home_agents = list_.in_order(parts_.configuration, parts_.random, now);
  if (home_agents.size() > kMostAddressesPerReply) home_agents.resize(kMostAddressesPerReply);
  outputs.packets.push_back({.packet = wire::build_packet({parts_.configuration.home_agent_address, view.source},
                                                          wire::HomeAgentAddressDiscoveryReply{request.identifier, std::move(home_agents)})});
}

}  // namespace mipflow::home_agent
