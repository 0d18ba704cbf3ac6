// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/echo.hpp"

#include "icmpv6_layout.hpp"
#include "mipflow/wire/checksum.hpp"
#include "mipflow/wire/constants.hpp"

namespace mipflow::wire {

Bytes build_packet(const Envelope& envelope, const Echo& echo) {
  Writer writer;
  writer.u8(echo.reply ? kIcmpv6EchoReply : kIcmpv6EchoRequest);
  writer.u8(0);
  writer.u16(0);
  writer.u16(echo.identifier);
  writer.u16(echo.sequence);
  writer.bytes(echo.data);
  const Address& source = envelope.home_address_option ? *envelope.home_address_option : envelope.source;
  const Address& destination =
      envelope.routing_header_home_address ? *envelope.routing_header_home_address : envelope.destination;
  writer.patch_u16(kIcmpv6ChecksumOffset, upper_layer_checksum(kProtocolIcmpv6, source, destination, writer.view()));
  return build_packet_around(envelope, kProtocolIcmpv6, writer.view());
}

std::optional<Echo> decode_echo(const PacketView& packet) {
  if (packet.protocol != kProtocolIcmpv6 || packet.truncated || packet.fragment_offset) return std::nullopt;
  Reader reader(packet.payload);
  const std::uint8_t type = reader.u8();
  const std::uint8_t code = reader.u8();
  reader.skip(2);
  Echo out{.reply = type == kIcmpv6EchoReply, .identifier = reader.u16(), .sequence = reader.u16()};
  if (reader.failed() || (type != kIcmpv6EchoRequest && type != kIcmpv6EchoReply) || code != 0) return std::nullopt;
  if (upper_layer_checksum(kProtocolIcmpv6, packet.logical_source(), packet.logical_destination(), packet.payload) != 0)
    return std::nullopt;
  const BytesView data = reader.rest();
  out.data.assign(data.begin(), data.end());
  return out;
}

}  // namespace mipflow::wire
