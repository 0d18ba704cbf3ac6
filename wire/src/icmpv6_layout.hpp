// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of ICMPv6's layout that encoder, decoder and authentication share.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mipflow::wire {

inline constexpr std::size_t kIcmpv6CodeOffset = 1;
inline constexpr std::size_t kIcmpv6ChecksumOffset = 2;
// RFC 4861 §6.1, §7.1: shows that the packet was not forwarded.
inline constexpr std::uint8_t kNeighborDiscoveryHopLimit = 255;

// Option types of RFC 4861 §4.6 and RFC 6275 §7.3, §7.4; 253 is RFC 4727's for experiments.
inline constexpr std::uint8_t kSourceLinkLayerAddressOption = 1;
inline constexpr std::uint8_t kTargetLinkLayerAddressOption = 2;
inline constexpr std::uint8_t kPrefixInformationOption = 3;
inline constexpr std::uint8_t kAdvertisementIntervalOption = 7;
inline constexpr std::uint8_t kHomeAgentInformationOption = 8;
inline constexpr std::uint8_t kPrefixAuthenticationOption = 253;

// Lengths in units of eight octets, as the Length octet of the option has them.
inline constexpr std::uint8_t kPrefixInformationLength = 4;
inline constexpr std::uint8_t kPrefixAuthenticationLength = 4;

inline constexpr std::uint8_t kPrefixAuthenticationVersion = 1;

// Prefix Information flags: L and A of RFC 4861 §4.6.2, R of RFC 6275 §7.2.
inline constexpr std::uint8_t kPrefixOnLink = 0x80;
inline constexpr std::uint8_t kPrefixAutonomous = 0x40;
inline constexpr std::uint8_t kPrefixRouterAddress = 0x20;

// Router Advertisement flags (RFC 4861 §4.2, H: RFC 6275 §7.1); M and O stand at the same bits of the first flags octet
// of a Mobile Prefix Advertisement (RFC 6275 §6.8).
inline constexpr std::uint8_t kAdvertisementManaged = 0x80;
inline constexpr std::uint8_t kAdvertisementOther = 0x40;
inline constexpr std::uint8_t kAdvertisementHomeAgent = 0x20;

// Neighbor Advertisement flags, in the first of their four octets (RFC 4861 §4.4).
inline constexpr std::uint8_t kNeighborRouter = 0x80;
inline constexpr std::uint8_t kNeighborSolicited = 0x40;
inline constexpr std::uint8_t kNeighborOverride = 0x20;

}  // namespace mipflow::wire
