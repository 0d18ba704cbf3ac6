// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"

namespace mipflow::wire {

// The checksum over the IPv6 pseudo-header (RFC 8200 §8.1) and an upper layer whose own Checksum field holds 0. With the
// field as received the result is 0 when that checksum is right. The addresses are those that the upper layer sees: the
// home address in the place of the care-of address when there is a Home Address option or a type 2 routing header
// (RFC 6275 §6.1.1). There is no "0 becomes 0xffff" here: that rule is UDP's.
std::uint16_t upper_layer_checksum(std::uint8_t protocol, const Address& source, const Address& destination,
                                   BytesView upper_layer);

}  // namespace mipflow::wire
