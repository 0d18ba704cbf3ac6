// SPDX-License-Identifier: GPL-3.0-or-later
// Flows that the policy leaves alone although their socket has a home address: they leave with the interface's own address,
// as if this host were no mobile node. They can not move, and end with their interface.
#include "bypass.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "flows.hpp"
#include "forwarding.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {
namespace {

void plan(Node& node, const flow_separator::FlowEntry& flow) {
  const CareOf care_of{flow.home_address, flow.interface};
  auto& binding = node.plain_bindings[care_of];
  if (binding == 0) binding = ++node.last_binding;
  node.plan.bindings.set(binding, {.header = forwarding::HeaderKind::Plain,
                                   .home_address = care_of.address,
                                   .care_of_address = care_of.address,
                                   .peer = {},
                                   .uplink = care_of.interface});
  node.plan.flows.set(flow.information.key, {.id = flow.id, .home_address = care_of.address, .binding = binding});
}

bool insert(Node& node, const flow_separator::FlowAttributes& attributes, const CareOf& care_of, std::string class_name, Now now,
            Outputs& outputs) {
  flow_separator::FlowEntry flow;
  flow.information = attributes;
  flow.home_address = care_of.address;
  flow.home_address_reason = "the interface's own address, as policy class '" + class_name + "' bypasses mipflow";
  flow.care_of_address = care_of.address;
  flow.interface = care_of.interface;
  flow.interface_reason = "policy class '" + class_name + "' bypasses mipflow";
  flow.class_name = std::move(class_name);
  flow.bypassed = true;
  const auto inserted = node.flows.insert(std::move(flow), now.monotonic);
  if (!inserted) return false;
  if (inserted->evicted) flow_ended(node, *inserted->evicted, now, outputs);
  plan(node, *node.flows.find(inserted->id));
  return true;
}

}  // namespace

bool bypass(Node& node, const flow_separator::FlowAttributes& attributes, const flow_separator::PolicyClass& policy_class, Now now,
            Outputs& outputs) {
  const auto usable = node.movement.usable();
  if (usable.empty()) return false;
  return insert(node, attributes, usable.front(), policy_class.name, now, outputs);
}

void recover_bypassed_flow(Node& node, const FlowRecovered& event, Now now, Outputs& outputs) {
  insert(node, {.key = event.key}, {event.home_address, event.bypassed_on}, node.policy->classify({.key = event.key}, node.time_of_day).name,
         now, outputs);
}

void plan_bypassed_flow(Node& node, const flow_separator::FlowEntry& flow, bool again) {
  plan(node, flow);
  if (again) node.plan.flows.repeat(flow.information.key);
}

void plan_bypassed_prefixes(Node& node) {
  const auto wanted = node.policy->bypassed_prefixes();
  std::vector<Prefix> gone;
  for (const auto& [prefix, present] : node.plan.bypassed_prefixes.items())
    if (std::find(wanted.begin(), wanted.end(), prefix) == wanted.end()) gone.push_back(prefix);
  for (const auto& prefix : gone) node.plan.bypassed_prefixes.erase(prefix);
  for (const auto& prefix : wanted) node.plan.bypassed_prefixes.set(prefix, {});
}

void bypassed_flow_ended(Node& node, const flow_separator::FlowEntry& flow) {
  const CareOf care_of{flow.home_address, flow.interface};
  const auto binding = node.plain_bindings.find(care_of);
  if (binding == node.plain_bindings.end()) return;
  for (const auto id : node.flows.flows_of(care_of.address))
    if (node.flows.find(id)->interface == care_of.interface) return;
  node.plan.bindings.erase(binding->second);
  node.plain_bindings.erase(binding);
}

}  // namespace mipflow::mobile_node
