// SPDX-License-Identifier: GPL-3.0-or-later
// Whole IPv6 packets: extension headers of Mobile IPv6 around an upper layer, and building the packets roles send.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/base/flow_key.hpp"
#include "mipflow/wire/error.hpp"
#include "mipflow/wire/icmpv6.hpp"
#include "mipflow/wire/mobility_header.hpp"

namespace mipflow::wire {

// Which extension headers there are, without those that Mobile IPv6 alone put there: a type 2 routing header, a Destination
// Options header with a Home Address option.
struct ExtensionHeaders {
  bool hop_by_hop = false;
  bool routing = false;
  bool fragment = false;
  bool destination_options = false;
  bool authentication = false;
  friend bool operator==(const ExtensionHeaders&, const ExtensionHeaders&) = default;
};

// A view of a packet's headers; `payload` points into the buffer that was parsed.
struct PacketView {
  Address source;             // on the wire
  Address destination;        // on the wire
  std::uint8_t hop_limit = 0;
  std::uint8_t traffic_class = 0;
  std::uint32_t flow_label = 0;
  std::optional<Address> home_address_option;           // RFC 6275 §6.3
  std::optional<Address> routing_header_home_address;   // type 2 routing header, RFC 6275 §6.4
  std::optional<std::uint16_t> fragment_offset;         // octets; set when there is a Fragment header
  bool more_fragments = false;
  ExtensionHeaders extension_headers;
  bool truncated = false;                               // the IPv6 header promises more octets than there are
  std::uint8_t protocol = 59;                           // of the upper layer
  std::size_t payload_offset = 0;                       // from the start of the IPv6 header
  // Where the Home Address option's Type octet stands (ICMPv6 pointer), when there is one.
  std::size_t home_address_option_offset = 0;
  std::uint8_t behind_home_address_option = 0;          // Next Header of the Destination Options header that holds it
  BytesView payload;

  // What the upper layer sees: with the substitutions of RFC 6275 §6.1.1.
  const Address& logical_source() const { return home_address_option ? *home_address_option : source; }
  const Address& logical_destination() const {
    return routing_header_home_address ? *routing_header_home_address : destination;
  }
};

// Walks the extension headers up to the upper layer, ESP, or the data of a later fragment. Octets behind the IPv6
// payload length (link-layer padding) are left out. Lenient about everything that is not Mobile IPv6's business, also
// about a cut packet as ICMPv6 errors quote them (`truncated`), as long as the headers themselves are whole. Refuses
//   HomeAddressOptionWrong  length not 16, a second one, or one behind a Fragment header, whose other fragments lack it
//   RoutingHeaderWrong      type 2 with Hdr Ext Len not 2 or Segments Left not 1, or a second one
//   OptionOverrun           a destination option that runs past its header: a Home Address option could hide in it
// Whether the home address is one that may be used is the role's question (RFC 6275 §9.3.1, §11.3.3).
Expected<PacketView, DecodeError> parse_packet(BytesView packet);

// Everything that signalling handlers want: the view and the decoded message.
struct SignallingPacket {
  PacketView view;
  std::variant<MobilityMessage, Icmpv6Message> message;
};
// parse_packet(), then decode_mobility_header() or decode_icmpv6(). Truncated for a cut packet, NotMobileIpv6 for other
// upper layers and for fragments: whoever hands packets to a role reassembles them first.
Expected<SignallingPacket, DecodeError> decode_packet(BytesView packet);

// Where a packet that a role builds goes, and with which headers (RFC 6275 §6.3, §6.4).
struct Envelope {
  Address source;
  Address destination;
  std::optional<Address> home_address_option = std::nullopt;          // put on a Home Address option
  std::optional<Address> routing_header_home_address = std::nullopt;  // put on a type 2 routing header
  std::uint8_t hop_limit = 64;
};
// IPv6 header, headers of the envelope, upper layer; the checksums use the substituted addresses. The overload with a
// Bytes Mobility Header takes one that was already authenticated: only its checksum is filled. Neighbour discovery
// always leaves with hop limit 255 (RFC 4861 §4). The upper layer has to fit the 16-bit payload length.
Bytes build_packet(const Envelope& envelope, const MobilityMessage& message);
Bytes build_packet(const Envelope& envelope, const Icmpv6Message& message);
Bytes build_packet_from_header(const Envelope& envelope, Bytes mobility_header);
// The same around any finished upper layer (an ICMPv6 message whose checksum is already right).
Bytes build_packet_around(const Envelope& envelope, std::uint8_t protocol, BytesView upper_layer);

// An ICMPv6 error message about `invoking_packet`, of which it quotes as much as fits 1280 octets (RFC 4443 §2.4 (c)).
Bytes build_icmpv6_error(const Address& source, const Address& destination, std::uint8_t type, std::uint8_t code,
                         std::uint32_t parameter, BytesView invoking_packet);

// IPv6-in-IPv6, RFC 2473 §3 without options; traffic class 0, flow label 0, hop limit 64.
Bytes encapsulate(BytesView inner, const Address& source, const Address& destination);

// What tells the flow of a packet: ports, or the identifier of ICMPv6 echo. `outgoing` says that source is the local
// side; otherwise source and destination change places, so that both directions give the same key.
// A packet cut behind its ports will do; the addresses are those the upper layer sees (Home Address option, type 2
// routing header).
// nullopt for packets that belong to no flow: not IPv6, multicast, unspecified or link-local on either side; and for
// packets whose flow can not be told: cut before the ports, malformed headers, fragments behind the first.
std::optional<FlowKey> flow_key_of(BytesView packet, bool outgoing);

}  // namespace mipflow::wire
