// SPDX-License-Identifier: GPL-3.0-or-later
// mip0, the device that carries the home addresses (mobile node) or that intercepted packets go to (home agent).
#pragma once

#include <string>

#include "mipflow/base/address.hpp"
#include "mipflow/platform/netlink_socket.hpp"

namespace mipflow::platform {

// Finds the device that an earlier daemon left, or makes it: `dummy` where the kernel has it, else `ifb`. Both stay when
// the process goes, so that a crash does not take the home addresses from under live flows. Sets MTU, up, and our name
// in ifalias. A device of that name that is not ours is refused.
Result<InterfaceIndex> ensure_mip_device(NetlinkSocket& socket, const std::string& name, std::uint32_t mtu);

// No failure when there is none. Leaves a device alone that is not ours.
Result<void> remove_mip_device(NetlinkSocket& socket, const std::string& name);

}  // namespace mipflow::platform
