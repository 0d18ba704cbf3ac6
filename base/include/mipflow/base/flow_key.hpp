// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "mipflow/base/address.hpp"

namespace mipflow {

// Upper-layer protocol numbers that a flow key knows ports for.
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolIpv6 = 41;
inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::uint8_t kProtocolIcmpv6 = 58;
inline constexpr std::uint8_t kProtocolSctp = 132;
inline constexpr std::uint8_t kProtocolMobilityHeader = 135;

// What tells one data flow from another, seen from the mobile node's sockets: `source` is the local address as the
// socket built the packet, before the data path rewrites it to the flow's home address.
//   TCP, UDP, SCTP: the ports.   ICMPv6 echo: both ports hold the identifier.   Anything else: both ports are 0.
struct FlowKey {
  Address source;
  Address correspondent;
  std::uint16_t source_port = 0;
  std::uint16_t correspondent_port = 0;
  std::uint8_t protocol = 0;

  friend auto operator<=>(const FlowKey&, const FlowKey&) = default;
};

// Identifies a flow for the operator and in the Flow Mapping Table; counted up from 1 and never reused while the
// daemon runs. 0 means "none".
using FlowId = std::uint64_t;

}  // namespace mipflow

template <>
struct std::hash<mipflow::FlowKey> {
  std::size_t operator()(const mipflow::FlowKey& key) const noexcept;
};
