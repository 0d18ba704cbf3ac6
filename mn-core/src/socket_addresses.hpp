// SPDX-License-Identifier: GPL-3.0-or-later
// What sockets are offered when they connect: the answer to Figure 6 for whoever asks next, in the forwarding plan. The
// programs on sockets (datapath/socket_addresses.hpp) see who asks, for which correspondent node, and take the first that is free.
#pragma once

#include "mipflow/base/address.hpp"
#include "mipflow/base/role.hpp"
#include "node.hpp"

namespace mipflow::mobile_node {

// To be called whenever something has happened.
void plan_socket_addresses(Node& node, Now now);

// To be called when a flow came to the home address or left it.
void plan_home_address_user(Node& node, const Address& home_address, const Address& correspondent);

// The socket of a flow has another home address than the flow: that one has to stay, or what arrives would find no socket.
void socket_source_used(Node& node, const flow_separator::FlowEntry& flow);
void socket_source_left(Node& node, const flow_separator::FlowEntry& flow, Now now, Outputs& outputs);

}  // namespace mipflow::mobile_node
