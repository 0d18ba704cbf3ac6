// SPDX-License-Identifier: GPL-3.0-or-later
#include "forwarding.hpp"

#include <algorithm>
#include <unordered_set>

namespace mipflow::mobile_node {

std::optional<CareOf> data_path_of(const Node& node, const ManagedHomeAddress& address) {
  const auto& acknowledged = address.registration.acknowledged();
  if (acknowledged && node.movement.still_works(*acknowledged)) return acknowledged;
  if (address.target) return address.target;
  return acknowledged;
}

void plan_home_address(Node& node, const ManagedHomeAddress& address) {
  if (!address.carries_packets || address.leaving) return;
  const bool primary = address.home_address == node.configuration.primary_home_address;
  if (address.at_home_on) {
    node.plan.home_addresses.set(address.home_address, {.default_binding = 0, .primary = primary});
    node.plan.bindings.erase(address.binding);
    return;
  }
  if (const auto path = data_path_of(node, address)) {
    node.plan.bindings.set(address.binding, {.header = forwarding::HeaderKind::Tunnel,
                                             .home_address = address.home_address,
                                             .care_of_address = path->address,
                                             .peer = node.configuration.home_agent,
                                             .uplink = path->interface});
  }
  node.plan.home_addresses.set(address.home_address, {.default_binding = address.binding, .primary = primary});
}

void unplan_home_address(Node& node, const ManagedHomeAddress& address) {
  node.plan.home_addresses.erase(address.home_address);
  node.plan.bindings.erase(address.binding);
}

void plan_flow(Node& node, const flow_separator::FlowEntry& flow, bool again) {
  const auto* address = node.find(flow.home_address);
  if (address == nullptr) return;
  node.plan.flows.set(flow.information.key,
                      {.id = flow.id, .home_address = flow.home_address, .binding = address->binding});
  if (again) node.plan.flows.repeat(flow.information.key);
}

void plan_flow_from(Node& node, const flow_separator::FlowEntry& flow, const FlowKey& key) {
  const auto* address = node.find(flow.home_address);
  if (address == nullptr) return;
  node.plan.flows.set(key, {.id = flow.id, .home_address = flow.home_address, .binding = address->binding});
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
  if (primary.at_home_on || (!primary.registration.acknowledged() && !node.assume_bound)) {
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
