// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "mipflow/mn-core/events.hpp"
#include "mipflow/platform/kernel_objects.hpp"

namespace mipflow::platform {

// By what the driver says (DEVTYPE in sysfs, the kind of the link), else by the name as systemd gives it: wl…, ww…, en….
mobile_node::InterfaceKind interface_kind(const Link& link);

// Whether flows may ever use the interface: not the loopback, our own device, other virtual ends of nothing (dummy, ifb),
// ports of a bridge or bond, and not what the operator ignores (shell patterns).
bool may_be_uplink(const Link& link, const std::string& own_device, const std::vector<std::string>& ignored);

}  // namespace mipflow::platform
