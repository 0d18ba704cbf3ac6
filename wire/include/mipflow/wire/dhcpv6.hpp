// SPDX-License-Identifier: GPL-3.0-or-later
// The messages of DHCPv6 (RFC 8415) that a client exchanges with a server to get, keep and give back single addresses.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +---------------+-----------------------------------------------+
//   |   msg-type    |               transaction-id                  |
//   +---------------+-----------------------------------------------+
//   |  options: code(16), length(16), data                          |
//   +---------------------------------------------------------------+
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/wire/error.hpp"

namespace mipflow::wire {

// RFC 8415 §7.2
inline constexpr std::uint16_t kDhcpv6ClientPort = 546;
inline constexpr std::uint16_t kDhcpv6ServerPort = 547;

// RFC 8415 §7.6 Transmission and Retransmission Parameters
inline constexpr Duration kSolMaxDelay = std::chrono::seconds{1};     // SOL_MAX_DELAY
inline constexpr Duration kSolTimeout = std::chrono::seconds{1};      // SOL_TIMEOUT
inline constexpr Duration kSolMaxRt = std::chrono::seconds{3'600};    // SOL_MAX_RT, until a server says otherwise
inline constexpr Duration kReqTimeout = std::chrono::seconds{1};      // REQ_TIMEOUT
inline constexpr Duration kReqMaxRt = std::chrono::seconds{30};       // REQ_MAX_RT
inline constexpr unsigned kReqMaxRc = 10;                             // REQ_MAX_RC
inline constexpr Duration kRenTimeout = std::chrono::seconds{10};     // REN_TIMEOUT
inline constexpr Duration kRenMaxRt = std::chrono::seconds{600};      // REN_MAX_RT
inline constexpr Duration kRebTimeout = std::chrono::seconds{10};     // REB_TIMEOUT
inline constexpr Duration kRebMaxRt = std::chrono::seconds{600};      // REB_MAX_RT
inline constexpr Duration kRelTimeout = std::chrono::seconds{1};      // REL_TIMEOUT
inline constexpr unsigned kRelMaxRc = 4;                              // REL_MAX_RC
inline constexpr Duration kDecTimeout = std::chrono::seconds{1};      // DEC_TIMEOUT
inline constexpr unsigned kDecMaxRc = 4;                              // DEC_MAX_RC
// RFC 8415 §7.7: a lifetime, T1 or T2 that never comes.
inline constexpr std::uint32_t kDhcpv6Infinity = 0xffff'ffff;
// RFC 8415 §21.24: what a server may set SOL_MAX_RT to, in seconds.
inline constexpr std::uint32_t kSmallestSolMaxRt = 60;
inline constexpr std::uint32_t kLargestSolMaxRt = 86'400;
// RFC 8415 §11.1: octets of a DUID with its type.
inline constexpr std::size_t kShortestDuid = 3;
inline constexpr std::size_t kLongestDuid = 130;

// RFC 8415 §7.3; the others are no business of a client that asks for addresses.
enum class Dhcpv6Type : std::uint8_t {
  Solicit = 1,
  Advertise = 2,
  Request = 3,
  Renew = 5,
  Rebind = 6,
  Reply = 7,
  Release = 8,
  Decline = 9,
};
const char* to_string(Dhcpv6Type type);  // "Solicit", as in the RFC; "unknown" for a number without a name here

// RFC 8415 §21.13. A server may send numbers that are not here.
enum class Dhcpv6StatusCode : std::uint16_t {
  Success = 0,
  UnspecFail = 1,
  NoAddrsAvail = 2,
  NoBinding = 3,
  NotOnLink = 4,
  UseMulticast = 5,
};
std::string to_string(Dhcpv6StatusCode code);  // "NoAddrsAvail", as in the RFC; "status 99" for others

struct Dhcpv6Status {
  Dhcpv6StatusCode code = Dhcpv6StatusCode::Success;
  std::string text{};  // UTF-8 as it came: not to be shown to anybody unlooked at
  friend bool operator==(const Dhcpv6Status&, const Dhcpv6Status&) = default;
};

struct Dhcpv6Address {  // IAADDR, §21.6; lifetimes in seconds
  Address address{};
  std::uint32_t preferred_lifetime = 0;
  std::uint32_t valid_lifetime = 0;
  std::optional<Dhcpv6Status> status{};
  friend bool operator==(const Dhcpv6Address&, const Dhcpv6Address&) = default;
};

struct Dhcpv6Association {  // IA_NA, §21.4
  std::uint32_t identifier = 0;  // IAID
  std::uint32_t t1 = 0;          // seconds, 0 = the client chooses
  std::uint32_t t2 = 0;
  std::vector<Dhcpv6Address> addresses{};
  std::optional<Dhcpv6Status> status{};
  friend bool operator==(const Dhcpv6Association&, const Dhcpv6Association&) = default;
};

struct Dhcpv6Message {
  Dhcpv6Type type = Dhcpv6Type::Solicit;
  std::uint32_t transaction_id = 0;                          // 24 bits
  std::optional<Bytes> client_identifier{};                  // DUID, §21.2
  std::optional<Bytes> server_identifier{};                  // DUID, §21.3
  std::vector<Dhcpv6Association> associations{};
  std::vector<std::uint16_t> requested_options{};            // §21.7
  std::optional<std::uint8_t> preference{};                  // §21.8
  std::optional<std::uint16_t> elapsed_time{};               // §21.9, hundredths of a second
  std::optional<Dhcpv6Status> status{};                      // §21.13, of the whole message
  std::optional<std::uint32_t> longest_solicit_timeout{};    // SOL_MAX_RT, §21.24, seconds
  friend bool operator==(const Dhcpv6Message&, const Dhcpv6Message&) = default;
};

inline constexpr std::uint16_t kDhcpv6SolMaxRtOption = 82;  // for `requested_options`

// The payload of the UDP datagram.
Bytes encode(const Dhcpv6Message& message);
// The IPv6 packet of a client: from port 546 to All_DHCP_Relay_Agents_and_Servers (ff02::1:2) port 547, hop limit 1.
Bytes build_dhcpv6_packet(const Address& source, const Dhcpv6Message& message);

// Unknown options are skipped. Refuses
//   Truncated          shorter than its fixed part
//   NotMobileIpv6      a type that is not above
//   OptionOverrun      an option runs past the message, or past the option that holds it
//   OptionLengthWrong  a known option with a length its definition forbids, a DUID that is too short or too long
//   OptionMisplaced    a second one of an option that may stand once, two associations of one identifier
// `message` is the payload of a UDP datagram whose checksum was right.
Expected<Dhcpv6Message, DecodeError> decode_dhcpv6(BytesView message, std::size_t base_offset = 0);

}  // namespace mipflow::wire
