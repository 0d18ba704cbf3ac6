// SPDX-License-Identifier: GPL-3.0-or-later
// Stateless autoconfiguration of home addresses with random interface identifiers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "mipflow/base/address.hpp"
#include "mipflow/base/random.hpp"

namespace mipflow::hoa_alloc {

// RFC 5453 and the IANA registry "Reserved IPv6 Interface Identifiers": the subnet-router anycast identifier 0, the IANA
// Ethernet block 0200:5eff:fe00:0 to 0200:5eff:feff:ffff, and fdff:ffff:ffff:ff80 to :ffff (RFC 2526, among them the
// Mobile IPv6 home agents' anycast address). `identifier` in host byte order.
bool is_reserved_interface_identifier(std::uint64_t identifier);

// An address below `prefix` with 64 random bits as its interface identifier (RFC 4862 §5.5.3, RFC 8981 §3.3.1), neither
// reserved nor `taken`. nullopt when the prefix is not 64 bits long or when many draws in a row were taken (the random
// source does not work).
std::optional<Address> form_address(const Prefix& prefix, RandomSource& random,
                                    const std::function<bool(const Address&)>& taken);

}  // namespace mipflow::hoa_alloc
