// SPDX-License-Identifier: GPL-3.0-or-later
#include "targets.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "forwarding.hpp"
#include "move_sequence.hpp"

namespace mipflow::mobile_node {

using flow_separator::FlowState;

void tell_usability(Node& node, Outputs& outputs) {
  std::set<std::string> usable;
  for (const auto* interface : node.movement.table().usable()) usable.insert(interface->name);
  for (const auto& name : usable)
    if (!node.told_usable.contains(name))
      outputs.notices.push_back({Severity::Info, "interface-usable", "Interface " + name + " can carry flows."});
  for (const auto& name : node.told_usable) {
    if (usable.contains(name)) continue;
    const auto* interface = node.movement.table().find(name);
    outputs.notices.push_back({Severity::Info, "interface-lost", "Interface " + name + " can not carry flows any more: it " +
                                                                     (interface == nullptr ? "is gone" : interface->why_not()) + "."});
  }
  node.told_usable = std::move(usable);
}

FlowState state_of_flows(const ManagedHomeAddress& address) {
  if (!address.target) return FlowState::Stranded;
  if (address.at_home_on) return FlowState::Active;
  return address.registration.acknowledged() == address.target ? FlowState::Active : FlowState::Moving;
}

void set_target(Node& node, ManagedHomeAddress& address, const std::optional<CareOf>& target, const std::string& reason) {
  if (address.target != target) {
    address.target = target;
    address.waits_since = kNever;
  }
  // A copy, because changing a flow may change the set.
  const auto& ids = node.flows.flows_of(address.home_address);
  for (const auto id : std::vector<FlowId>(ids.begin(), ids.end()))
    node.flows.set_care_of_address(id, target ? target->address : Address{}, target ? target->interface : 0, reason);
  if (!target) address.registration.suspend();
}

flow_redirector::InterfaceChoice choice_for(Node& node, const ManagedHomeAddress& address) {
  const auto& table = node.movement.table();
  const InterfaceIndex current = address.target ? address.target->interface : 0;
  const auto& ids = node.flows.flows_of(address.home_address);
  const auto* leader = ids.empty() ? nullptr : node.flows.find(*ids.begin());
  if (leader == nullptr) {
    const auto& by_default = node.policy->default_class();
    return choose_interface(table, {.class_name = by_default.name,
                                    .interfaces = by_default.interfaces,
                                    .commanded = std::nullopt,
                                    .current = current});
  }
  const auto* policy_class = node.policy->find(leader->class_name);
  if (policy_class == nullptr) policy_class = &node.policy->default_class();
  return choose_interface(table, {.class_name = policy_class->name,
                                  .interfaces = policy_class->interfaces,
                                  .commanded = leader->commanded_interface,
                                  .current = current});
}

void choose_targets(Node& node, Now now, Outputs& outputs) {
  if (node.stopping) return;
  for (const auto& entry : std::vector<hoa_alloc::HomeAddressEntry>(node.home_addresses.entries())) {
    auto* address = node.find(entry.home_address);
    if (address == nullptr) continue;
    // An operator's choice ends with its interface.
    const auto& ids = node.flows.flows_of(entry.home_address);
    for (const auto id : std::vector<FlowId>(ids.begin(), ids.end())) {
      const auto commanded = node.flows.find(id)->commanded_interface;
      if (commanded && !node.movement.care_of(*commanded)) node.flows.set_commanded_interface(id, std::nullopt);
    }
    const auto choice = choice_for(node, *address);
    set_target(node, *address, node.movement.care_of(choice.interface), choice.reason);
    show_progress(node, *address, now.monotonic);
  }
  // The warm pool decides where its home addresses belong; here only whether anything can be sent from there.
  for (const auto& pooled : node.pool.addresses()) {
    const CareOf care_of{pooled.entry.care_of_address, pooled.entry.interface};
    if (auto* address = node.find(pooled.entry.home_address))
      set_target(node, *address, node.movement.still_works(care_of) ? std::optional(care_of) : std::nullopt, {});
  }
  if (const auto& path = node.primary().registration.acknowledged(); path && node.movement.still_works(*path))
    node.prefix_discovery.resume(now.monotonic);
  // Before any Binding Update: on the home link there is another one to send.
  check_returning_home(node, now, outputs);
  run_move_sequence(node, now, outputs);
}

void show_progress(Node& node, const ManagedHomeAddress& address, TimePoint now) {
  const FlowState state = state_of_flows(address);
  const auto& ids = node.flows.flows_of(address.home_address);
  for (const auto id : std::vector<FlowId>(ids.begin(), ids.end())) {
    const auto* flow = node.flows.find(id);
    if (flow->state != FlowState::Closing && flow->state != state) node.flows.set_state(id, state, now);
  }
}

}  // namespace mipflow::mobile_node
