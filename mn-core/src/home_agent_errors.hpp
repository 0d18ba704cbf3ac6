// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "mipflow/wire/icmpv6.hpp"
#include "mipflow/wire/packet.hpp"
#include "node.hpp"

namespace mipflow::mobile_node {

// RFC 6275 §11.3.5: an ICMPv6 Parameter Problem of code 1 about a home registration says that the node there knows no Mobility
// Headers, so that no more of them are sent to it for a while. Believed only of a node that has no binding of ours, and when it
// quotes the Binding Update that is out. False: it is another error.
bool receive_error_about_home_registration(Node& node, const wire::PacketView& view, const wire::Icmpv6Error& error, Now now,
                                           Outputs& outputs);

}  // namespace mipflow::mobile_node
