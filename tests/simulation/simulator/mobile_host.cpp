// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/simulator/mobile_host.hpp"

#include <algorithm>

#include "mipflow/wire/packet.hpp"

namespace mipflow::simulation {

namespace {

const Address kRouter = *Address::parse("fe80::1");
constexpr Duration kActivityInterval = std::chrono::seconds{1};

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

void MobileHost::kill_and_start() {
  disarm();
  held_.clear();
  start();
  // The first picture of the network, and the flows that the kernel went on carrying, in one step as the daemon does it.
  runner_->begin();
  for (const auto& [index, interface] : interfaces_) report(index, !interface.address.is_unspecified());
  for (const auto& [key, flow] : kernel.flows) runner_->handle(mobile_node::FlowRecovered{key, flow.home_address});
  runner_->end();
  // What the old daemon had and the new one does not want.
  const auto& plan = role_->plan();
  platform::PlanChanges rest;
  rest.flows = forwarding::diff(kernel.flows, plan.flows.items());
  rest.home_addresses = forwarding::diff(kernel.home_addresses, plan.home_addresses.items());
  rest.bindings = forwarding::diff(kernel.bindings, plan.bindings.items());
  rest.care_of_addresses = forwarding::diff(kernel.care_of_addresses, plan.care_of_addresses.items());
  rest.home_agents = forwarding::diff(kernel.home_agents, plan.home_agents.items());
  rest.default_route_changed = kernel.default_route != plan.default_route;
  rest.default_route = plan.default_route;
  kernel.add(rest);
  kernel.remove(rest);
}

void MobileHost::wake() { runner_->on_deadline(); }

void MobileHost::handle(const mobile_node::Event& event) { runner_->handle(event); }

void MobileHost::add_interface(InterfaceIndex index, std::string name, mobile_node::InterfaceKind kind,
                               LinkBehaviour behaviour) {
  interfaces_[index] = {std::move(name), kind, &network_.attach(*this, index, behaviour), {}};
}

void MobileHost::report(InterfaceIndex index, bool running) {
  const Interface& interface = interfaces_.at(index);
  handle(mobile_node::InterfaceChanged{
      .index = index, .name = interface.name, .kind = interface.kind, .up = true, .running = running});
  if (!running) return;
  handle(mobile_node::AddressChanged{.interface = index, .address = interface.address});
  handle(mobile_node::RouterChanged{.interface = index, .router = kRouter, .reachable = true});
}

void MobileHost::connect(InterfaceIndex index, const Address& care_of_address) {
  Interface& interface = interfaces_.at(index);
  interface.attachment->up = true;
  interface.address = care_of_address;
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
  if (!kernel.default_route) {
    ++unsendable;
    return;
  }
  transmit(encode(Datagram{kernel.default_route->preferred_source, correspondent, local_port, port, number}), true);
}

void MobileHost::ask(mobile_node::Direction direction, const Bytes& packet, InterfaceIndex interface,
                     const Address& care_of_address) {
  const HeldPacketId id = ++last_held_;
  const auto& held = held_.emplace(id, HeldPacket{direction, packet, interface, care_of_address}).first->second;
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
    case mobile_node::Direction::Incoming:
      return deliver(packet.packet, packet.interface, packet.care_of_address, false);
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
  const auto flow = kernel.flows.find(*key);
  if (flow == kernel.flows.end() && may_ask) return ask(mobile_node::Direction::Outgoing, packet, 0, {});

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
  departed.push_back({clock_.now(), datagram->source_port, datagram->destination_port, datagram->number,
                      interface->first, source, binding->second.care_of_address});
  network_.send(*interface->second.attachment,
                wire::encapsulate(*readdressed(packet, source, view->destination), binding->second.care_of_address,
                                  binding->second.peer));
}

void MobileHost::receive(const Bytes& packet, Attachment& at) {
  const auto view = wire::parse_packet(packet);
  if (!view) return;
  if (view->protocol != kProtocolIpv6) return handle(PacketReceived{.packet = packet, .interface = at.index});
  // RFC 6275 §11.3.3: from our home agent only.
  if (!kernel.home_agents.contains(view->source) || !kernel.care_of_addresses.contains(view->destination)) return;
  const Bytes inner(view->payload.begin(), view->payload.end());
  if (Network::is_signalling(inner))
    return handle(PacketReceived{.packet = inner, .interface = at.index, .tunnel_source = view->source});
  deliver(inner, at.index, view->destination, true);
}

void MobileHost::deliver(const Bytes& inner, InterfaceIndex interface, const Address& care_of_address, bool may_ask) {
  const auto datagram = decode_datagram(inner);
  if (!datagram || !kernel.home_addresses.contains(datagram->destination)) return;
  const auto flow = std::ranges::find_if(kernel.flows, [&](const auto& item) {
    const auto& [key, planned] = item;
    return planned.home_address == datagram->destination && key.correspondent == datagram->source &&
           key.protocol == kProtocolUdp && key.source_port == datagram->destination_port &&
           key.correspondent_port == datagram->source_port;
  });
  if (flow == kernel.flows.end() && may_ask)
    return ask(mobile_node::Direction::Incoming, inner, interface, care_of_address);
  if (flow != kernel.flows.end()) {
    auto& activity = activity_[flow->first];
    ++activity.packets_in;
    activity.bytes_in += inner.size();
    last_active_[flow->first] = clock_.now();
  }
  arrived.push_back({clock_.now(), datagram->destination_port, datagram->source_port, datagram->number, interface,
                     datagram->destination, care_of_address});
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
  if (!report.flows.empty()) handle(report);
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
