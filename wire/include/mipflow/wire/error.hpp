// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace mipflow::wire {

enum class DecodeErrorKind : std::uint8_t {
  Truncated,              // the packet or header ends before its own fields do
  ChecksumWrong,          // RFC 6275 §9.2: drop silently
  UnknownMobilityType,    // RFC 6275 §9.2: drop, Binding Error status 2
  PayloadProtoWrong,      // RFC 6275 §9.2: ICMPv6 Parameter Problem code 0, pointer = offset
  HeaderLenTooSmall,      // RFC 6275 §9.2: ICMPv6 Parameter Problem code 0, pointer = offset
  OptionOverrun,          // a TLV runs past its header
  OptionLengthWrong,      // a known option with a length its definition forbids
  ServiceBodyWrong,       // agent_service.hpp: a body that ends before its own fields do, or has more than it may
  OptionMisplaced,        // e.g. octets behind the Binding Authorization Data option
  HomeAddressOptionWrong, // RFC 6275 §6.3 / §9.3.1
  RoutingHeaderWrong,     // RFC 6275 §6.4: Hdr Ext Len not 2, Segments Left not 1
  NeighborDiscoveryWrong, // RFC 4861 §6.1, §7.1
  NotIpv6,
  NotMobileIpv6,          // well formed, but nothing that this library speaks
};

// Stable lower-case name with dashes: "header-len-too-small".
const char* to_string(DecodeErrorKind kind);

// `offset` counts octets from the start of the outermost buffer handed to decode: it is the pointer of the ICMPv6
// Parameter Problem where RFC 6275 §9.2 asks for one.
struct DecodeError {
  DecodeErrorKind kind;
  std::size_t offset = 0;
  friend bool operator==(const DecodeError&, const DecodeError&) = default;
};

}  // namespace mipflow::wire
