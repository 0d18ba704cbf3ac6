// SPDX-License-Identifier: GPL-3.0-or-later
// The keys of return routability and the Binding Authorization Data that they make, RFC 6275 §5.2 and §6.2.7.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/base/crypto.hpp"
#include "mipflow/wire/mobility_header.hpp"

namespace mipflow::wire {

using Authenticator = std::array<std::uint8_t, 12>;

// Kbm, RFC 6275 §5.2.5: of both tokens, or of the home keygen token alone when the binding is to be deleted.
Sha1Digest binding_management_key(KeygenToken home, std::optional<KeygenToken> care_of);

// First(96, HMAC_SHA1(Kbm, care-of address | correspondent | Mobility Header)) over the whole header with Checksum 0 and
// without the authenticator itself, RFC 6275 §6.2.7. `correspondent` is the correspondent node's address also in a
// Binding Acknowledgement. `mobility_header` ends with the Binding Authorization Data option; what its authenticator holds
// does not matter.
Authenticator binding_authenticator(const Sha1Digest& key, const Address& care_of_address, const Address& correspondent,
                                    BytesView mobility_header);

// Encodes the message with Binding Authorization Data as its last option; the result is a whole Mobility Header with
// Checksum 0 for build_packet_from_header(). `message` must hold no such option.
Bytes encode_with_binding_authorization(MobilityMessage message, const Sha1Digest& key, const Address& care_of_address,
                                        const Address& correspondent);

// Verifies a received Mobility Header (octets as received): exactly one Binding Authorization Data option, the last one,
// equal in constant time.
bool binding_authorization_is_right(BytesView mobility_header, const Sha1Digest& key, const Address& care_of_address,
                                    const Address& correspondent);

}  // namespace mipflow::wire
