// SPDX-License-Identifier: GPL-3.0-or-later
// Which home address a new flow gets: WO 2004/057826, Figure 6, with its two extra rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "mipflow/base/address.hpp"
#include "mipflow/hoa-alloc/home_address_table.hpp"

namespace mipflow::hoa_alloc {

// Decision 37: which flow that already has a home address keeps the new flow away from it.
enum class IndependenceQuestion : std::uint8_t {
  // One whose binding is held by the same peer. Two such flows could only move together: a binding is per home address
  // and holder. Covers the figure's question, as the correspondent node is the holder of a route-optimised flow.
  SameBindingHolder,
  // One with the same correspondent node: the figure as drawn, right when every correspondent node is route-optimised.
  SameCorrespondentNode,
};

struct SelectionRules {
  IndependenceQuestion question = IndependenceQuestion::SameBindingHolder;
  // "When a different Home Address is available, avoid using the Primary Home Address": an address that step 43 could
  // allocate counts as available.
  bool avoid_primary = false;
  // "Do not use the Primary Home Address for Mobile Node initiated flows."
  bool strict_primary = false;
};

// The new flow as the Data Flow Separator tells it (step 34).
struct NewFlow {
  Address correspondent;
  Address binding_holder;  // the home agent for a tunnelled flow, the correspondent node for a route-optimised one
};

// Whether an element of the table can serve this flow at all: its binding is live, it is not deprecated, no other flow
// would have the same arrival key. An element for which it says no is passed over as if it were in conflict.
using Usable = std::function<bool(const HomeAddressEntry&)>;

// Steps 33 to 43. Returns the home address for the flow, or nullopt for step 43, "allocate a new one".
// `can_allocate`: whether step 43 would succeed now; asked by the rule avoid_primary only.
// Cost: one look-up per home address, independent of the number of flows.
std::optional<Address> assign_home_address(const HomeAddressTable& table, const NewFlow& flow, const SelectionRules& rules,
                                           const Usable& usable, bool can_allocate);

struct Sharing {
  Address home_address;
  std::size_t shares_with = 0;       // flows that would move together with the new one
  bool on_wanted_interface = false;  // false: the new flow has to start on the interface of the others
  friend bool operator==(const Sharing&, const Sharing&) = default;
};

// When Figure 6 asks for a new home address and there can be none (cap reached, home agent refuses): the home address on
// which the new flow does the least harm. In order: one that is bound on the wanted interface already (sharing costs
// nothing until somebody moves), then the fewest flows that would move together, then the figure's order. With
// avoid_primary the Primary Home Address comes behind all others, with strict_primary it never comes. `wanted` 0 means any
// interface. nullopt when no element is usable.
std::optional<Sharing> least_harmful_sharing(const HomeAddressTable& table, const NewFlow& flow, const SelectionRules& rules,
                                             const Usable& usable, InterfaceIndex wanted);

}  // namespace mipflow::hoa_alloc
