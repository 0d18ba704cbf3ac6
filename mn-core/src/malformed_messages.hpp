// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "mipflow/wire/error.hpp"
#include "node.hpp"

namespace mipflow::mobile_node {

// RFC 6275 §9.2, §11.2: the wrong messages whose sender has to be told: a Mobility Header of unknown type (Binding Error 2),
// one with a wrong Payload Proto or a too small Header Len (ICMPv6 Parameter Problem 0). The answer goes back the way the
// message came: from the care-of address, or from the home address through the tunnel. So many per second.
void answer_malformed_message(Node& node, const PacketReceived& event, const wire::DecodeError& error, Now now,
                              Outputs& outputs);

}  // namespace mipflow::mobile_node
