// SPDX-License-Identifier: GPL-3.0-or-later
// The ICMPv6 messages of Mobile IPv6 (RFC 6275 §6.5-6.8) and the neighbour discovery that its roles send and read.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/wire/error.hpp"

namespace mipflow::wire {

struct HomeAgentAddressDiscoveryRequest {  // §6.5
  std::uint16_t identifier = 0;
  friend bool operator==(const HomeAgentAddressDiscoveryRequest&, const HomeAgentAddressDiscoveryRequest&) = default;
};
struct HomeAgentAddressDiscoveryReply {  // §6.6
  std::uint16_t identifier = 0;
  std::vector<Address> home_agents{};  // by decreasing preference
  friend bool operator==(const HomeAgentAddressDiscoveryReply&, const HomeAgentAddressDiscoveryReply&) = default;
};
struct PrefixInformation {  // §7.2, RFC 4861 §4.6.2; lifetimes in seconds, 0xffffffff = forever
  std::uint8_t prefix_length = 64;
  bool on_link = false;            // L
  bool autonomous = false;         // A
  bool router_address = false;     // R: `prefix` is the router's whole address
  std::uint32_t valid_lifetime = 0;
  std::uint32_t preferred_lifetime = 0;
  Address prefix{};
  friend bool operator==(const PrefixInformation&, const PrefixInformation&) = default;
};
// Authenticates Mobile Prefix Solicitations and Advertisements with the security association of RFC 4285, which covers
// Mobility Header messages only. ND-style option of type 253 (RFC 4727 experiment), length 4 (32 octets):
//   253 | 4 | version 1 | reserved | SPI(4) | NTP timestamp(8) | authenticator(16)
// Authenticator = First(128, HMAC_SHA256(key, care-of address | home address | home agent | ICMPv6 message with
// checksum 0 and without the authenticator)). Receivers that do not know it skip it (RFC 4861 §4.6).
struct PrefixAuthentication {
  std::uint32_t spi = 0;
  std::uint64_t ntp_timestamp = 0;
  std::array<std::uint8_t, 16> authenticator{};
  friend bool operator==(const PrefixAuthentication&, const PrefixAuthentication&) = default;
};
struct MobilePrefixSolicitation {  // §6.7
  std::uint16_t identifier = 0;
  std::optional<PrefixAuthentication> authentication{};
  friend bool operator==(const MobilePrefixSolicitation&, const MobilePrefixSolicitation&) = default;
};
struct MobilePrefixAdvertisement {  // §6.8
  std::uint16_t identifier = 0;
  bool managed_address_configuration = false;  // M
  bool other_stateful_configuration = false;   // O
  std::vector<PrefixInformation> prefixes{};
  std::optional<PrefixAuthentication> authentication{};
  friend bool operator==(const MobilePrefixAdvertisement&, const MobilePrefixAdvertisement&) = default;
};
struct NeighborSolicitation {  // RFC 4861 §4.3
  Address target{};
  std::optional<LinkLayerAddress> source_link_layer_address{};
  friend bool operator==(const NeighborSolicitation&, const NeighborSolicitation&) = default;
};
struct NeighborAdvertisement {  // RFC 4861 §4.4
  bool router = false;
  bool solicited = false;
  bool override_flag = false;
  Address target{};
  std::optional<LinkLayerAddress> target_link_layer_address{};
  friend bool operator==(const NeighborAdvertisement&, const NeighborAdvertisement&) = default;
};
struct RouterAdvertisement {  // RFC 4861 §4.2 with RFC 6275 §7
  std::uint8_t current_hop_limit = 0;
  bool managed = false;
  bool other = false;
  bool home_agent = false;                        // H
  std::uint16_t router_lifetime = 0;              // seconds
  std::vector<PrefixInformation> prefixes{};
  std::optional<LinkLayerAddress> source_link_layer_address{};
  std::optional<std::uint32_t> advertisement_interval_ms{};           // §7.3
  std::optional<std::uint16_t> home_agent_preference{};               // §7.4
  std::optional<std::uint16_t> home_agent_lifetime{};                 // §7.4, seconds
  friend bool operator==(const RouterAdvertisement&, const RouterAdvertisement&) = default;
};
// Codes of Parameter Problem, RFC 4443 §3.4.
inline constexpr std::uint8_t kUnrecognizedNextHeader = 1;
inline constexpr std::uint8_t kUnrecognizedOption = 2;

// RFC 4443 §3: Destination Unreachable, Packet Too Big, Time Exceeded, Parameter Problem.
struct Icmpv6Error {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t parameter = 0;  // MTU of Packet Too Big, pointer of Parameter Problem, else 0
  Bytes invoking_packet{};        // as much as was there
  friend bool operator==(const Icmpv6Error&, const Icmpv6Error&) = default;
};

using Icmpv6Message =
    std::variant<HomeAgentAddressDiscoveryRequest, HomeAgentAddressDiscoveryReply, MobilePrefixSolicitation,
                 MobilePrefixAdvertisement, NeighborSolicitation, NeighborAdvertisement, RouterAdvertisement, Icmpv6Error>;

// The ICMPv6 message, Checksum filled over `source` and `destination` (the home address where a Home Address option or
// type 2 routing header will be put on).
Bytes encode(const Icmpv6Message& message, const Address& source, const Address& destination);

// `hop_limit` is that of the packet: neighbour discovery asks for 255. NotMobileIpv6 for types not listed above.
Expected<Icmpv6Message, DecodeError> decode_icmpv6(BytesView message, const Address& source, const Address& destination,
                                                   std::uint8_t hop_limit, std::size_t base_offset = 0);

}  // namespace mipflow::wire
