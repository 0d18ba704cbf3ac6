// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "node.hpp"

namespace mipflow::mobile_node {

// Judges a packet of signalling and acts upon it. Whatever is malformed, forged, replayed or not meant for this node is
// counted by a notice and changes nothing.
void receive_signalling(Node& node, const PacketReceived& event, Now now, Outputs& outputs);

}  // namespace mipflow::mobile_node
