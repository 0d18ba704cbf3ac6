// SPDX-License-Identifier: GPL-3.0-or-later
// Which care-of address each home address should be bound to.
#pragma once

#include <string>

#include "care_of.hpp"
#include "mipflow/flow-redirector/choose_interface.hpp"
#include "node.hpp"

namespace mipflow::mobile_node {

// Sets the target of one home address and what its flows say about it. nullopt: no interface may carry it now.
void set_target(Node& node, ManagedHomeAddress& address, const std::optional<CareOf>& target, const std::string& reason);

// The interface for a home address by its flows (the oldest decides for those that share it), or by the default class.
flow_redirector::InterfaceChoice choice_for(Node& node, const ManagedHomeAddress& address);

// After a movement or a new policy: every home address of a flow, and the primary one, gets the target that command,
// policy and interfaces give now. Those of the warm pool that lost their uplink wait for keep_pool().
void choose_targets(Node& node, Now now, Outputs& outputs);

// Tells the operator which interfaces became usable, and which no longer are and why.
void tell_usability(Node& node, Outputs& outputs);

// The state of a live flow that has this home address.
flow_separator::FlowState state_of_flows(const ManagedHomeAddress& address);
// Shows the registrations' progress in the states of the flows that have the home address.
void show_progress(Node& node, const ManagedHomeAddress& address, TimePoint now);

}  // namespace mipflow::mobile_node
