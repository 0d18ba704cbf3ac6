// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/simulator/home_link.hpp"

#include "mipflow/wire/packet.hpp"
#include "simulation/simulator/home_agent_host.hpp"

namespace mipflow::simulation {

namespace {

constexpr Duration kDelay = std::chrono::microseconds{100};

}  // namespace

Neighbour& HomeLink::add(const LinkLayerAddress& mac, std::set<Address> addresses) {
  neighbours_.push_back(std::make_unique<Neighbour>(mac, std::move(addresses)));
  return *neighbours_.back();
}

Neighbour* HomeLink::owner(const Address& address) {
  for (const auto& neighbour : neighbours_)
    if (neighbour->addresses.contains(address)) return neighbour.get();
  return nullptr;
}

void HomeLink::from_home_agent(const OutgoingPacket& out) {
  const auto view = wire::parse_packet(out.packet);
  if (!view) return;
  for (const auto& neighbour : neighbours_) {
    const bool multicast = view->destination.is_multicast();
    const bool meant = out.link_layer_destination ? *out.link_layer_destination == neighbour->link_layer_address
                                                  : neighbour->addresses.contains(view->destination);
    if (!multicast && !meant) continue;
    clock_.after(kDelay, [this, to = neighbour.get(), packet = out.packet, multicast] {
      (multicast ? to->heard : to->received).push_back(packet);
      if (multicast) answer_detection(*to, packet);
    });
  }
}

void HomeLink::answer_detection(Neighbour& neighbour, const Bytes& packet) {
  const auto decoded = wire::decode_packet(packet);
  if (!decoded || !neighbour.defends) return;
  const auto* icmpv6 = std::get_if<wire::Icmpv6Message>(&decoded->message);
  const auto* solicitation = icmpv6 == nullptr ? nullptr : std::get_if<wire::NeighborSolicitation>(icmpv6);
  if (solicitation == nullptr || !neighbour.addresses.contains(solicitation->target)) return;
  const Address all_nodes = *Address::parse("ff02::1");
  from_neighbour(neighbour, wire::build_packet({.source = solicitation->target, .destination = all_nodes},
                                               wire::NeighborAdvertisement{
                                                   .override_flag = true,
                                                   .target = solicitation->target,
                                                   .target_link_layer_address = neighbour.link_layer_address}));
}

void HomeLink::from_neighbour(const Neighbour& sender, const Bytes& packet) {
  const auto view = wire::parse_packet(packet);
  if (!view) return;
  const LinkLayerAddress from = sender.link_layer_address;
  Neighbour* to = owner(view->destination);
  clock_.after(kDelay, [this, to, packet, from, destination = view->destination] {
    if (destination.is_multicast()) {
      for (const auto& neighbour : neighbours_)
        if (neighbour->link_layer_address != from) neighbour->heard.push_back(packet);
      home_agent_.receive_on_home_link(packet, from);
    } else if (to != nullptr) {
      to->received.push_back(packet);
    } else if (home_agent_.answers_for(destination)) {
      home_agent_.receive_on_home_link(packet, from);
    }
  });
}

}  // namespace mipflow::simulation
