// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "mipflow/base/address.hpp"

namespace mipflow::wire {

// The anycast address of all home agents on a link, where agent discovery asks (RFC 6275 §5.3, RFC 2526 §2): identifier 0x7e,
// the rest of the interface identifier ones but for the universal/local bit. For a /64, the length that leaves interface
// identifiers of 64 bits.
Address home_agents_anycast(const Prefix& home_prefix);

}  // namespace mipflow::wire
