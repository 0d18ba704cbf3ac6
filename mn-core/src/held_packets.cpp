// SPDX-License-Identifier: GPL-3.0-or-later
#include "held_packets.hpp"

#include "flows.hpp"

namespace mipflow::mobile_node {
namespace {

// True when the packet need not wait any longer.
bool is_settled(Node& node, const HeldPacket& packet, Now now, Outputs& outputs) {
  if (node.flows.find(packet.attributes.key) != nullptr) return true;
  const SeparatedPacket separated{packet.attributes, packet.begins_connection, packet.source_was_offered};
  return assign_home_address_to(node, separated, packet.until - now.monotonic, now, outputs) != Assignment::WouldHelpToWait;
}

}  // namespace

void retry_held_packets(Node& node, Now now, Outputs& outputs) {
  if (node.held.empty()) return;
  for (auto& packet : node.held.take_all()) {
    if (is_settled(node, packet, now, outputs))
      outputs.verdicts.push_back({packet.id, VerdictKind::Accept});
    else
      node.held.hold(std::move(packet));
  }
}

void release_overdue_packets(Node& node, Now now, Outputs& outputs) {
  for (const auto& packet : node.held.take_due(now.monotonic)) {
    is_settled(node, packet, now, outputs);
    outputs.verdicts.push_back({packet.id, VerdictKind::Accept});
  }
}

}  // namespace mipflow::mobile_node
