// SPDX-License-Identifier: GPL-3.0-or-later
// WO 2004/057826: "when a flow finishes (either by an explicit flow end notification, or by a timeout) a check is
// performed to verify if the associated Home Address is being used by another flow".
#include <vector>

#include "flows.hpp"
#include "home_addresses.hpp"

namespace mipflow::mobile_node {

void handle_activities(Node& node, const FlowActivities& event, Now now) {
  for (const auto& activity : event.flows) {
    const auto* flow = node.flows.find(activity.key);
    if (flow == nullptr) continue;
    node.flows.set_activity(flow->id,
                            {.packets_out = activity.packets_out,
                             .bytes_out = activity.bytes_out,
                             .packets_in = activity.packets_in,
                             .bytes_in = activity.bytes_in},
                            now.monotonic - activity.idle);
    if (activity.closed && flow->state != flow_separator::FlowState::Closing)
      node.flows.set_state(flow->id, flow_separator::FlowState::Closing, now.monotonic);
  }
}

void expire_flows(Node& node, Now now, Outputs& outputs) {
  for (const auto& flow : node.flows.expire(now.monotonic)) flow_ended(node, flow, now, outputs);
}

void end_flows_of(Node& node, const Address& home_address, Outputs& outputs) {
  const auto& ids = node.flows.flows_of(home_address);
  for (const auto id : std::vector<FlowId>(ids.begin(), ids.end())) {
    const auto flow = node.flows.erase(id);
    if (!flow) continue;
    unplan_flow(node, *flow);
    node.home_addresses.flow_removed(home_address, flow->correspondent(), flow->binding_holder);
    outputs.notices.push_back({Severity::Warning, "flow-lost",
                               "Flow " + std::to_string(id) + " to " + to_string(flow->correspondent()) +
                                   " lost its home address " + to_string(home_address) + " and can not go on."});
  }
}

void flow_ended(Node& node, const flow_separator::FlowEntry& flow, Now now, Outputs& outputs) {
  unplan_flow(node, flow);
  node.home_addresses.flow_removed(flow.home_address, flow.correspondent(), flow.binding_holder);
  if (!node.home_addresses.removable(flow.home_address)) return;

  const auto entry = *node.home_addresses.find(flow.home_address);
  node.home_addresses.remove(flow.home_address);
  auto* address = node.find(flow.home_address);
  if (address == nullptr) return;
  node.upkeep_due = now.monotonic;
  const bool fit = address->registration.is_bound_where_wanted() && address->preferred_until > now.monotonic;
  if (!fit || !node.pool.adopt(entry)) free_home_address(node, *address, now, outputs);
}

}  // namespace mipflow::mobile_node
