// SPDX-License-Identifier: GPL-3.0-or-later
// WO 2004/057826: "when a flow finishes (either by an explicit flow end notification, or by a timeout) a check is
// performed to verify if the associated Home Address is being used by another flow".
#include <vector>

#include "bypass.hpp"
#include "flows.hpp"
#include "home_addresses.hpp"
#include "interface_quality.hpp"
#include "route_optimization.hpp"
#include "socket_addresses.hpp"

namespace mipflow::mobile_node {

void handle_activities(Node& node, const FlowActivities& event, Now now, Outputs& outputs) {
  for (const auto& activity : event.flows) {
    const auto* flow = node.flows.find(activity.key);
    if (flow == nullptr) continue;
    const auto before = flow->counters;
    count_traffic(node, *flow, before, activity, now.monotonic);
    node.moves.report(flow->id, activity);
    node.flows.set_activity(flow->id,
                            {.packets_out = activity.packets_out,
                             .bytes_out = activity.bytes_out,
                             .packets_in = activity.packets_in,
                             .bytes_in = activity.bytes_in,
                             .retransmissions_out = activity.retransmissions_out,
                             .retransmissions_in = activity.retransmissions_in},
                            now.monotonic - activity.idle);
    flow_was_active(node, flow->id, before, now, outputs);
    if (activity.closed && flow->state != flow_separator::FlowState::Closing)
      node.flows.set_state(flow->id, flow_separator::FlowState::Closing, now.monotonic);
  }
}

void expire_flows(Node& node, Now now, Outputs& outputs) {
  for (const auto& flow : node.flows.expire(now.monotonic)) flow_ended(node, flow, now, outputs);
}

void end_flows_of(Node& node, const Address& home_address, Now now, Outputs& outputs) {
  const auto& ids = node.flows.flows_of(home_address);
  for (const auto id : std::vector<FlowId>(ids.begin(), ids.end())) {
    const auto flow = node.flows.erase(id);
    if (!flow) continue;
    node.moves.ended(id);
    node.commanded_moves.ended(id);
    unplan_flow(node, *flow);
    flow_went(node, *flow, now);
    node.home_addresses.flow_removed(home_address, flow->correspondent(), flow->binding_holder);
    plan_home_address_user(node, home_address, flow->correspondent());
    socket_source_left(node, *flow, now, outputs);
    outputs.notices.push_back({Severity::Warning, "flow-lost",
                               "Flow " + std::to_string(id) + " to " + to_string(flow->correspondent()) +
                                   " lost its home address " + to_string(home_address) + " and can not go on."});
  }
}

void flow_ended(Node& node, const flow_separator::FlowEntry& flow, Now now, Outputs& outputs) {
  node.moves.ended(flow.id);
  node.commanded_moves.ended(flow.id);
  unplan_flow(node, flow);
  socket_source_left(node, flow, now, outputs);
  if (flow.bypassed) return bypassed_flow_ended(node, flow);
  flow_went(node, flow, now);
  node.home_addresses.flow_removed(flow.home_address, flow.correspondent(), flow.binding_holder);
  plan_home_address_user(node, flow.home_address, flow.correspondent());
  leave_home_address(node, flow.home_address, now, outputs);
}

void leave_home_address(Node& node, const Address& home_address, Now now, Outputs& outputs) {
  if (!node.home_addresses.removable(home_address) || node.reserved.contains(home_address) || node.pinned.contains(home_address) ||
      node.socket_sources.contains(home_address))
    return;

  std::erase_if(node.of_class, [&](const auto& item) { return item.second == home_address; });
  const auto entry = *node.home_addresses.find(home_address);
  node.home_addresses.remove(home_address);
  auto* address = node.find(home_address);
  if (address == nullptr) return;
  node.upkeep_due = now.monotonic;
  const bool fit = address->registration.is_bound_where_wanted() && address->preferred_until > now.monotonic;
  if (!fit || !node.pool.adopt(entry, now.monotonic)) free_home_address(node, *address, now, outputs);
}

}  // namespace mipflow::mobile_node
