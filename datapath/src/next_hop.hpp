// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>

#include "mipflow/base/address.hpp"

namespace mipflow::datapath {

// Where packets to `destination` go when they have to leave through `uplink`: its router, or the destination itself when
// it is on the link. nullopt when no route leads over this interface.
//
// With several uplinks an ordinary look-up answers with the preferred uplink's router, even for packets that are sent
// through another one. The kernel keeps to the interface only when the source address is left open; a packet's look-up
// can not do that, so it is done here and the answer stands in the binding.
std::optional<Address> next_hop(const Address& destination, InterfaceIndex uplink);

}  // namespace mipflow::datapath
