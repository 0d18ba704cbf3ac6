// SPDX-License-Identifier: GPL-3.0-or-later
// The exchange with one correspondent node about one home address: return routability (RFC 6275 §5.2, §11.6), Binding
// Updates (§11.7.2) and their answers (§11.7.3).
//
//   no tokens ──HoT, CoT──► tokens ──Binding Update──► acknowledged ──target changes──► Moving: a Binding Update; packets
//       ▲                     ▲                            │  ▲                         as docs/decisions/0014 says
//       └── 138, too old ─────┴── 136, 137, 135 ───────────┘  └── acknowledged ───────────┘
//
// While flows carry packets the tokens of every usable interface are kept fresh, so that a move needs no test.
#pragma once

#include <chrono>

#include "node.hpp"

namespace mipflow::mobile_node {

// A registration without flows is kept for so long: the next flow to the same correspondent node finds it.
inline constexpr Duration kLingersFor = std::chrono::seconds{10};

// Does what is due for the registration now and files when it has to be looked at again. May forget it.
void advance(Node& node, const HomeAddressAndCorrespondent& pair, Now now, Outputs& outputs);
// What is due for every registration; packets follow Binding Updates that have left.
void correspondent_deadlines(Node& node, Now now, Outputs& outputs);

// The direct path is not wanted any more: the binding is deleted and the registration forgotten. Packets take the tunnel
// at once.
void release(Node& node, const HomeAddressAndCorrespondent& pair, Now now, Outputs& outputs);
void release_registrations_of(Node& node, const Address& home_address, Now now, Outputs& outputs);
// The home address was registered, or registered elsewhere, with the home agent: tests that waited for it go on.
void look_again(Node& node, const Address& home_address, Now now);
// Without telling anybody; the second one when the home address is gone.
void forget_registration(Node& node, const HomeAddressAndCorrespondent& pair, TimePoint now);
void forget_registrations_of(Node& node, const Address& home_address, Now now);

}  // namespace mipflow::mobile_node
