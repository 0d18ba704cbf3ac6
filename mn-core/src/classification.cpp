// SPDX-License-Identifier: GPL-3.0-or-later
#include "flows.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::mobile_node {
namespace {

constexpr std::size_t kTcpFlagsOffset = 13;
constexpr std::uint8_t kTcpSyn = 0x02;

}  // namespace

std::optional<SeparatedPacket> separate(const FlowPacket& packet) {
  const auto key = wire::flow_key_of(packet.packet, packet.direction == Direction::Outgoing);
  if (!key) return std::nullopt;
  const auto view = wire::parse_packet(packet.packet);
  if (!view) return std::nullopt;
  SeparatedPacket out;
  out.attributes = {.key = *key,
                    .dscp = static_cast<std::uint8_t>(view->traffic_class >> 2),
                    .flow_label = view->flow_label,
                    .user = packet.user};
  if (key->protocol == kProtocolTcp)
    out.begins_connection =
        view->payload.size() > kTcpFlagsOffset && (view->payload[kTcpFlagsOffset] & kTcpSyn) != 0;
  return out;
}

}  // namespace mipflow::mobile_node
