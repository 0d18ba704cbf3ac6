// SPDX-License-Identifier: GPL-3.0-or-later
// Home addresses that stay over a restart of the daemon: those that a command pinned, and leases of the address service that the
// policy has given to a class for good. (Other fixed ones are in the policy, which is all that is needed to have them again.)
#pragma once

#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"

namespace mipflow::mobile_node {

struct Node;

// Registers those of before the restart, once the primary home address is.
void take_up_pins(Node& node, Now now, Outputs& outputs);
// Has them kept when they, or their lifetimes, have changed since the last time (Node::pins_changed).
void keep_pins(Node& node, Now now, Outputs& outputs);

}  // namespace mipflow::mobile_node
