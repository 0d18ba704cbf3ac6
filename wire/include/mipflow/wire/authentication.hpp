// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 4285: the authentication option that protects Binding Updates and Acknowledgements between mobile node and home
// agent, its timestamp, the derived keys of dynamically allocated home addresses, and the mobile prefix messages.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/wire/icmpv6.hpp"
#include "mipflow/wire/mobility_header.hpp"

namespace mipflow::wire {

// A mobility security association (RFC 4285 §1). The key is 16 octets there; longer ones are taken as they are.
struct SecurityAssociation {
  std::string network_access_identifier;  // the mobile node's NAI (RFC 4283), at most 253 octets
  std::uint32_t spi = kSmallestSpi;
  Bytes key;
};

// The key for a home address that was allocated dynamically under the primary home address's association:
// First(128, HMAC_SHA256(K, "mipflow home address key" | primary home address | home address)). Both ends compute it,
// so no key travels. For the primary home address itself the key of the association is used unchanged.
Bytes derived_key(const SecurityAssociation& association, const Address& primary_home_address, const Address& home_address);

// Seconds since 1900 in the high half, binary fraction in the low one; `wall` is the time since 1970.
std::uint64_t ntp_timestamp(Duration wall);
// Time since 1970 that an NTP timestamp of the era 1900-2036 tells.
Duration wall_of_ntp(std::uint64_t timestamp);

// Encodes the message, appends [Mobile Node Identifier] [Replay Protection] Message Authentication (MN-HA) in this
// order, computes First(96, HMAC_SHA1(key, care-of address | home address | MH Data)) over it. The result is a whole
// Mobility Header with Checksum 0 for build_packet_from_header(). `message` must hold none of the three options.
struct AuthenticationInput {
  const SecurityAssociation& association;
  BytesView key;                 // association.key or derived_key()
  Address care_of_address;
  Address home_address;
  std::uint64_t timestamp;       // option 10; for an acknowledgement the one to return
  bool with_identifier;          // option 8: in Binding Updates
  bool with_timestamp = true;
};
Bytes encode_authenticated(MobilityMessage message, const AuthenticationInput& input);

// Verifies the MN-HA authenticator of a received Mobility Header (bytes as received): exactly one MN-HA option, nothing
// but padding behind it, SPI equal, authenticator of 96 bits, MAC equal in constant time.
bool authenticator_is_right(BytesView mobility_header, std::uint32_t spi, BytesView key, const Address& care_of_address,
                            const Address& home_address);

// The same for the mobile prefix messages; see PrefixAuthentication. encode_signed() returns the whole
// ICMPv6 message with the option put on as the last one and the checksum filled; other messages than the two of mobile
// prefix discovery have no place for it and come back unsigned. The verifier wants exactly one such option, the last.
Bytes encode_signed(Icmpv6Message message, std::uint32_t spi, BytesView key, std::uint64_t timestamp,
                    const Address& care_of_address, const Address& home_address, const Address& home_agent,
                    const Address& checksum_source, const Address& checksum_destination);
bool prefix_authenticator_is_right(BytesView icmpv6_message, std::uint32_t spi, BytesView key,
                                   const Address& care_of_address, const Address& home_address, const Address& home_agent);

}  // namespace mipflow::wire
