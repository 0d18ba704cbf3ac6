// SPDX-License-Identifier: GPL-3.0-or-later
// What an operator may ask for about home addresses, see MobileNode. A refused command changes nothing.
#pragma once

#include "mipflow/base/expected.hpp"
#include "mipflow/mn-core/snapshot.hpp"
#include "node.hpp"

namespace mipflow::mobile_node {

Expected<Address, CommandError> allocate_home_address(Node& node, Now now, Outputs& outputs);
Expected<void, CommandError> free_home_address_by_command(Node& node, const Address& home_address, Now now, Outputs& outputs);
Expected<void, CommandError> pin_home_address(Node& node, const Address& home_address, bool pinned, Now now, Outputs& outputs);

}  // namespace mipflow::mobile_node
