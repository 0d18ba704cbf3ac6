// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "mipflow/wire/packet.hpp"

namespace mipflow::correspondent_node {

// RFC 6275 §9.3.1: has this packet a Home Address option that must be that of a binding to its source? Not what is followed
// by ESP, AH or a Mobility Header, which are authenticated in other ways.
bool needs_binding(const wire::PacketView& view);

}  // namespace mipflow::correspondent_node
