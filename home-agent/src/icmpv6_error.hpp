// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"

namespace mipflow::home_agent {

// An ICMPv6 error message about `invoking_packet`, of which it quotes as much as fits 1280 octets (RFC 4443 §2.4 (c)).
Bytes build_icmpv6_error(const Address& source, const Address& destination, std::uint8_t type, std::uint8_t code,
                         std::uint32_t parameter, BytesView invoking_packet);

}  // namespace mipflow::home_agent
