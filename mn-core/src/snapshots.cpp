// SPDX-License-Identifier: GPL-3.0-or-later
#include "snapshots.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "flow_path.hpp"
#include "forwarding.hpp"
#include "home_agent_search.hpp"
#include "problems.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {
namespace {

const char* name_of(flow_separator::FlowState state) {
  switch (state) {
    case flow_separator::FlowState::Held: return "held";
    case flow_separator::FlowState::Active: return "active";
    case flow_separator::FlowState::Moving: return "moving";
    case flow_separator::FlowState::Stranded: return "stranded";
    case flow_separator::FlowState::Closing: return "closing";
  }
  return "";
}

std::string state_of(const Node& node, const ManagedHomeAddress& address, TimePoint now) {
  if (address.leaving) return "releasing";
  if (address.at_home_on) return "at-home";
  switch (address.registration.state()) {
    case RegistrationState::Refused: return "refused";
    case RegistrationState::Moving: return "moving";
    case RegistrationState::Deregistering: return "releasing";
    case RegistrationState::Unbound:
    case RegistrationState::Registering: return "registering";
    case RegistrationState::Bound: break;
  }
  if (const auto* pooled = node.pool.find(address.home_address)) {
    if (pooled->rests_until > now) return "resting";
    return pooled->purpose == hoa_alloc::PoolPurpose::Anchor ? "anchor" : "spare";
  }
  return "registered";
}

std::optional<Duration> remaining(const BindingUpdateListEntry& entry, Now now) {
  if (!entry.acknowledged || entry.expires_at == kNever) return std::nullopt;
  return std::max(entry.expires_at - now.monotonic, Duration::zero());
}

std::vector<FlowId> moves_with(const Node& node, const flow_separator::FlowEntry& flow) {
  std::vector<FlowId> out;
  if (flow.bypassed) return out;
  for (const auto other : node.flows.flows_of(flow.home_address)) {
    if (out.size() == kMovesWithNamed) break;
    if (other != flow.id && node.flows.find(other)->binding_holder == flow.binding_holder) out.push_back(other);
  }
  return out;
}

}  // namespace

StatusSnapshot status_of(const Node& node, Now now) {
  StatusSnapshot out;
  const auto& primary = node.primary();
  out.registered = primary.answered();
  out.at_home = primary.at_home_on.has_value();
  out.home_agent = primary.answered() || node.agents.asked().is_unspecified() ? node.agents.serving() : node.agents.asked();
  out.home_agent_origin = node.agents.origin();
  if (primary.answered() && node.agents.phase() == AgentChoice::Phase::Served) out.served_for = now.monotonic - node.agents.serving_since();
  out.home_agents = node.agents.candidates();
  if (node.agents.has_choice()) out.home_agent_search = describe_search(node, now.monotonic);
  out.primary_home_address = node.configuration.primary_home_address;
  switch (node.configuration.authentication) {
    case Authentication::Rfc4285: out.authentication = "rfc4285"; break;
    case Authentication::NoneInsecure: out.authentication = "none-insecure"; break;
  }
  out.flows = node.flows.size();
  out.home_addresses = static_cast<std::size_t>(std::count_if(
      node.managed.begin(), node.managed.end(), [](const auto& item) { return !item.second.leaving; }));
  out.spares = node.pool.spares(now.monotonic);
  out.usable_interfaces = node.movement.usable().size();
  out.home_address_cap = node.configuration.home_address_cap;
  out.home_addresses_resting = node.pool.resting(now.monotonic);
  out.address_mechanisms = node.allocation.states(now.monotonic);
  out.network_policy = node.agent_service.policy_version();
  if (node.signalling.security().required() && primary.registration.entry().last_status)
    out.home_agent_clock = node.signalling.security().clock_offset();
  out.problems = problems_of(node, now.monotonic);
  return out;
}

FlowSnapshot snapshot_of(const Node& node, const flow_separator::FlowEntry& flow, Now now) {
  const auto path = path_of(node, flow, now.monotonic);
  const auto& policy_class = class_of(node, flow);
  return {.id = flow.id,
          .class_name = flow.class_name,
          .key = flow.information.key,
          .home_address = flow.home_address,
          .care_of_address = flow.care_of_address,
          .interface = interface_name(node, flow.interface),
          .path = flow.bypassed ? "bypass" : path.direct ? "direct" : "tunnel",
          .path_reason = path.reason,
          .state = name_of(flow.state),
          .initiated_by_correspondent = flow.initiated_by_correspondent,
          .packets_out = flow.counters.packets_out,
          .bytes_out = flow.counters.bytes_out,
          .packets_in = flow.counters.packets_in,
          .bytes_in = flow.counters.bytes_in,
          .idle = std::max(now.monotonic - flow.last_active, Duration::zero()),
          .moves_with = moves_with(node, flow),
          .interface_reason = flow.interface_reason,
          .owner = flow.information.owner,
          .rule_origin = policy_class.origin,
          .rule_layer = std::string(to_string(policy_class.layer)),
          .home_address_reason = flow.home_address_reason};
}

std::vector<FlowSnapshot> flows_of(const Node& node, Now now) {
  std::vector<FlowSnapshot> out;
  out.reserve(node.flows.size());
  for (const auto& [id, flow] : node.flows.entries()) out.push_back(snapshot_of(node, flow, now));
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return out;
}

std::vector<HomeAddressSnapshot> home_addresses_of(const Node& node, Now now) {
  std::vector<HomeAddressSnapshot> out;
  for (const auto& [home_address, address] : node.managed) {
    const auto path = data_path_of(node, address);
    const auto& flows = node.flows.flows_of(home_address);
    out.push_back({.home_address = home_address,
                   .primary = home_address == node.configuration.primary_home_address,
                   .care_of_address = path ? path->address : Address{},
                   .interface = path ? interface_name(node, path->interface) : std::string{},
                   .state = state_of(node, address, now.monotonic),
                   .flows = {flows.begin(), flows.end()},
                   .lifetime = remaining(address.registration.entry(), now),
                   .origin = to_string(address.origin),
                   .deprecated = address.preferred_until <= now.monotonic,
                   .valid_for = address.valid_until == kNever ? std::nullopt : std::optional(address.valid_until - now.monotonic),
                   .pinned = node.pinned.contains(home_address),
                   .note = {}});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a.primary != b.primary ? a.primary : a.home_address < b.home_address;
  });
  return out;
}

std::vector<InterfaceSnapshot> interfaces_of(const Node& node) {
  std::vector<InterfaceSnapshot> out;
  for (const auto& [index, interface] : node.movement.table().interfaces()) {
    if (interface.name.empty()) continue;
    const auto flows = std::count_if(node.flows.entries().begin(), node.flows.entries().end(),
                                     [i = index](const auto& item) { return item.second.interface == i; });
    out.push_back({.index = index,
                   .name = interface.name,
                   .kind = interface.kind,
                   .up = interface.up,
                   .running = interface.running,
                   .usable = interface.usable(),
                   .why_not = interface.why_not(),
                   .care_of_address = interface.care_of_address,
                   .router = interface.router(),
                   .mtu = interface.mtu,
                   .flows = static_cast<std::size_t>(flows),
                   .online = interface.quality.online,
                   .round_trip = interface.quality.round_trip,
                   .loss = interface.quality.loss,
                   .metered = interface.quality.metered});
  }
  return out;
}

std::vector<BindingSnapshot> bindings_of(const Node& node, Now now) {
  std::vector<BindingSnapshot> out;
  for (const auto& [key, entry] : node.binding_updates.entries()) {
    out.push_back({.peer = entry.peer,
                   .home_address = entry.home_address,
                   .care_of_address = entry.acknowledged ? entry.acknowledged->address : Address{},
                   .state = to_string(entry.state),
                   .sequence = entry.sequence,
                   .lifetime = remaining(entry, now),
                   .last_status = entry.last_status ? wire::to_string(*entry.last_status) : std::string{}});
  }
  return out;
}

}  // namespace mipflow::mobile_node
