// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/simulator/home_agent_host.hpp"

#include <algorithm>

#include "mipflow/wire/packet.hpp"

namespace mipflow::simulation {

namespace {

constexpr InterfaceIndex kOutside = 1;

}  // namespace

HomeAgentHost::HomeAgentHost(EventQueue& clock, Network& network, home_agent::Configuration configuration,
                             std::uint64_t seed)
    : RoleHost(clock, network),
      home_link(clock, *this),
      configuration_(std::move(configuration)),
      random_(seed),
      outside_(network.attach(*this, kOutside)) {
  network.assign(configuration_.home_agent_address, outside_);
  for (const auto& home : configuration_.home_prefixes) network.route(home.prefix, outside_);
  start(false);
}

void HomeAgentHost::start(bool with_persisted_bindings) {
  if (!with_persisted_bindings) persisted_.clear();
  role_ = std::make_unique<home_agent::HomeAgent>(configuration_, persisted_, random_, time());
  runner_ = std::make_unique<platform::Runner<home_agent::HomeAgent, home_agent::Event>>(*role_, *this);
  runner_->on_deadline();
}

void HomeAgentHost::stop() {
  disarm();
  runner_.reset();
  role_.reset();
  kernel = {};
}

void HomeAgentHost::wake() {
  runner_->on_deadline();
  carried_out();
}

void HomeAgentHost::to_role(const PacketReceived& packet) {
  if (role_ == nullptr) return;
  runner_->handle(packet);
  carried_out();
}

void HomeAgentHost::carried_out() {
  if (writes_to_disk && role_->persistence_is_due()) persisted_ = role_->persisted(time());
}

void HomeAgentHost::send(const OutgoingPacket& packet) {
  if (packet.interface != 0 && packet.interface == configuration_.home_interface)
    home_link.from_home_agent(packet);
  else
    network_.send(outside_, packet.packet);
}

Address HomeAgentHost::tunnelled_to(const Address& home_address) const {
  const auto found = kernel.tunnels.find(home_address);
  return found == kernel.tunnels.end() ? Address{} : found->second.care_of_address;
}

bool HomeAgentHost::answers_for(const Address& address) const {
  return address == configuration_.home_agent_address ||
         kernel.proxied_neighbours.contains({configuration_.home_interface, address});
}

void HomeAgentHost::receive(const Bytes& packet, Attachment& at) {
  const auto view = wire::parse_packet(packet);
  if (!view) return;
  if (view->destination != configuration_.home_agent_address) return forward(packet);
  if (view->protocol == kProtocolIpv6) return decapsulate(packet);
  to_role({.packet = packet, .interface = at.index});
}

void HomeAgentHost::receive_on_home_link(const Bytes& packet, const LinkLayerAddress& from) {
  const auto view = wire::parse_packet(packet);
  if (!view) return;
  const bool for_role = view->destination.is_multicast() || view->destination == configuration_.home_agent_address;
  if (for_role)
    to_role({.packet = packet, .interface = configuration_.home_interface, .link_layer_source = from});
  else
    forward(packet);
}

// RFC 6275 §10.4.5
void HomeAgentHost::decapsulate(const Bytes& packet) {
  const auto outer = wire::parse_packet(packet);
  const auto inner = wire::parse_packet(outer->payload);
  if (!inner) return;
  if (!kernel.tunnel_sources.contains({inner->source, outer->source})) {
    ++refused_tunnel_packets;
    if (role_ == nullptr) return;
    runner_->handle(home_agent::UnboundTunnelSource{inner->source, outer->source});
    return carried_out();
  }
  forward(Bytes(outer->payload.begin(), outer->payload.end()));
}

// RFC 6275 §10.4.2
void HomeAgentHost::forward(const Bytes& packet) {
  const auto view = wire::parse_packet(packet);
  if (const auto tunnel = kernel.tunnels.find(view->destination); tunnel != kernel.tunnels.end())
    return network_.send(outside_, wire::encapsulate(packet, tunnel->second.home_agent, tunnel->second.care_of_address));
  const bool below_home_prefix = std::ranges::any_of(
      configuration_.home_prefixes, [&](const auto& home) { return home.prefix.contains(view->destination); });
  if (below_home_prefix)
    home_link.from_home_agent({.packet = packet, .interface = configuration_.home_interface});
  else
    network_.send(outside_, packet);
}

}  // namespace mipflow::simulation
