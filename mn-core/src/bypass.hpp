// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "mipflow/flow-separator/policy.hpp"
#include "mipflow/mn-core/events.hpp"
#include "node.hpp"

namespace mipflow::mobile_node {

// Adds a flow of a class with `bypass`. False when there is no usable interface, or the flow could not be told from another.
bool bypass(Node& node, const flow_separator::FlowAttributes& attributes, const flow_separator::PolicyClass& policy_class, Now now,
            Outputs& outputs);
// One that the data path carried already when the daemon started.
void recover_bypassed_flow(Node& node, const FlowRecovered& event, Now now, Outputs& outputs);
// Destinations that the policy leaves alone whatever sends there: the routing tables know them, so that sockets get ordinary
// addresses.
void plan_bypassed_prefixes(Node& node);
// `again`: the data path has lost it.
void plan_bypassed_flow(Node& node, const flow_separator::FlowEntry& flow, bool again);
// The flow is no longer in the Flow Mapping Table.
void bypassed_flow_ended(Node& node, const flow_separator::FlowEntry& flow);

}  // namespace mipflow::mobile_node
