// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "mipflow/wire/icmpv6.hpp"
#include "mipflow/wire/packet.hpp"
#include "node.hpp"

namespace mipflow::mobile_node {

// An ICMPv6 error about a packet of our tunnel (RFC 2473 §8): Packet Too Big lowers the path MTU of that uplink, everything
// else is told to the operator. Believed only when what it quotes is such a packet.
void handle_tunnel_error(Node& node, const wire::PacketView& view, const wire::Icmpv6Error& error, Now now, Outputs& outputs);

}  // namespace mipflow::mobile_node
