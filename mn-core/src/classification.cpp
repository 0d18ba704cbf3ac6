// SPDX-License-Identifier: GPL-3.0-or-later
#include "flows.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::mobile_node {
namespace {

constexpr std::size_t kTcpFlagsOffset = 13;
constexpr std::uint8_t kTcpSyn = 0x02;

std::uint8_t as_set(const wire::ExtensionHeaders& headers) {
  using flow_separator::ExtensionHeader;
  std::uint8_t set = 0;
  const auto add = [&](bool there, ExtensionHeader header) {
    if (there) set = static_cast<std::uint8_t>(set | static_cast<std::uint8_t>(header));
  };
  add(headers.hop_by_hop, ExtensionHeader::HopByHop);
  add(headers.routing, ExtensionHeader::Routing);
  add(headers.fragment, ExtensionHeader::Fragment);
  add(headers.destination_options, ExtensionHeader::DestinationOptions);
  add(headers.authentication, ExtensionHeader::Authentication);
  return set;
}

}  // namespace

std::optional<SeparatedPacket> separate(const FlowPacket& packet) {
  const auto key = wire::flow_key_of(packet.packet, packet.direction == Direction::Outgoing);
  if (!key) return std::nullopt;
  const auto view = wire::parse_packet(packet.packet);
  if (!view) return std::nullopt;
  SeparatedPacket out;
  out.source_was_offered = packet.source_was_offered;
  out.waited = packet.waited;
  out.attributes = {.key = *key,
                    .dscp = static_cast<std::uint8_t>(view->traffic_class >> 2),
                    .flow_label = view->flow_label,
                    .user = packet.user,
                    .extension_headers = as_set(view->extension_headers),
                    .owner = packet.owner};
  if (key->protocol == kProtocolIcmpv6 && !view->payload.empty()) out.attributes.icmp_type = view->payload[0];
  if (key->protocol == kProtocolTcp)
    out.begins_connection =
        view->payload.size() > kTcpFlagsOffset && (view->payload[kTcpFlagsOffset] & kTcpSyn) != 0;
  return out;
}

}  // namespace mipflow::mobile_node
