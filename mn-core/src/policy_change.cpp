// SPDX-License-Identifier: GPL-3.0-or-later
#include "policy_change.hpp"

#include <algorithm>
#include <utility>

#include "bypass.hpp"
#include "flows.hpp"
#include "route_optimization.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {
namespace {

using flow_separator::FlowEntry;
using flow_separator::Policy;
using flow_separator::PolicyClass;

flow_redirector::InterfaceChoice choice_under(const Node& node, const PolicyClass& policy_class, InterfaceIndex current,
                                              std::optional<InterfaceIndex> commanded, Now now) {
  return choose_interface(node.movement.table(), {.class_name = policy_class.name,
                                                  .wish = policy_class.interfaces,
                                                  .commanded = commanded,
                                                  .current = current,
                                                  .now = now.monotonic});
}

// Where the flow would go: where the one goes that decides for all that share its binding.
InterfaceIndex interface_under(const Node& node, const Policy& policy, const FlowEntry& flow, Now now) {
  const auto* leader = leader_of(node, flow);
  const auto& deciding = leader == nullptr ? flow : *leader;
  return choice_under(node, policy.classify(deciding.information, node.time_of_day), flow.interface, deciding.commanded_interface, now)
      .interface;
}

std::string note_about_home_address(const Node& node, const FlowEntry& flow, const PolicyClass& after) {
  if (flow.bypassed) return after.bypass ? "" : "keeps the interface's own address until it ends";
  if (after.bypass) return "keeps its home address until it ends";
  const auto* before = node.policy->find(flow.class_name);
  const bool same = before != nullptr && before->home_address == after.home_address && before->fixed_home_address == after.fixed_home_address;
  return same ? "" : "keeps its home address until it ends";
}

std::string names_of_usable(const Node& node) {
  std::string out;
  for (const auto* interface : node.movement.table().usable()) out += (out.empty() ? "" : ", ") + interface->name;
  return out;
}

}  // namespace

std::vector<FlowId> set_policy(Node& node, std::shared_ptr<const Policy> policy, Now now, Outputs& outputs) {
  node.policy = std::move(policy);
  std::vector<std::pair<FlowId, InterfaceIndex>> before;
  before.reserve(node.flows.size());
  for (const auto& [id, flow] : node.flows.entries()) before.emplace_back(id, flow.interface);
  for (const auto& [id, interface] : before) {
    node.flows.set_class(id, node.policy->classify(node.flows.find(id)->information, node.time_of_day).name);
    // Also when the class has the same name: it may wish something else.
    flow_got_class(node, id, now, outputs);
  }

  plan_bypassed_prefixes(node);
  keep_reserved_addresses(node, now, outputs);
  choose_targets(node, now, outputs);
  std::vector<FlowId> moved;
  for (const auto& [id, interface] : before)
    if (const auto* flow = node.flows.find(id); flow != nullptr && flow->interface != interface) moved.push_back(id);
  std::sort(moved.begin(), moved.end());
  return moved;
}

std::vector<PolicyEffect> effect_of(const Node& node, const Policy& policy, Now now) {
  std::vector<PolicyEffect> out;
  for (const auto& [id, flow] : node.flows.entries()) {
    const auto& after = policy.classify(flow.information, node.time_of_day);
    const InterfaceIndex interface = flow.bypassed ? flow.interface : interface_under(node, policy, flow, now);
    std::string note = note_about_home_address(node, flow, after);
    if (after.name == flow.class_name && interface == flow.interface && note.empty()) continue;
    out.push_back({.id = id,
                   .class_before = flow.class_name,
                   .class_after = after.name,
                   .interface_before = interface_name(node, flow.interface),
                   .interface_after = interface_name(node, interface),
                   .home_address_note = std::move(note)});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return out;
}

std::string objection_to(const Node& node, const Policy& policy, Now now) {
  const auto& primary = node.primary();
  if (!primary.target) return {};  // it is cut off already, whatever the policy says
  const auto& by_default = policy.default_class();
  const auto* leader = leader_of_home_address(node, primary.home_address);
  const auto& deciding = leader == nullptr ? by_default : policy.classify(leader->information, node.time_of_day);
  const auto commanded = leader == nullptr ? std::nullopt : leader->commanded_interface;
  const std::string usable = names_of_usable(node);
  if (choice_under(node, deciding, primary.target->interface, commanded, now).interface == 0)
    return "it would cut this host off from its home agent: class '" + deciding.name + "'" +
           (deciding.origin.empty() ? "" : " (" + deciding.origin + ")") +
           " decides about the primary home address and permits none of the usable interfaces (" + usable + ")";
  // What remains when the flows of today have ended.
  if (leader != nullptr && choice_under(node, by_default, primary.target->interface, std::nullopt, now).interface == 0)
    return "it would cut this host off from its home agent: [default]" +
           (by_default.origin.empty() ? "" : " (" + by_default.origin + ")") + " permits none of the usable interfaces (" + usable + ")";
  return {};
}

}  // namespace mipflow::mobile_node
