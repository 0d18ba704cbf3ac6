// SPDX-License-Identifier: GPL-3.0-or-later
// Flows begin, are moved, and end.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "mipflow/base/expected.hpp"
#include "mipflow/flow-separator/flow_mapping_table.hpp"
#include "mipflow/mn-core/events.hpp"
#include "mipflow/mn-core/snapshot.hpp"
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
};
// nullopt for packets that belong to no flow (multicast, link-local, not IPv6).
std::optional<SeparatedPacket> separate(const FlowPacket& packet);

// assignment.cpp: Figure 4, step 23.
enum class Assignment : std::uint8_t {
  Done,       // the flow is in the Flow Mapping Table and has a home address
  WouldHelpToWait,  // a home address is about to be registered
  None,       // no home address can serve it: the packet goes as the data path does without a flow
};
Assignment assign_home_address_to(Node& node, const SeparatedPacket& packet, bool may_wait, Now now, Outputs& outputs);
// Adds a flow that has to use this home address, whatever else would be better for it.
bool add_flow(Node& node, const flow_separator::FlowAttributes& attributes, const Address& home_address,
              bool initiated_by_correspondent, Now now, Outputs& outputs);

// answers.cpp
// Plans an outgoing packet's key as another way to write a flow that a correspondent node began. False when it is none.
bool plan_answer(Node& node, const FlowKey& answer);
bool has_planned_answer(const Node& node, const flow_separator::FlowEntry& flow);
// Takes the flow out of the plan, its answers included.
void unplan_flow(Node& node, const flow_separator::FlowEntry& flow);

// held_packets.cpp
void retry_held_packets(Node& node, Now now, Outputs& outputs);
void release_overdue_packets(Node& node, Now now, Outputs& outputs);

// end_of_flow.cpp
void handle_activities(Node& node, const FlowActivities& event, Now now);
void expire_flows(Node& node, Now now, Outputs& outputs);
void end_flows_of(Node& node, const Address& home_address, Outputs& outputs);
// What is left to do for a flow that is no longer in the Flow Mapping Table.
void flow_ended(Node& node, const flow_separator::FlowEntry& flow, Now now, Outputs& outputs);

// flow_commands.cpp
Expected<void, CommandError> move_flow(Node& node, FlowId id, std::string_view interface_name, Now now, Outputs& outputs);
std::vector<FlowId> set_policy(Node& node, std::shared_ptr<const flow_separator::Policy> policy, Now now, Outputs& outputs);

// recovery.cpp
void recover_flow(Node& node, const FlowRecovered& event, Now now, Outputs& outputs);

}  // namespace mipflow::mobile_node
