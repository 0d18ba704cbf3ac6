// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "error.hpp"
#include "interface.hpp"

namespace mipflow::datapath {

// The kernel answers a program's question about a route only for packets of a device that forwards. A correspondent node is
// a host, so `forwarding` is switched on for mip0 alone: nothing but the programs' own packets comes in there, and as long
// as the host as a whole does not forward, nothing is forwarded.
//
// Writing it makes the kernel forget the default routes that it learned from Router Advertisements, but for those of
// interfaces that take advertisements also when they forward (accept_ra = 2). So every interface is one of those for that
// moment; for one that does not forward both values mean the same.
Result allow_route_lookups(const Interface& mip0);

}  // namespace mipflow::datapath
