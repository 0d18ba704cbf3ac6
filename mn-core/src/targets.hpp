// SPDX-License-Identifier: GPL-3.0-or-later
// Which care-of address each home address should be bound to.
#pragma once

#include <string>

#include "care_of.hpp"
#include "mipflow/flow-redirector/choose_interface.hpp"
#include "node.hpp"

namespace mipflow::mobile_node {

// The flow's class, the default class when the policy has it no more.
const flow_separator::PolicyClass& class_of(const Node& node, const flow_separator::FlowEntry& flow);

// The flow's packets go there from now on, as far as the flow's entry is concerned; a move is remembered. An empty care-of
// address: nowhere.
void take_to(Node& node, FlowId id, const CareOf& care_of, const std::string& reason);

// Sets the target of one home address and what its flows say about it. nullopt: no interface may carry it now.
void set_target(Node& node, ManagedHomeAddress& address, const std::optional<CareOf>& target, const std::string& reason);

// The flow that decides for all flows of the home address that go through the home agent; nullptr when there is none.
const flow_separator::FlowEntry* leader_of_home_address(const Node& node, const Address& home_address);
// The flow that decides for this one and those that move with it.
const flow_separator::FlowEntry* leader_of(const Node& node, const flow_separator::FlowEntry& flow);

// The interface for a home address at the home agent: by its flows that take the tunnel, if there are some, else by the
// others, whose tunnel it may become (the oldest decides for those that share it), else by the default class.
flow_redirector::InterfaceChoice choice_for(Node& node, const ManagedHomeAddress& address, Now now);
// choose_interface() for something that follows the choice: choose_targets() comes again when time alone may change it.
flow_redirector::InterfaceChoice choose_and_look_again(Node& node, const flow_redirector::ChoiceRequest& request);

// After a movement or a new policy: every home address of a flow, and the primary one, gets the target that command,
// policy and interfaces give now. Those of the warm pool that lost their uplink wait for keep_pool().
void choose_targets(Node& node, Now now, Outputs& outputs);

// Tells the operator which interfaces became usable, and which no longer are and why.
void tell_usability(Node& node, Outputs& outputs);

// The same for one home address.
void choose_target(Node& node, ManagedHomeAddress& address, Now now);

// The state of a live flow that has this home address.
flow_separator::FlowState state_of_flow(const Node& node, const flow_separator::FlowEntry& flow, const ManagedHomeAddress& address);
// Shows the registrations' progress in the states of the flows that have the home address.
void show_progress(Node& node, const ManagedHomeAddress& address, TimePoint now);

}  // namespace mipflow::mobile_node
