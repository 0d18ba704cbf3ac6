// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cassert>

#include "extension_headers.hpp"
#include "icmpv6_layout.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::wire {

namespace {

constexpr std::uint8_t kDefaultHopLimit = 64;

void ipv6_header(Writer& writer, std::size_t payload_length, std::uint8_t next_header, std::uint8_t hop_limit,
                 const Address& source, const Address& destination) {
  assert(payload_length <= 0xffff);
  writer.u32(6u << 28);
  writer.u16(static_cast<std::uint16_t>(payload_length));
  writer.u8(next_header);
  writer.u8(hop_limit);
  writer.address(source);
  writer.address(destination);
}

// What checksums see in the place of the two addresses (RFC 6275 §6.1.1).
const Address& logical_source(const Envelope& envelope) {
  return envelope.home_address_option ? *envelope.home_address_option : envelope.source;
}
const Address& logical_destination(const Envelope& envelope) {
  return envelope.routing_header_home_address ? *envelope.routing_header_home_address : envelope.destination;
}

bool is_neighbor_discovery(const Icmpv6Message& message) {
  return std::holds_alternative<NeighborSolicitation>(message) ||
         std::holds_alternative<NeighborAdvertisement>(message) ||
         std::holds_alternative<RouterAdvertisement>(message);
}

}  // namespace

Bytes build_packet_around(const Envelope& envelope, std::uint8_t protocol, BytesView upper_layer) {
  // RFC 6275 §6.3: the routing header first, then the Home Address option. Both headers are written innermost first in
  // terms of Next Header, so the numbers are found before anything is written.
  const std::uint8_t behind_routing = envelope.home_address_option ? kDestinationOptions : protocol;
  const std::uint8_t first = envelope.routing_header_home_address ? kRoutingHeader : behind_routing;
  const std::size_t extensions =
      (envelope.routing_header_home_address ? 24u : 0u) + (envelope.home_address_option ? 24u : 0u);

  Writer writer;
  ipv6_header(writer, extensions + upper_layer.size(), first, envelope.hop_limit, envelope.source, envelope.destination);
  if (envelope.routing_header_home_address) {
    writer.u8(behind_routing);
    writer.u8(2);   // Hdr Ext Len
    writer.u8(2);   // Routing Type
    writer.u8(1);   // Segments Left
    writer.u32(0);
    writer.address(*envelope.routing_header_home_address);
  }
  if (envelope.home_address_option) {
    writer.u8(protocol);
    writer.u8(2);           // Hdr Ext Len
    writer.u32(0x01020000); // PadN: the option's alignment is 8n+6
    writer.u8(kHomeAddressOption);
    writer.u8(16);
    writer.address(*envelope.home_address_option);
  }
  writer.bytes(upper_layer);
  return writer.take();
}

Bytes build_packet_from_header(const Envelope& envelope, Bytes mobility_header) {
  fill_checksum(mobility_header, logical_source(envelope), logical_destination(envelope));
  return build_packet_around(envelope, kProtocolMobilityHeader, mobility_header);
}

Bytes build_packet(const Envelope& envelope, const MobilityMessage& message) {
  return build_packet_from_header(envelope, encode(message));
}

Bytes build_packet(const Envelope& envelope, const Icmpv6Message& message) {
  Envelope finished = envelope;
  if (is_neighbor_discovery(message)) finished.hop_limit = kNeighborDiscoveryHopLimit;
  return build_packet_around(finished, kProtocolIcmpv6,
                             encode(message, logical_source(envelope), logical_destination(envelope)));
}

Bytes build_icmpv6_error(const Address& source, const Address& destination, std::uint8_t type, std::uint8_t code,
                         std::uint32_t parameter, BytesView invoking_packet) {
  constexpr std::size_t kMinimumMtu = 1280;
  constexpr std::size_t kHeaders = 40 + 8;  // IPv6, ICMPv6
  const BytesView quoted = invoking_packet.first(std::min(invoking_packet.size(), kMinimumMtu - kHeaders));
  return build_packet({source, destination}, Icmpv6Error{type, code, parameter, Bytes(quoted.begin(), quoted.end())});
}

Bytes encapsulate(BytesView inner, const Address& source, const Address& destination) {
  Writer writer;
  ipv6_header(writer, inner.size(), kProtocolIpv6, kDefaultHopLimit, source, destination);
  writer.bytes(inner);
  return writer.take();
}

}  // namespace mipflow::wire
