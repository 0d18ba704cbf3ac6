// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/simulator/datagram.hpp"

#include "mipflow/base/flow_key.hpp"
#include "mipflow/wire/checksum.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::simulation {

namespace {

constexpr std::size_t kLength = 8 + 4;  // UDP header, number
constexpr std::size_t kChecksumOffset = 6;

}  // namespace

Bytes encode(const Datagram& datagram) {
  Writer writer;
  writer.u16(datagram.source_port);
  writer.u16(datagram.destination_port);
  writer.u16(kLength);
  writer.u16(0);
  writer.u32(datagram.number);
  const std::uint16_t checksum =
      wire::upper_layer_checksum(kProtocolUdp, datagram.source, datagram.destination, writer.view());
  writer.patch_u16(kChecksumOffset, checksum == 0 ? std::uint16_t{0xffff} : checksum);
  return wire::build_packet_around({.source = datagram.source, .destination = datagram.destination}, kProtocolUdp,
                                   writer.view());
}

std::optional<Datagram> decode_datagram(BytesView packet) {
  const auto view = wire::parse_packet(packet);
  if (!view || view->protocol != kProtocolUdp || view->payload.size() != kLength) return std::nullopt;
  if (wire::upper_layer_checksum(kProtocolUdp, view->logical_source(), view->logical_destination(), view->payload) != 0)
    return std::nullopt;
  Reader reader(view->payload);
  Datagram out{.source = view->logical_source(), .destination = view->logical_destination()};
  out.source_port = reader.u16();
  out.destination_port = reader.u16();
  reader.skip(4);
  out.number = reader.u32();
  return out;
}

std::optional<Bytes> readdressed(BytesView packet, const Address& source, const Address& destination) {
  auto datagram = decode_datagram(packet);
  if (!datagram) return std::nullopt;
  datagram->source = source;
  datagram->destination = destination;
  return encode(*datagram);
}

}  // namespace mipflow::simulation
