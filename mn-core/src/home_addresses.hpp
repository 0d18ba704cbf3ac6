// SPDX-License-Identifier: GPL-3.0-or-later
// Home addresses come, are registered, and go.
#pragma once

#include <optional>

#include "care_of.hpp"
#include "mipflow/hoa-alloc/home_address_table.hpp"
#include "node.hpp"

namespace mipflow::mobile_node {

// Starts to look after a home address; sends nothing yet.
ManagedHomeAddress& manage(Node& node, const hoa_alloc::HomeAddressEntry& entry);

// De-registers a home address that nobody needs any more and gives it back. WO 2004/057826: "when a previously allocated
// Home Address is no longer needed the Mobile Node frees it"; never called for the primary one.
void free_home_address(Node& node, ManagedHomeAddress& address, Now now, Outputs& outputs);

// What a Mobile Prefix Advertisement or the address service says of a home address.
void set_lifetimes(Node& node, ManagedHomeAddress& address, TimePoint preferred_until, TimePoint valid_until, Now now,
                   Outputs& outputs);
// The home address may not be used any more: its flows end.
void lose_home_address(Node& node, const Address& home_address, Now now, Outputs& outputs);

// De-registrations that are under way by an interface that is lost take another one, or wait for it.
void reroute_releases(Node& node, Now now, Outputs& outputs);
// From where a de-registration can leave: where the home address is bound, else any care-of address that works; one that
// leads nowhere only when all do.
std::optional<CareOf> way_out(const Node& node, const ManagedHomeAddress& address);

// Everything that follows from what a registration reported.
void registration_changed(Node& node, const Address& home_address, RegistrationChange change, Now now, Outputs& outputs);

// Carries out what the warm pool wants: fresh spares and anchors, spares that change their uplink, surplus ones.
void keep_pool(Node& node, Now now, Outputs& outputs);

// Takes new prefix lifetimes over into the home addresses, frees those whose prefix ended.
void prefixes_changed(Node& node, Now now, Outputs& outputs);

// The timers of prefix discovery and of the registrations.
void prefix_deadlines(Node& node, Now now, Outputs& outputs);
void registration_deadlines(Node& node, Now now, Outputs& outputs);

}  // namespace mipflow::mobile_node
