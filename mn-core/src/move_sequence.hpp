// SPDX-License-Identifier: GPL-3.0-or-later
// The order in which Binding Updates for new care-of addresses go out.
//
// A home agent of the field (UMIP 1.0) accepts, and goes on tunnelling to the old care-of address, when home addresses that
// shared a care-of address move together to one that no home address uses yet. Therefore, with anchor_per_interface:
//  1. to a care-of address at which a home address is registered (an anchor, normally) everything may move at once;
//  2. a home address without a binding may be registered anywhere at once: it shares nothing;
//  3. a home address that moves alone to an unused care-of address may move at once;
//  4. when several have to move to an unused one, they wait for the registration that is on the way there, which is the
//     anchor that the warm pool makes for every usable interface;
//  5. when there is none, because the pool has no prefix or no room, the first of them goes and the others wait for its
//     acknowledgement;
//  6. nobody waits longer than kLongestWait.
// While it waits, a home address keeps its old path if that still works.
#pragma once

#include <chrono>

#include "node.hpp"

namespace mipflow::mobile_node {

// One retransmission of a first registration, and some: who has not answered by then can not be waited for.
inline constexpr Duration kLongestWait = std::chrono::seconds{3};

// Hands every target whose turn it is to its registration.
void run_move_sequence(Node& node, Now now, Outputs& outputs);
TimePoint move_sequence_deadline(const Node& node);

}  // namespace mipflow::mobile_node
