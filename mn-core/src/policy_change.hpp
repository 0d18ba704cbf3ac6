// SPDX-License-Identifier: GPL-3.0-or-later
// Another policy for a node with live flows, see MobileNode.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mipflow/flow-separator/policy.hpp"
#include "mipflow/mn-core/snapshot.hpp"
#include "node.hpp"

namespace mipflow::mobile_node {

std::vector<FlowId> set_policy(Node& node, std::shared_ptr<const flow_separator::Policy> policy, Now now, Outputs& outputs);
std::vector<PolicyEffect> effect_of(const Node& node, const flow_separator::Policy& policy, Now now);
std::string objection_to(const Node& node, const flow_separator::Policy& policy, Now now);

}  // namespace mipflow::mobile_node
