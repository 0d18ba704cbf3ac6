// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/simulator/network.hpp"

#include "mipflow/wire/packet.hpp"

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
  for (const auto& [prefix, router] : routes_)
    if (prefix.contains(destination)) return router;
  return nullptr;
}

void Network::send(Attachment& from, Bytes packet) {
  const auto view = wire::parse_packet(packet);
  if (!view) return;
  Attachment* to = next_hop(view->destination);
  const bool filtered = lose(packet);
  const bool by_chance = to != nullptr && (chance(from.behaviour.loss) || chance(to->behaviour.loss));
  const bool lost = filtered || by_chance || to == nullptr || !from.up || !to->up;
  if (is_signalling(packet)) signalling_.push_back({clock_.now(), packet, from.index, lost});
  if (lost) return;

  const bool doubled = chance(from.behaviour.duplication) || chance(to->behaviour.duplication);
  const auto shared = std::make_shared<const Bytes>(std::move(packet));
  for (int copy = 0; copy < (doubled ? 2 : 1); ++copy) {
    const Duration delay = delay_of(from.behaviour) + delay_of(to->behaviour);
    const Address destination = view->destination;
    clock_.after(delay, [this, shared, to, destination] {
      // The address may have gone elsewhere meanwhile.
      if (to->up && next_hop(destination) == to) to->station.receive(*shared, *to);
    });
  }
}

}  // namespace mipflow::simulation
