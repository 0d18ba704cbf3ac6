// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <utility>

#include "flows.hpp"
#include "move_sequence.hpp"
#include "route_optimization.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {

bool reclassify(Node& node, FlowId id, Now now, Outputs& outputs) {
  const auto& flow = *node.flows.find(id);
  const auto& policy_class = node.policy->classify(flow.information, node.time_of_day);
  if (policy_class.name == flow.class_name) return false;
  node.flows.set_class(id, policy_class.name);
  flow_got_class(node, id, now, outputs);
  return true;
}

bool needs_owner(const Node& node, const FlowPacket& packet, bool wishes) {
  const auto separated = separate(packet);
  if (!separated || node.flows.find(separated->attributes.key) != nullptr) return false;
  return wishes || node.policy->needs_owner(separated->attributes, node.time_of_day);
}

void owner_found(Node& node, const FlowOwnerFound& event, Now now, Outputs& outputs) {
  const auto* flow = node.flows.find(event.key);
  if (flow == nullptr || event.owner == nullptr) return;
  const FlowId id = flow->id;
  node.flows.set_owner(id, event.owner);
  if (!reclassify(node, id, now, outputs)) return;
  auto* address = node.find(flow->home_address);
  if (address == nullptr) return;
  choose_target(node, *address, now);
  choose_registration_target(node, {flow->home_address, flow->correspondent()}, now, outputs);
  check_returning_home(node, now, outputs);
  run_move_sequence(node, now, outputs);
}

void time_of_day_changed(Node& node, const TimeOfDay& event, Now now, Outputs& outputs) {
  const flow_separator::LocalTime time{static_cast<std::uint8_t>(event.weekday % 7), static_cast<std::uint16_t>(event.minute % 1440)};
  if (std::exchange(node.time_of_day, time) == time || !node.policy->asks_for_time()) return;
  std::vector<FlowId> ids;
  ids.reserve(node.flows.size());
  for (const auto& [id, flow] : node.flows.entries()) ids.push_back(id);
  const auto changed = std::count_if(ids.begin(), ids.end(), [&](FlowId id) { return reclassify(node, id, now, outputs); });
  if (changed > 0) choose_targets(node, now, outputs);
}

}  // namespace mipflow::mobile_node
