// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/udp.hpp"

#include "mipflow/base/flow_key.hpp"
#include "mipflow/wire/checksum.hpp"

namespace mipflow::wire {

Bytes build_udp_packet(const Envelope& envelope, std::uint16_t source_port, std::uint16_t destination_port, BytesView payload) {
  constexpr std::size_t kUdpHeaderLength = 8;
  Writer datagram;
  datagram.u16(source_port);
  datagram.u16(destination_port);
  datagram.u16(static_cast<std::uint16_t>(kUdpHeaderLength + payload.size()));
  const std::size_t checksum_offset = datagram.size();
  datagram.u16(0);
  datagram.bytes(payload);
  // What checksums see in the place of the two addresses: RFC 6275 §6.1.1.
  const std::uint16_t checksum =
      upper_layer_checksum(kProtocolUdp, envelope.home_address_option.value_or(envelope.source),
                           envelope.routing_header_home_address.value_or(envelope.destination), datagram.view());
  datagram.patch_u16(checksum_offset, checksum == 0 ? std::uint16_t{0xffff} : checksum);  // RFC 8200 §8.1
  return build_packet_around(envelope, kProtocolUdp, datagram.view());
}

}  // namespace mipflow::wire
