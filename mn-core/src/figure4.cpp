// SPDX-License-Identifier: GPL-3.0-or-later
// WO 2004/057826, Figure 4: processing of an outgoing packet whose flow the data path does not know.
#include "flows.hpp"
#include "forwarding.hpp"

namespace mipflow::mobile_node {

void process_outgoing_packet(Node& node, const FlowPacket& packet, Now now, Outputs& outputs) {
  const auto accept = [&] { outputs.verdicts.push_back({packet.id, VerdictKind::Accept}); };

  // Step 21: the packet's flow.
  const auto separated = separate(packet);
  if (!separated) return accept();

  // Decision 22: a new flow?
  const auto* flow = node.flows.find(separated->attributes.key);
  if (flow == nullptr && plan_answer(node, separated->attributes.key)) return accept();
  if (flow == nullptr) {
    // Step 23: a home address for it.
    const Duration patience = node.held.full() ? Duration{} : node.configuration.hold_limit - separated->waited;
    switch (assign_home_address_to(node, *separated, patience, now, outputs)) {
      case Assignment::Done: break;
      case Assignment::None: return accept();
      case Assignment::WouldHelpToWait:
        node.held.hold({.id = packet.id,
                        .until = now.monotonic + patience,
                        .attributes = separated->attributes,
                        .begins_connection = separated->begins_connection,
                        .source_was_offered = separated->source_was_offered});
        return;
    }
  } else {
    // A new connection with the ports of one that has just ended.
    if (flow->state == flow_separator::FlowState::Closing && separated->begins_connection)
      node.flows.set_state(flow->id, flow_separator::FlowState::Active, now.monotonic);
    // Steps 24 and 25 are the data path's for every packet; it asks about a known flow when it has lost it.
    plan_flow(node, *flow, true);
  }
  accept();
}

}  // namespace mipflow::mobile_node
