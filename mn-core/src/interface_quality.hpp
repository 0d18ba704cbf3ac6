// SPDX-License-Identifier: GPL-3.0-or-later
// What is known of the interfaces beyond up and down: measured (reachability.hpp), and said by the operator.
#pragma once

#include "mipflow/base/role.hpp"
#include "mipflow/flow-separator/flow_mapping_table.hpp"
#include "mipflow/mn-core/events.hpp"
#include "node.hpp"

namespace mipflow::mobile_node {

// Has those interfaces measured that can carry flows now, and takes what is known into the interface table; tells the
// operator when an interface reaches the home agent no more, or again. True when flows may have to go elsewhere.
bool update_interface_quality(Node& node, Now now, Outputs& outputs);

// What passed of a flow since `before`.
void count_traffic(Node& node, const flow_separator::FlowEntry& flow, const flow_separator::FlowCounters& before,
                   const FlowActivity& activity, TimePoint now);

}  // namespace mipflow::mobile_node
