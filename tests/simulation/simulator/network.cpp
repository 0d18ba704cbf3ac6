// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/simulator/network.hpp"

#include <algorithm>

#include "mipflow/wire/packet.hpp"
#include "simulation/simulator/headers.hpp"

namespace mipflow::simulation {

Attachment& Network::attach(Station& station, InterfaceIndex index, LinkBehaviour behaviour) {
  attachments_.push_back(std::make_unique<Attachment>(station, index));
  attachments_.back()->behaviour = behaviour;
  return *attachments_.back();
}

void Network::set_all_links(const LinkBehaviour& behaviour) {
  for (const auto& attachment : attachments_) attachment->behaviour = behaviour;
}

bool Network::is_signalling(BytesView packet) {
  const auto view = wire::parse_packet(packet);
  if (!view) return false;
  if (view->protocol == kProtocolMobilityHeader) return true;
  return view->protocol == kProtocolIcmpv6 && !view->payload.empty() &&
         view->payload[0] >= wire::kIcmpv6HomeAgentAddressDiscoveryRequest &&
         view->payload[0] <= wire::kIcmpv6MobilePrefixAdvertisement;
}

bool Network::chance(double probability) {
  constexpr double kSteps = 1 << 24;
  return static_cast<double>(random_.next_u64() % (1 << 24)) < probability * kSteps;
}

Duration Network::delay_of(const LinkBehaviour& behaviour) {
  Duration jitter{};
  if (behaviour.jitter > Duration::zero())
    jitter = Duration{static_cast<Duration::rep>(random_.next_u64() %
                                                 static_cast<std::uint64_t>(behaviour.jitter.count()))};
  return behaviour.delay + jitter;
}

Attachment* Network::next_hop(const Address& destination) const {
  if (const auto owner = owners_.find(destination); owner != owners_.end()) return owner->second;
  if (const auto found = announced_.find(destination); found != announced_.end())
    return std::ranges::min_element(found->second, {}, [](const auto& route) { return route.second; })->first;
  for (const auto& [prefix, router] : routes_)
    if (prefix.contains(destination)) return router;
  return nullptr;
}

void Network::withdraw(const Address& address, Attachment& router) {
  const auto found = announced_.find(address);
  if (found == announced_.end()) return;
  found->second.erase(&router);
  if (found->second.empty()) announced_.erase(found);
}

void Network::send(Attachment& from, Bytes packet) {
  const auto destination = destination_on_the_wire(packet);
  if (!destination) return;
  Attachment* to = next_hop(*destination);
  const bool filtered = lose(packet);
  const bool by_chance = to != nullptr && (chance(from.behaviour.loss) || chance(to->behaviour.loss));
  const bool lost = filtered || by_chance || to == nullptr || !from.up || !to->up;
  if (is_signalling(packet)) signalling_.push_back({clock_.now(), packet, from.index, lost});
  if (lost) return;

  const bool doubled = chance(from.behaviour.duplication) || chance(to->behaviour.duplication);
  const bool routed = !owners_.contains(*destination);
  const auto shared = std::make_shared<const Bytes>(std::move(packet));
  for (int copy = 0; copy < (doubled ? 2 : 1); ++copy) {
    const Duration delay = delay_of(from.behaviour) + delay_of(to->behaviour);
    clock_.after(delay, [this, shared, to, address = *destination, routed] {
      // The address may have gone elsewhere meanwhile. A router gets what is under way to it, whatever the routes say now.
      if (to->up && (routed || next_hop(address) == to)) to->station.receive(*shared, *to);
    });
  }
}

}  // namespace mipflow::simulation
