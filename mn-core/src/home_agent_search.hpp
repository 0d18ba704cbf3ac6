// SPDX-License-Identifier: GPL-3.0-or-later
// Which home agent the node is registered with, when that is not said once for all: RFC 6275 §11.4.1, §11.7.1. AgentChoice
// decides, AgentDiscovery asks who there is, and here the registrations follow.
//
// The primary home address goes ahead. While it is offered to another home agent the flows stay in the tunnel to the one
// before, whose binding may still be good; once it is accepted all other home addresses follow, each in its tunnel of before
// until its own acknowledgement is there.
#pragma once

#include "node.hpp"

namespace mipflow::mobile_node {

// Binding Updates for the primary home address without an answer after which the next home agent is asked.
inline constexpr unsigned kSilentStranger = 3;     // it has no binding of ours: 1.5 + 3 + 6 s
inline constexpr unsigned kSilentServing = 5;      // 1 + 2 + 4 + 8 + 16 s
inline constexpr unsigned kSilentUnreachable = 3;  // its probes are not answered over any interface either: 1 + 2 + 4 s

// The timers: whom to ask next, and requests for addresses of home agents. Before registration_deadlines().
void home_agent_deadlines(Node& node, Now now, Outputs& outputs);
TimePoint next_home_agent_deadline(const Node& node);

// RFC 6275 §6.6. nullptr, or why it is not believed.
const char* receive_home_agents(Node& node, const wire::PacketView& view, InterfaceIndex interface,
                                const wire::HomeAgentAddressDiscoveryReply& reply, Now now, Outputs& outputs);

// The primary home address was accepted by the home agent that is asked.
void home_agent_accepted(Node& node, Now now, Outputs& outputs);
// It was refused with this status.
void home_agent_refused(Node& node, wire::BindingStatus status, Now now, Outputs& outputs);
// Interfaces came, went or changed their addresses.
void ways_changed(Node& node, Now now);
// Nothing answers any more on any interface: the registration is renewed, to know whether that is the home agent's fault.
void doubt_home_agent(Node& node, Now now, Outputs& outputs);
void home_agent_recovered(Node& node, const HomeAgentRecovered& event, TimePoint now);
// On the home link it is the home agent with the binding that has to give it back, not the one that was asked last.
void return_to_serving(Node& node, TimePoint now);

// For the operator: empty while a home agent serves.
std::string describe_search(const Node& node, TimePoint now);

}  // namespace mipflow::mobile_node
