// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/simulator/home_agent_host.hpp"

#include <algorithm>
#include <utility>

#include "mipflow/wire/packet.hpp"
#include "simulation/simulator/echo.hpp"
#include "simulation/simulator/headers.hpp"

namespace mipflow::simulation {

namespace {

constexpr InterfaceIndex kOutside = 1;
constexpr Duration kActivityInterval = std::chrono::seconds{1};

}  // namespace

HomeAgentHost::HomeAgentHost(EventQueue& clock, Network& network, home_agent::Configuration configuration,
                             std::uint64_t seed)
    : RoleHost(clock, network),
      home_link(clock, *this),
      configuration_(std::move(configuration)),
      random_(seed),
      outside_(network.attach(*this, kOutside)),
      correspondent_(clock, kernel) {
  network.assign(configuration_.home_agent_address, outside_);
  for (const auto& home : configuration_.home_prefixes) network.route(home.prefix, outside_);
  start(false);
  clock_.after(kActivityInterval, [this] { report_activity(); });
}

void HomeAgentHost::report_activity() {
  auto report = correspondent_.activities();
  if (role_ != nullptr && !report.idle.empty()) {
    runner_->handle(std::move(report));
    carried_out();
  }
  home_agent::TunnelActivity tunnelled_packets{.entries = {}, .interval = kActivityInterval};
  for (const auto& [home_address, entry] : std::exchange(tunnel_activity_, {})) tunnelled_packets.entries.push_back(entry);
  if (role_ != nullptr && !tunnelled_packets.entries.empty()) {
    runner_->handle(std::move(tunnelled_packets));
    carried_out();
  }
  clock_.after(kActivityInterval, [this] { report_activity(); });
}

void HomeAgentHost::start(bool with_persisted_bindings) {
  if (!with_persisted_bindings) {
    persisted_.clear();
    persisted_services_ = {};
  }
  for (const Address& home_address : std::exchange(left_behind_, {})) network_.withdraw(home_address, outside_);
  role_ = std::make_unique<home_agent::HomeAgent>(configuration_, persisted_, random_, time(), persisted_services_);
  runner_ = std::make_unique<platform::Runner<home_agent::HomeAgent, home_agent::Event>>(*role_, *this);
  runner_->on_deadline();
}

void HomeAgentHost::configure(home_agent::Configuration configuration) {
  configuration_ = std::move(configuration);
  runner_->command([&](Now now, Outputs& outputs) { role_->set_configuration(configuration_, now, outputs); });
  carried_out();
}

void HomeAgentHost::take_home_prefixes() {
  for (const auto& home : configuration_.home_prefixes) network_.reroute(home.prefix, outside_);
}

void HomeAgentHost::command(const std::function<void(home_agent::HomeAgent&, Now, Outputs&)>& action) {
  runner_->command([&](Now now, Outputs& outputs) { action(*role_, now, outputs); });
  carried_out();
}

void HomeAgentHost::stop() {
  disarm();
  runner_.reset();
  role_.reset();
  for (const auto& [home_address, route] : kernel.announced_routes) left_behind_.push_back(home_address);
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
  if (!writes_to_disk || !role_->persistence_is_due()) return;
  persisted_ = role_->persisted(time());
  persisted_services_ = role_->persisted_services(time());
}

void HomeAgentHost::send(const OutgoingPacket& packet) {
  if (packet.interface != 0 && packet.interface == configuration_.home_interface)
    home_link.from_home_agent(packet);
  else
    network_.send(outside_, packet.packet);
}

// What the routing daemon does with the table that nothing else looks into.
void HomeAgentHost::add(const platform::PlanChanges& changes, std::vector<platform::Failure>& failures) {
  RoleHost::add(changes, failures);
  for (const auto& [home_address, route] : changes.announced_routes.set) network_.announce(home_address, outside_, route.metric);
}
void HomeAgentHost::remove(const platform::PlanChanges& changes, std::vector<platform::Failure>& failures) {
  RoleHost::remove(changes, failures);
  for (const Address& home_address : changes.announced_routes.erase) network_.withdraw(home_address, outside_);
}

// The payload, when it is a datagram to the port.
std::optional<Bytes> HomeAgentHost::forwarding_message(const wire::PacketView& view) const {
  constexpr std::size_t kUdpHeader = 8;
  if (view.protocol != kProtocolUdp || view.payload.size() < kUdpHeader) return std::nullopt;
  Reader reader(view.payload);
  reader.u16();
  if (reader.u16() != configuration_.load_sharing.port) return std::nullopt;
  reader.skip(kUdpHeader - 4);
  const BytesView rest = reader.rest();
  return Bytes(rest.begin(), rest.end());
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
  // They come to the anycast address of the home agents, which the role knows.
  const bool asks_for_home_agents = view->protocol == kProtocolIcmpv6 && !view->payload.empty() &&
                                    view->payload[0] == wire::kIcmpv6HomeAgentAddressDiscoveryRequest;
  if (asks_for_home_agents) return to_role({.packet = packet, .interface = at.index});
  if (view->destination != configuration_.home_agent_address) return forward(packet);
  if (view->protocol == kProtocolIpv6) return decapsulate(packet);
  if (Network::is_signalling(packet) || is_icmpv6_error(*view))
    return to_role({.packet = packet, .interface = at.index});
  if (const auto message = forwarding_message(*view)) {
    if (role_ == nullptr) return;
    runner_->handle(home_agent::ForwardingMessageReceived{*message, view->source});
    return carried_out();
  }
  auto arrival = correspondent_.arriving(packet);
  switch (arrival.fate) {
    case CorrespondentDataPath::Fate::Dropped: return;
    case CorrespondentDataPath::Fate::Role: return to_role({.packet = arrival.packet, .interface = at.index});
    case CorrespondentDataPath::Fate::UpperLayer: return upper_layer(arrival.packet);
  }
}

void HomeAgentHost::upper_layer(const Bytes& packet) {
  auto echo = decode_echo(packet);
  if (!echo || echo->reply) return;
  std::swap(echo->source, echo->destination);
  echo->reply = true;
  forward(correspondent_.departing(encode(*echo)));
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
  const Bytes packet_inside(outer->payload.begin(), outer->payload.end());
  // A Home Test Init to the home agent as a correspondent node.
  if (inner->destination == configuration_.home_agent_address && Network::is_signalling(packet_inside))
    return to_role({.packet = packet_inside, .interface = outside_.index, .tunnel_source = outer->source});
  forward(packet_inside);
}

// RFC 6275 §10.4.2
void HomeAgentHost::forward(const Bytes& packet) {
  const auto view = wire::parse_packet(packet);
  if (const auto tunnel = kernel.tunnels.find(view->destination); tunnel != kernel.tunnels.end()) {
    ++tunnelled;
    auto& entry = tunnel_activity_[view->destination];
    entry.home_address = view->destination;
    ++entry.packets;
    entry.octets += packet.size();
    return network_.send(outside_, wire::encapsulate(packet, tunnel->second.home_agent, tunnel->second.care_of_address));
  }
  const bool below_home_prefix = std::ranges::any_of(
      configuration_.home_prefixes, [&](const auto& home) { return home.prefix.contains(view->destination); });
  if (below_home_prefix)
    home_link.from_home_agent({.packet = packet, .interface = configuration_.home_interface});
  else
    network_.send(outside_, packet);
}

}  // namespace mipflow::simulation
