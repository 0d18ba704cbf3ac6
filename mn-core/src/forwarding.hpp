// SPDX-License-Identifier: GPL-3.0-or-later
// What the kernel should look like, from what the node knows.
#pragma once

#include "mipflow/flow-separator/flow_mapping_table.hpp"
#include "node.hpp"

namespace mipflow::mobile_node {

// Where the packets of a home address go now. Make before break: through the care-of address that the home agent has
// acknowledged as long as that one works, else through the target at once.
std::optional<CareOf> data_path_of(const Node& node, const ManagedHomeAddress& address);
// The home agent at the other end of its tunnel: the one with its binding, never one that is only asked. `::`: none yet.
const Address& tunnel_end_of(const Node& node, const ManagedHomeAddress& address);

void plan_home_address(Node& node, const ManagedHomeAddress& address);
void unplan_home_address(Node& node, const ManagedHomeAddress& address);
// `again`: the data path asked about a flow that it should know, so the item is sent once more.
void plan_flow(Node& node, const flow_separator::FlowEntry& flow, bool again);
// A packet that is written otherwise (another source address of the socket) and belongs to the flow all the same. Always
// handed out: the data path asked.
void plan_flow_from(Node& node, const flow_separator::FlowEntry& flow, const FlowKey& key);
// All ends of tunnels, and who serves.
void plan_home_agents(Node& node);
bool is_home_agent(const Node& node, const Address& address);
void plan_care_of_addresses(Node& node);
// The default route through mip0 and its MTU: what fits into the tunnel on every uplink in use.
void plan_default_route(Node& node);

// IPv6-in-IPv6 without options, RFC 2473 §3.
inline constexpr std::uint32_t kTunnelOverhead = 40;

}  // namespace mipflow::mobile_node
