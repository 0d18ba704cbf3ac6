// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <set>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/kernel_objects.hpp"
#include "mipflow/platform/netlink_socket.hpp"

namespace mipflow::platform {

// The destinations of sockets without an address, mark or device whose packets the kernel does not lead to `device` (mip0),
// as rules and routes stand: what a rule before ours finds in its table, and the addresses of this host. `::/0` among them
// when the rule of somebody else leads everything to his own default route, as a VPN does.
//
// A rule is taken to match whenever it might: a socket that is wrongly left alone has its packets rewritten and works, one
// that wrongly has a home address does not.
std::set<Prefix> ordinary_destinations(const std::vector<Rule>& rules, const std::vector<Route>& routes,
                                       const std::vector<InterfaceAddress>& addresses, InterfaceIndex device);

// The same of this network namespace.
Result<std::set<Prefix>> read_ordinary_destinations(NetlinkSocket& socket, InterfaceIndex device);

}  // namespace mipflow::platform
