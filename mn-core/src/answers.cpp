// SPDX-License-Identifier: GPL-3.0-or-later
// WO 2004/057826, Figure 5, the other way: what answers a flow that the correspondent node began is that flow.
//
// A UDP server that is bound to no address and says nothing about the source of its answers gets the primary home address
// from the kernel, whichever home address it was asked at. The data path is told of both ways to write the flow's packets:
// they are rewritten to the home address that the correspondent node knows, and counted together.
#include <algorithm>

#include "flows.hpp"
#include "forwarding.hpp"

namespace mipflow::mobile_node {
namespace {

// What the data path has room for.
constexpr std::uint32_t kFlowsPerAnswer = 8;

// The answer's key in the plan: as the flow's own, but from the primary home address.
FlowKey answer_key(const Node& node, const FlowKey& key) {
  return flow_separator::arrival_key(key, node.configuration.primary_home_address);
}

// The newest flow that a correspondent node began with one of our other home addresses and that has these ports.
const flow_separator::FlowEntry* answered_flow(const Node& node, const FlowKey& answer) {
  const flow_separator::FlowEntry* newest = nullptr;
  for (const auto& entry : node.home_addresses.entries()) {
    const auto* flow = node.flows.find_arrival(flow_separator::arrival_key(answer, entry.home_address));
    if (flow == nullptr || !flow->initiated_by_correspondent) continue;
    if (newest == nullptr || flow->id > newest->id) newest = flow;
  }
  return newest;
}

}  // namespace

bool plan_answer(Node& node, const FlowKey& answer) {
  // Only UDP: a connection of TCP or SCTP knows its own address, and an echo request is no answer to one. Only the
  // primary home address: whoever sends from another one chose it.
  if (answer.protocol != kProtocolUdp || answer.source != node.configuration.primary_home_address) return false;
  // A second key for each flow would be a second table for whoever floods us with flows.
  const auto answers = node.plan.flows.items().size() - std::min(node.plan.flows.items().size(), node.flows.size());
  if (answers >= node.configuration.flow_capacity / kFlowsPerAnswer) return false;
  const auto* flow = answered_flow(node, answer);
  if (flow == nullptr) return false;
  const auto* address = node.find(flow->home_address);
  if (address == nullptr || !address->live() || address->at_home_on) return false;
  plan_flow_from(node, *flow, answer);
  return true;
}

bool has_planned_answer(const Node& node, const flow_separator::FlowEntry& flow) {
  const FlowKey answer = answer_key(node, flow.information.key);
  if (answer == flow.information.key) return false;
  const auto* planned = node.plan.flows.find(answer);
  return planned != nullptr && planned->id == flow.id;
}

void plan_flow_again(Node& node, const flow_separator::FlowEntry& flow) {
  if (has_planned_answer(node, flow)) plan_flow_from(node, flow, answer_key(node, flow.information.key));
  plan_flow(node, flow, false);
}

void unplan_flow(Node& node, const flow_separator::FlowEntry& flow) {
  if (has_planned_answer(node, flow)) node.plan.flows.erase(answer_key(node, flow.information.key));
  node.plan.flows.erase(flow.information.key);
}

}  // namespace mipflow::mobile_node
