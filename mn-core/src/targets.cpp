// SPDX-License-Identifier: GPL-3.0-or-later
#include "targets.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "forwarding.hpp"
#include "move_sequence.hpp"
#include "route_optimization.hpp"

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

const flow_separator::PolicyClass& class_of(const Node& node, const flow_separator::FlowEntry& flow) {
  const auto* policy_class = node.policy->find(flow.class_name);
  return policy_class == nullptr ? node.policy->default_class() : *policy_class;
}

FlowState state_of_flow(const Node& node, const flow_separator::FlowEntry& flow, const ManagedHomeAddress& address) {
  if (flow.binding_holder != node.home_agents) {
    const auto* registration = node.correspondents.find({flow.home_address, flow.correspondent()});
    if (registration != nullptr) {
      if (!registration->target) return FlowState::Stranded;
      return registration->entry.acknowledged == registration->target ? FlowState::Active : FlowState::Moving;
    }
  }
  if (!address.target) return FlowState::Stranded;
  if (address.at_home_on) return FlowState::Active;
  return address.registration.acknowledged() == address.target ? FlowState::Active : FlowState::Moving;
}

void take_to(Node& node, FlowId id, const CareOf& care_of, const std::string& reason) {
  const auto& flow = *node.flows.find(id);
  if (flow.interface != care_of.interface && flow.interface != 0 && care_of.interface != 0)
    node.moves.moved(flow, interface_name(node, flow.interface), interface_name(node, care_of.interface),
                     !node.movement.care_of(flow.interface));
  node.flows.set_care_of_address(id, care_of.address, care_of.interface, reason);
}

void set_target(Node& node, ManagedHomeAddress& address, const std::optional<CareOf>& target, const std::string& reason) {
  // No Binding Update would follow, and flows would be said to be where nothing carries them.
  if (node.stopping) return;
  if (address.target != target) {
    address.target = target;
    address.waits_since = kNever;
  }
  // A copy, because changing a flow may change the set.
  const auto& ids = node.flows.flows_of(address.home_address);
  for (const auto id : std::vector<FlowId>(ids.begin(), ids.end())) {
    // The others go where their correspondent node sends them.
    if (node.flows.find(id)->binding_holder != node.home_agents) continue;
    take_to(node, id, target.value_or(CareOf{}), reason);
  }
  if (!target) address.registration.suspend();
}

const flow_separator::FlowEntry* leader_of_home_address(const Node& node, const Address& home_address) {
  const auto& ids = node.flows.flows_of(home_address);
  if (ids.empty()) return nullptr;
  if (node.home_addresses.flows_with_holder(home_address, node.home_agents) > 0)
    for (const auto id : ids)
      if (const auto* flow = node.flows.find(id); flow->binding_holder == node.home_agents) return flow;
  return node.flows.find(*ids.begin());
}

const flow_separator::FlowEntry* leader_of(const Node& node, const flow_separator::FlowEntry& flow) {
  if (flow.binding_holder == node.home_agents) return leader_of_home_address(node, flow.home_address);
  const auto* registration = node.correspondents.find({flow.home_address, flow.correspondent()});
  return registration == nullptr || registration->flows.empty() ? nullptr : node.flows.find(registration->flows.begin()->first);
}

flow_redirector::InterfaceChoice choose_and_look_again(Node& node, const flow_redirector::ChoiceRequest& request) {
  auto choice = choose_interface(node.movement.table(), request);
  node.choose_again_at = std::min(node.choose_again_at, choice.look_again_at);
  return choice;
}

flow_redirector::InterfaceChoice choice_for(Node& node, const ManagedHomeAddress& address, Now now) {
  const InterfaceIndex current = address.target ? address.target->interface : 0;
  const auto* leader = leader_of_home_address(node, address.home_address);
  if (leader == nullptr) {
    const auto& classes = node.policy->classes();
    const auto owner = std::find_if(classes.begin(), classes.end(),
                                    [&](const auto& each) { return each.fixed_home_address == address.home_address; });
    const auto& by_default = owner != classes.end() ? *owner : node.policy->default_class();
    return choose_and_look_again(node, {.class_name = by_default.name,
                                        .wish = by_default.interfaces,
                                        .current = current,
                                        .now = now.monotonic});
  }
  const auto& policy_class = class_of(node, *leader);
  return choose_and_look_again(node, {.class_name = policy_class.name,
                                      .wish = policy_class.interfaces,
                                      .commanded = leader->commanded_interface,
                                      .current = current,
                                      .now = now.monotonic});
}

void choose_targets(Node& node, Now now, Outputs& outputs) {
  if (node.stopping) return;
  node.choose_again_at = kNever;
  for (const auto& entry : std::vector<hoa_alloc::HomeAddressEntry>(node.home_addresses.entries())) {
    auto* address = node.find(entry.home_address);
    if (address == nullptr) continue;
    // An operator's choice ends with its interface.
    const auto& ids = node.flows.flows_of(entry.home_address);
    for (const auto id : std::vector<FlowId>(ids.begin(), ids.end())) {
      const auto commanded = node.flows.find(id)->commanded_interface;
      if (commanded && !node.movement.care_of(*commanded)) node.flows.set_commanded_interface(id, std::nullopt);
    }
    choose_target(node, *address, now);
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
  choose_registration_targets(node, now, outputs);
}

void choose_target(Node& node, ManagedHomeAddress& address, Now now) {
  const auto choice = choice_for(node, address, now);
  set_target(node, address, node.movement.care_of(choice.interface), choice.reason);
  show_progress(node, address, now.monotonic);
}

void show_progress(Node& node, const ManagedHomeAddress& address, TimePoint now) {
  const auto& ids = node.flows.flows_of(address.home_address);
  for (const auto id : std::vector<FlowId>(ids.begin(), ids.end())) {
    const auto* flow = node.flows.find(id);
    const FlowState state = state_of_flow(node, *flow, address);
    if (flow->state != FlowState::Closing && flow->state != state) node.flows.set_state(id, state, now);
  }
}

}  // namespace mipflow::mobile_node
