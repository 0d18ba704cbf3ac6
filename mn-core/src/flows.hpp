// SPDX-License-Identifier: GPL-3.0-or-later
// Flows begin, are moved, and end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/flow-separator/flow_mapping_table.hpp"
#include "mipflow/mn-core/events.hpp"
#include "node.hpp"

namespace mipflow::mobile_node {

// figure4.cpp, figure5.cpp
void process_outgoing_packet(Node& node, const FlowPacket& packet, Now now, Outputs& outputs);
void process_incoming_packet(Node& node, const FlowPacket& packet, Now now, Outputs& outputs);

// classification.cpp: Figure 4, step 21 and Figure 5, step 28.
struct SeparatedPacket {
  flow_separator::FlowAttributes attributes;
  // False for a TCP segment in the middle of a connection: its ends know it by the addresses that it has.
  bool begins_connection = true;
  bool source_was_offered = false;  // as in FlowPacket
  Duration waited{};                // likewise
};
// nullopt for packets that belong to no flow (multicast, link-local, not IPv6).
std::optional<SeparatedPacket> separate(const FlowPacket& packet);

// assignment.cpp: Figure 4, step 23.
enum class Assignment : std::uint8_t {
  Done,       // the flow is in the Flow Mapping Table and has a home address
  WouldHelpToWait,  // a home address is about to be registered
  None,       // no home address can serve it: the packet goes as the data path does without a flow
};
// `patience`: how long the packet can wait; zero: not at all.
Assignment assign_home_address_to(Node& node, const SeparatedPacket& packet, Duration patience, Now now, Outputs& outputs);
// Flows of other classes, or of any class when it belongs to one flow alone, must not come to the home address.
bool is_kept_from(const Node& node, const Address& home_address, const flow_separator::PolicyClass& policy_class);
// Adds a flow that has to use this home address, whatever else would be better for it.
// `policy_class`: of the attributes. `reason`: why this one, as half a sentence for the operator.
bool add_flow(Node& node, const flow_separator::FlowAttributes& attributes, const flow_separator::PolicyClass& policy_class,
              const Address& home_address, std::string reason, bool initiated_by_correspondent, Now now, Outputs& outputs);

// answers.cpp
// Plans an outgoing packet's key as another way to write a flow that a correspondent node began. False when it is none.
bool plan_answer(Node& node, const FlowKey& answer);
bool has_planned_answer(const Node& node, const flow_separator::FlowEntry& flow);
// The path of the flow's packets is another one now; for its answers too.
void plan_flow_again(Node& node, const flow_separator::FlowEntry& flow);
// Takes the flow out of the plan, its answers included.
void unplan_flow(Node& node, const flow_separator::FlowEntry& flow);

// reserved_addresses.cpp
// Registers the home addresses that the policy gives to classes for good, and frees those that it no longer does.
void keep_reserved_addresses(Node& node, Now now, Outputs& outputs);

// held_packets.cpp
void retry_held_packets(Node& node, Now now, Outputs& outputs);
void release_overdue_packets(Node& node, Now now, Outputs& outputs);

// end_of_flow.cpp
void handle_activities(Node& node, const FlowActivities& event, Now now, Outputs& outputs);
void expire_flows(Node& node, Now now, Outputs& outputs);
void end_flows_of(Node& node, const Address& home_address, Now now, Outputs& outputs);
// The home address has lost a flow: when it was the last that needs it, it becomes a spare or is freed.
void leave_home_address(Node& node, const Address& home_address, Now now, Outputs& outputs);
// What is left to do for a flow that is no longer in the Flow Mapping Table.
void flow_ended(Node& node, const flow_separator::FlowEntry& flow, Now now, Outputs& outputs);

// reclassification.cpp: what is known of flows, or the time, is different now, so other rules may apply.
// True when the flow belongs to another class now. The caller looks at its interface again.
bool reclassify(Node& node, FlowId id, Now now, Outputs& outputs);
// Whether a look-up of its owner may change what becomes of the flow that the packet begins.
bool needs_owner(const Node& node, const FlowPacket& packet, bool wishes);
void owner_found(Node& node, const FlowOwnerFound& event, Now now, Outputs& outputs);
void time_of_day_changed(Node& node, const TimeOfDay& event, Now now, Outputs& outputs);

// recovery.cpp
void recover_flow(Node& node, const FlowRecovered& event, Now now, Outputs& outputs);
void recover_binding(Node& node, const HomeAddressRecovered& event, TimePoint now);

}  // namespace mipflow::mobile_node
