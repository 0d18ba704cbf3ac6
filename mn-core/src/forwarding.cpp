// SPDX-License-Identifier: GPL-3.0-or-later
#include "forwarding.hpp"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "bypass.hpp"

namespace mipflow::mobile_node {

std::optional<CareOf> data_path_of(const Node& node, const ManagedHomeAddress& address) {
  const auto& acknowledged = address.registration.acknowledged();
  if (acknowledged && node.movement.still_works(*acknowledged)) return acknowledged;
  if (address.former && node.movement.still_works(address.former->care_of)) return address.former->care_of;
  if (address.target) return address.target;
  return acknowledged;
}

const Address& tunnel_end_of(const Node& node, const ManagedHomeAddress& address) {
  if (address.registration.acknowledged()) return address.registration.entry().peer;
  return address.former ? address.former->home_agent : node.agents.serving();
}

bool is_home_agent(const Node& node, const Address& address) {
  return address == node.agents.asked() || address == node.home_agents || node.plan.home_agents.find(address) != nullptr;
}

void plan_home_agents(Node& node) {
  std::unordered_set<Address> wanted(node.configuration.tunnel_sources.begin(), node.configuration.tunnel_sources.end());
  wanted.insert(node.agents.serving());
  for (const auto& [home_address, address] : node.managed) wanted.insert(tunnel_end_of(node, address));
  wanted.erase(Address{});
  std::vector<Address> gone;
  for (const auto& [home_agent, item] : node.plan.home_agents.items())
    if (!wanted.contains(home_agent)) gone.push_back(home_agent);
  for (const auto& home_agent : gone) node.plan.home_agents.erase(home_agent);
  for (const auto& home_agent : wanted) node.plan.home_agents.set(home_agent, {});
}

void plan_home_address(Node& node, const ManagedHomeAddress& address) {
  if (!address.carries_packets || address.leaving) return;
  const bool primary = address.home_address == node.configuration.primary_home_address;
  if (address.at_home_on) {
    node.plan.home_addresses.set(address.home_address, {.default_binding = 0, .primary = primary});
    node.plan.bindings.erase(address.binding);
    return;
  }
  const Address& home_agent = tunnel_end_of(node, address);
  if (const auto path = data_path_of(node, address); path && !home_agent.is_unspecified()) {
    node.plan.bindings.set(address.binding, {.header = forwarding::HeaderKind::Tunnel,
                                             .home_address = address.home_address,
                                             .care_of_address = path->address,
                                             .peer = home_agent,
                                             .uplink = path->interface});
  }
  node.plan.home_addresses.set(address.home_address, {.default_binding = address.binding, .primary = primary});
}

void unplan_home_address(Node& node, const ManagedHomeAddress& address) {
  node.plan.home_addresses.erase(address.home_address);
  node.plan.bindings.erase(address.binding);
}

namespace {

// nullopt: the flow's home address is gone.
std::optional<forwarding::FlowItem> item_of(const Node& node, const flow_separator::FlowEntry& flow) {
  const auto* address = node.find(flow.home_address);
  if (address == nullptr) return std::nullopt;
  const auto* registration = node.correspondents.find({flow.home_address, flow.correspondent()});
  const bool direct = registration != nullptr && registration->path;
  return forwarding::FlowItem{.id = flow.id,
                              .home_address = flow.home_address,
                              .binding = direct ? registration->binding : address->binding};
}

}  // namespace

void plan_flow(Node& node, const flow_separator::FlowEntry& flow, bool again) {
  if (flow.bypassed) return plan_bypassed_flow(node, flow, again);
  const auto item = item_of(node, flow);
  if (!item) return;
  node.plan.flows.set(flow.information.key, *item);
  if (again) node.plan.flows.repeat(flow.information.key);
}

void plan_flow_from(Node& node, const flow_separator::FlowEntry& flow, const FlowKey& key) {
  const auto item = item_of(node, flow);
  if (!item) return;
  node.plan.flows.set(key, *item);
  node.plan.flows.repeat(key);
}

void plan_care_of_addresses(Node& node) {
  std::unordered_set<Address> present;
  for (const auto& care_of : node.movement.addresses()) {
    // One of our own home addresses as care-of address would be a loop.
    if (node.managed.contains(care_of.address)) continue;
    present.insert(care_of.address);
    node.plan.care_of_addresses.set(care_of.address, {.interface = care_of.interface});
  }
  std::vector<Address> gone;
  for (const auto& [address, item] : node.plan.care_of_addresses.items())
    if (!present.contains(address)) gone.push_back(address);
  for (const auto& address : gone) node.plan.care_of_addresses.erase(address);
}

void plan_default_route(Node& node) {
  const auto& primary = node.primary();
  if (primary.at_home_on || (!primary.registration.acknowledged() && !primary.former && !node.assume_bound)) {
    node.plan.default_route.reset();
    return;
  }
  std::optional<std::uint32_t> smallest;
  for (const auto& [home_address, address] : node.managed) {
    const auto path = data_path_of(node, address);
    if (!path) continue;
    const auto* interface = node.movement.table().find(path->interface);
    if (interface == nullptr) continue;
    const auto mtu = node.path_mtu.of(*path, interface->mtu);
    smallest = smallest ? std::min(*smallest, mtu) : mtu;
  }
  // Without an uplink the route stays as it was: sockets wait for the next one.
  if (!smallest) return;
  const std::uint32_t inner = *smallest > kTunnelOverhead ? *smallest - kTunnelOverhead : 0;
  node.plan.default_route = forwarding::DefaultRoute{.preferred_source = primary.home_address,
                                                     .mtu = std::max(inner, PathMtu::kSmallest)};
}

}  // namespace mipflow::mobile_node
