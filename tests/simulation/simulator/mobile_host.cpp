// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/simulator/mobile_host.hpp"

#include <algorithm>

#include "mipflow/mn-core/kept_home_addresses.hpp"
#include "mipflow/wire/echo.hpp"
#include "simulation/simulator/headers.hpp"

namespace mipflow::simulation {

namespace {

const Address kRouter = *Address::parse("fe80::1");
constexpr Duration kActivityInterval = std::chrono::seconds{1};

// The target of a Neighbor Solicitation or Advertisement.
std::optional<Address> neighbour_target(const wire::PacketView& view) {
  constexpr std::uint8_t kSolicitation = 135, kAdvertisement = 136;
  constexpr std::size_t kBeforeTarget = 7;
  Reader reader(view.payload);
  const auto type = reader.u8();
  reader.skip(kBeforeTarget);
  const Address target = reader.address();
  const bool is_one = view.protocol == kProtocolIcmpv6 && !reader.failed() && (type == kSolicitation || type == kAdvertisement);
  return is_one ? std::optional(target) : std::nullopt;
}

}  // namespace

MobileHost::MobileHost(EventQueue& clock, Network& network, mobile_node::Configuration configuration,
                       std::shared_ptr<const flow_separator::Policy> policy, std::uint64_t seed)
    : RoleHost(clock, network), configuration_(std::move(configuration)), policy_(std::move(policy)), random_(seed) {
  start();
  clock_.after(kActivityInterval, [this] { report_activity(); });
}

void MobileHost::start() {
  role_ = std::make_unique<mobile_node::MobileNode>(configuration_, policy_, random_);
  runner_ = std::make_unique<platform::Runner<mobile_node::MobileNode, mobile_node::Event>>(*role_, *this);
  runner_->on_deadline();
}

void MobileHost::kill_and_start(std::shared_ptr<const flow_separator::Policy> policy) {
  if (policy) policy_ = std::move(policy);
  disarm();
  held_.clear();
  if (const auto addresses = kept.find(mobile_node::kKeptHomeAddresses); addresses != kept.end())
    configuration_.kept_home_addresses = mobile_node::read_kept_home_addresses(addresses->second).value();
  start();
  // The first picture of the network, and the flows that the kernel went on carrying, in one step as the daemon does it.
  runner_->begin();
  for (const auto& [index, interface] : interfaces_) report(index, !interface.address.is_unspecified());
  for (const auto& [home_agent, item] : kernel.home_agents) runner_->handle(mobile_node::HomeAgentRecovered{home_agent});
  for (const auto& [key, flow] : kernel.flows)
    runner_->handle(mobile_node::FlowRecovered{.key = key, .home_address = flow.home_address});
  for (const auto& [home_address, item] : kernel.home_addresses)
    if (const auto binding = kernel.bindings.find(item.default_binding);
        binding != kernel.bindings.end() && binding->second.header == forwarding::HeaderKind::Tunnel)
      runner_->handle(mobile_node::HomeAddressRecovered{home_address, binding->second.care_of_address, binding->second.uplink, binding->second.peer});
  for (const auto& source : kernel.routing_header_sources) runner_->handle(mobile_node::CorrespondentRecovered{source.first});
  runner_->end();
  // What the old daemon had and the new one does not want.
  const auto& plan = role_->plan();
  platform::PlanChanges rest;
  rest.flows = forwarding::diff(kernel.flows, plan.flows.items());
  rest.home_addresses = forwarding::diff(kernel.home_addresses, plan.home_addresses.items());
  rest.bindings = forwarding::diff(kernel.bindings, plan.bindings.items());
  rest.routing_header_sources = forwarding::diff(kernel.routing_header_sources, plan.routing_header_sources.items());
  rest.care_of_addresses = forwarding::diff(kernel.care_of_addresses, plan.care_of_addresses.items());
  rest.home_agents = forwarding::diff(kernel.home_agents, plan.home_agents.items());
  rest.default_route_changed = kernel.default_route != plan.default_route;
  rest.default_route = plan.default_route;
  kernel.add(rest);
  kernel.remove(rest);
}

void MobileHost::wake() {
  if (!suspended_) runner_->on_deadline();
}

void MobileHost::resume() {
  suspended_ = false;
  runner_->on_deadline();
}

void MobileHost::handle(const mobile_node::Event& event) { runner_->handle(event); }

void MobileHost::add_interface(InterfaceIndex index, std::string name, mobile_node::InterfaceKind kind,
                               LinkBehaviour behaviour) {
  interfaces_[index] = {std::move(name), kind, &network_.attach(*this, index, behaviour), {}};
}

void MobileHost::report(InterfaceIndex index, bool running) {
  const Interface& interface = interfaces_.at(index);
  handle(mobile_node::InterfaceChanged{.index = index,
                                       .name = interface.name,
                                       .kind = interface.kind,
                                       .up = true,
                                       .running = running,
                                       .link_layer_address = LinkLayerAddress{2, 0, 0, 0, 1, static_cast<std::uint8_t>(index)}});
  if (!running) return;
  handle(mobile_node::AddressChanged{.interface = index, .address = interface.address, .valid_for = interface.valid_for});
  handle(mobile_node::RouterChanged{.interface = index, .router = kRouter, .reachable = true});
}

void MobileHost::connect(InterfaceIndex index, const Address& care_of_address, std::optional<Duration> valid_for) {
  Interface& interface = interfaces_.at(index);
  interface.attachment->up = true;
  interface.address = care_of_address;
  interface.valid_for = valid_for;
  network_.assign(care_of_address, *interface.attachment);
  runner_->begin();
  report(index, true);
  runner_->end();
}

void MobileHost::cut(InterfaceIndex index, Duration notice_after) {
  Interface& interface = interfaces_.at(index);
  interface.attachment->up = false;
  const Address lost = interface.address;
  network_.unassign(lost);
  interface.address = {};
  clock_.after(notice_after, [this, index, lost] {
    runner_->begin();
    // When the interface is back already, the kernel has nothing to say but that the old address is gone.
    if (interfaces_.at(index).address.is_unspecified()) {
      report(index, false);
      handle(mobile_node::RouterRemoved{index, kRouter});
    }
    handle(mobile_node::AddressRemoved{index, lost});
    runner_->end();
  });
}

void MobileHost::renumber(InterfaceIndex index, const Address& care_of_address) {
  Interface& interface = interfaces_.at(index);
  const Address before = interface.address;
  network_.unassign(before);
  interface.address = care_of_address;
  network_.assign(care_of_address, *interface.attachment);
  runner_->begin();
  handle(mobile_node::AddressChanged{.interface = index, .address = care_of_address});
  handle(mobile_node::AddressRemoved{index, before});
  runner_->end();
}

void MobileHost::send(const OutgoingPacket& out) {
  const auto view = wire::parse_packet(out.packet);
  if (!view) return;
  for (const auto& [index, interface] : interfaces_) {
    const bool chosen = out.interface != 0 ? index == out.interface : interface.address == view->source;
    if (!chosen || interface.address.is_unspecified()) continue;
    network_.send(*interface.attachment, out.packet);
    return;
  }
}

void MobileHost::send_datagram(std::uint16_t local_port, const Address& correspondent, std::uint16_t port,
                               std::uint32_t number) {
  if (suspended_) return;
  if (!kernel.default_route) {
    ++unsendable;
    return;
  }
  transmit(encode(Datagram{kernel.default_route->preferred_source, correspondent, local_port, port, number}), true);
}

void MobileHost::ask(mobile_node::Direction direction, const Bytes& packet, const Entrance& entrance) {
  const HeldPacketId id = ++last_held_;
  const auto& held = held_.emplace(id, HeldPacket{direction, packet, entrance}).first->second;
  handle(mobile_node::FlowPacket{.id = id,
                                 .direction = direction,
                                 .packet = held.packet,
                                 .length = static_cast<std::uint32_t>(packet.size())});
}

void MobileHost::release(const Verdict& verdict) {
  auto held = held_.extract(verdict.packet);
  if (held.empty()) throw std::logic_error("a verdict for a packet that is not held");
  if (verdict.kind == VerdictKind::Drop) return;
  const HeldPacket& packet = held.mapped();
  switch (packet.direction) {
    case mobile_node::Direction::Outgoing: return transmit(packet.packet, false);
    case mobile_node::Direction::Incoming: return deliver(packet.packet, packet.entrance, false);
  }
}

void MobileHost::transmit(const Bytes& packet, bool may_ask) {
  const auto key = wire::flow_key_of(packet, true);
  const auto view = wire::parse_packet(packet);
  const auto datagram = decode_datagram(packet);
  const auto home_address = kernel.home_addresses.find(view->source);
  if (!key || !datagram || home_address == kernel.home_addresses.end()) {
    ++unsendable;
    return;
  }
  if (const Interface* home = home_of(view->source)) return network_.send(*home->attachment, packet);
  const auto flow = kernel.flows.find(*key);
  if (flow == kernel.flows.end() && may_ask) return ask(mobile_node::Direction::Outgoing, packet, {});

  const auto binding_id = flow == kernel.flows.end() ? home_address->second.default_binding : flow->second.binding;
  const Address source = flow == kernel.flows.end() ? view->source : flow->second.home_address;
  const auto binding = kernel.bindings.find(binding_id);
  if (binding == kernel.bindings.end()) {
    ++unsendable;
    return;
  }
  const auto interface = interfaces_.find(binding->second.uplink);
  if (interface == interfaces_.end() || interface->second.address.is_unspecified()) return;  // lost on the dead link
  if (flow != kernel.flows.end()) {
    auto& activity = activity_[*key];
    ++activity.packets_out;
    activity.bytes_out += packet.size();
    last_active_[*key] = clock_.now();
  }
  const Bytes inner = *readdressed(packet, source, view->destination);
  const bool direct = binding->second.header == forwarding::HeaderKind::RouteOptimized;
  // The flow's own binding, whatever it is: a Home Address option for another peer or home address would be a mistake.
  if (direct && (binding->second.peer != view->destination || binding->second.home_address != source))
    throw std::logic_error("a flow points to a route-optimised binding that is not its own");
  departed.push_back({clock_.now(), datagram->source_port, datagram->destination_port, datagram->number,
                      interface->first, source, binding->second.care_of_address, direct});
  network_.send(*interface->second.attachment,
                direct ? with_headers(*wire::parse_packet(inner), {.source = binding->second.care_of_address,
                                                                   .destination = view->destination,
                                                                   .home_address_option = source})
                       : wire::encapsulate(inner, binding->second.care_of_address, binding->second.peer));
}

void MobileHost::receive(const Bytes& packet, Attachment& at) {
  if (suspended_) return;
  const auto view = wire::parse_packet(packet);
  if (!view) return;  // RFC 6275 §6.4: also a wrong type 2 routing header, without a word
  if (view->protocol == kProtocolIpv6) return receive_tunnelled(*view, at);
  receive_direct(packet, at);
}

void MobileHost::receive_direct(const Bytes& packet, const Attachment& at) {
  const auto view = wire::parse_packet(packet);
  const auto echo = wire::decode_echo(*view);
  const auto target = neighbour_target(*view);
  const bool watched = target && kernel.watched_addresses.contains({at.index, *target});
  if (watched || Network::is_signalling(packet) || is_icmpv6_error(*view) || (echo && echo->reply))
    return handle(PacketReceived{.packet = packet, .interface = at.index});
  if (home_of(view->destination) != nullptr) return receive_at_home(packet, at);
  // RFC 6275 §11.3.3
  if (!view->routing_header_home_address) return;
  const Address source = view->logical_source();
  const bool has_binding = kernel.routing_header_sources.contains({*view->routing_header_home_address, source}) ||
                           kernel.home_agents.contains(source);
  if (!has_binding || !kernel.care_of_addresses.contains(view->destination)) {
    ++refused_routing_headers;
    return;
  }
  deliver(without_mobility_headers(*view), {at.index, view->destination, true}, true);
}

const MobileHost::Interface* MobileHost::home_of(const Address& home_address) const {
  if (!kernel.is_at_home(home_address)) return nullptr;
  for (const auto& [where, present] : kernel.watched_addresses)
    if (where.address == home_address) return &interfaces_.at(where.interface);
  return nullptr;
}

void MobileHost::receive_at_home(const Bytes& packet, const Attachment& at) {
  const auto datagram = decode_datagram(packet);
  if (!datagram) return;
  arrived.push_back({clock_.now(), datagram->destination_port, datagram->source_port, datagram->number, at.index,
                     datagram->destination, datagram->destination, true});
  if (!answers) return;
  transmit(encode(Datagram{datagram->destination, datagram->source, datagram->destination_port, datagram->source_port, datagram->number}),
           true);
}

void MobileHost::receive_tunnelled(const wire::PacketView& outer, const Attachment& at) {
  // RFC 6275 §11.3.3: from our home agent only.
  if (!kernel.home_agents.contains(outer.source) || !kernel.care_of_addresses.contains(outer.destination)) return;
  const Bytes inner(outer.payload.begin(), outer.payload.end());
  const auto view = wire::parse_packet(inner);
  if (!view) return;
  const auto quoted = quoted_packet(*view);
  const bool about_signalling = quoted && quoted->protocol == kProtocolMobilityHeader;
  if (Network::is_signalling(inner) || about_signalling)
    return handle(PacketReceived{.packet = inner, .interface = at.index, .tunnel_source = outer.source});
  deliver(inner, {at.index, outer.destination, false}, true);
}

void MobileHost::deliver(const Bytes& inner, const Entrance& entrance, bool may_ask) {
  const auto datagram = decode_datagram(inner);
  if (!datagram || !kernel.home_addresses.contains(datagram->destination)) return;
  const auto flow = std::ranges::find_if(kernel.flows, [&](const auto& item) {
    const auto& [key, planned] = item;
    return planned.home_address == datagram->destination && key.correspondent == datagram->source &&
           key.protocol == kProtocolUdp && key.source_port == datagram->destination_port &&
           key.correspondent_port == datagram->source_port;
  });
  if (flow == kernel.flows.end() && may_ask)
    return ask(mobile_node::Direction::Incoming, inner, entrance);
  if (flow != kernel.flows.end()) {
    auto& activity = activity_[flow->first];
    ++activity.packets_in;
    activity.bytes_in += inner.size();
    last_active_[flow->first] = clock_.now();
  }
  arrived.push_back({clock_.now(), datagram->destination_port, datagram->source_port, datagram->number, entrance.interface,
                     datagram->destination, entrance.care_of_address, entrance.direct});
  if (!answers) return;
  const Address own = flow == kernel.flows.end() ? datagram->destination : flow->first.source;
  transmit(encode(Datagram{own, datagram->source, datagram->destination_port, datagram->source_port, datagram->number}),
           true);
}

void MobileHost::report_activity() {
  mobile_node::FlowActivities report;
  for (const auto& [key, flow] : kernel.flows) {
    auto activity = activity_[key];
    activity.key = key;
    const auto last = last_active_.find(key);
    activity.idle = last == last_active_.end() ? Duration{} : clock_.now() - last->second;
    report.flows.push_back(activity);
  }
  if (!report.flows.empty() && !suspended_) handle(report);
  clock_.after(kActivityInterval, [this] { report_activity(); });
}

Expected<void, mobile_node::CommandError> MobileHost::move_flow(FlowId flow, std::string_view interface) {
  return runner_->command([&](Now now, Outputs& outputs) { return role_->move_flow(flow, interface, now, outputs); });
}

void MobileHost::stop_gracefully() {
  runner_->command([&](Now now, Outputs& outputs) { role_->stop(now, outputs); });
}

std::optional<mobile_node::FlowSnapshot> MobileHost::flow(std::uint16_t local_port) const {
  for (const auto& snapshot : role_->flows(time()))
    if (snapshot.key.source_port == local_port) return snapshot;
  return std::nullopt;
}

}  // namespace mipflow::simulation
