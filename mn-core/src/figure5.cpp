// SPDX-License-Identifier: GPL-3.0-or-later
// WO 2004/057826, Figure 5: processing of an incoming packet whose flow the data path does not know.
#include "flows.hpp"
#include "forwarding.hpp"

namespace mipflow::mobile_node {

void process_incoming_packet(Node& node, const FlowPacket& packet, Now now, Outputs& outputs) {
  // Step 28: the packet's flow.
  if (const auto separated = separate(packet)) {
    const FlowKey& arrival = separated->attributes.key;
    // Decision 29: a new flow?
    if (const auto* flow = node.flows.find_arrival(arrival)) {
      plan_flow(node, *flow, true);
    } else {
      // Step 30: its home address is the packet's destination address.
      add_flow(node, separated->attributes, node.policy->classify(separated->attributes, node.time_of_day), arrival.source,
               "the correspondent node began the flow with it", true, now, outputs);
    }
  }
  // Step 31: pass it to the upper layers.
  outputs.verdicts.push_back({packet.id, VerdictKind::Accept});
}

}  // namespace mipflow::mobile_node
