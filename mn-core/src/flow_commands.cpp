// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <string>
#include <utility>

#include "flows.hpp"
#include "move_sequence.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {

Expected<void, CommandError> move_flow(Node& node, FlowId id, std::string_view interface_name, Now now, Outputs& outputs) {
  using Kind = CommandError::Kind;
  const auto refuse = [](Kind kind, std::string message) {
    return Unexpected{CommandError{kind, std::move(message)}};
  };
  if (node.stopping) return refuse(Kind::NotPossible, "The daemon is stopping; no flow can be moved any more.");
  const auto* flow = node.flows.find(id);
  if (flow == nullptr)
    return refuse(Kind::UnknownFlow, "There is no flow " + std::to_string(id) + "; 'mipflow flow list' shows the live ones.");
  const auto* interface = node.movement.table().find(interface_name);
  if (interface == nullptr)
    return refuse(Kind::UnknownInterface, "There is no interface '" + std::string(interface_name) +
                                              "'; 'mipflow interface list' shows the known ones.");
  const auto care_of = node.movement.care_of(interface->index);
  if (!care_of)
    return refuse(Kind::InterfaceNotUsable,
                  "Interface '" + interface->name + "' can not carry flows now: it " + interface->why_not() + ".");
  auto* address = node.find(flow->home_address);
  if (address == nullptr || address->leaving)
    return refuse(Kind::NotPossible, "Flow " + std::to_string(id) + " has no home address that could be moved.");

  for (const auto other : node.flows.moves_with(id)) node.flows.set_commanded_interface(other, interface->index);
  node.flows.set_commanded_interface(id, interface->index);
  set_target(node, *address, care_of, choice_for(node, *address).reason);
  check_returning_home(node, now, outputs);
  run_move_sequence(node, now, outputs);
  show_progress(node, *address, now.monotonic);
  return {};
}

std::vector<FlowId> set_policy(Node& node, std::shared_ptr<const flow_separator::Policy> policy, Now now, Outputs& outputs) {
  node.policy = std::move(policy);
  std::vector<std::pair<FlowId, InterfaceIndex>> before;
  before.reserve(node.flows.size());
  for (const auto& [id, flow] : node.flows.entries()) before.emplace_back(id, flow.interface);
  for (const auto& [id, interface] : before)
    node.flows.set_class(id, node.policy->classify(node.flows.find(id)->information).name);

  choose_targets(node, now, outputs);
  std::vector<FlowId> moved;
  for (const auto& [id, interface] : before)
    if (const auto* flow = node.flows.find(id); flow != nullptr && flow->interface != interface) moved.push_back(id);
  std::sort(moved.begin(), moved.end());
  return moved;
}

}  // namespace mipflow::mobile_node
