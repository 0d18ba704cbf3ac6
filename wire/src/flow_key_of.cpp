// SPDX-License-Identifier: GPL-3.0-or-later
#include <utility>

#include "extension_headers.hpp"
#include "mipflow/wire/constants.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::wire {

namespace {

struct Ports {
  std::uint16_t source = 0;
  std::uint16_t destination = 0;
};

// nullopt when the packet ends before them.
std::optional<Ports> read_ports(std::uint8_t protocol, Reader& reader) {
  Ports ports;
  switch (protocol) {
    case kProtocolTcp:
    case kProtocolUdp:
    case kProtocolSctp:
      ports.source = reader.u16();
      ports.destination = reader.u16();
      break;
    case kProtocolIcmpv6: {
      const std::uint8_t type = reader.u8();
      if (type != kIcmpv6EchoRequest && type != kIcmpv6EchoReply) break;
      reader.skip(3);  // Code and Checksum
      ports.source = ports.destination = reader.u16();
      break;
    }
    default: break;
  }
  if (reader.failed()) return std::nullopt;
  return ports;
}

// An address that one end of a flow through the home agent can have.
bool can_be_in_a_flow(const Address& address) {
  return !address.is_multicast() && !address.is_link_local() && !address.is_unspecified();
}

}  // namespace

std::optional<FlowKey> flow_key_of(BytesView packet, bool outgoing) {
  PacketView view;
  Reader reader(packet);
  // What the queue hands over is cut, and its payload length is 0 for segments that the network card will cut up, so the
  // buffer's end is the only end that counts.
  std::size_t payload_length = 0;
  if (read_ipv6_header(reader, view, payload_length)) return std::nullopt;
  if (walk_extension_headers(reader, view)) return std::nullopt;
  if (view.fragment_offset.value_or(0) != 0) return std::nullopt;
  const auto ports = read_ports(view.protocol, reader);
  if (!ports) return std::nullopt;

  FlowKey key{view.logical_source(), view.logical_destination(), ports->source, ports->destination, view.protocol};
  if (!can_be_in_a_flow(key.source) || !can_be_in_a_flow(key.correspondent)) return std::nullopt;
  if (!outgoing) {
    std::swap(key.source, key.correspondent);
    std::swap(key.source_port, key.correspondent_port);
  }
  return key;
}

}  // namespace mipflow::wire
