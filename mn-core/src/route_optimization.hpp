// SPDX-License-Identifier: GPL-3.0-or-later
// Which flows go straight to their correspondent node, and what the forwarding plan and the Flow Mapping Table say of it.
// The exchange with the correspondent node stands in correspondent_registration.hpp.
#pragma once

#include <chrono>

#include "node.hpp"

namespace mipflow::mobile_node {

// A flow of a class that prefers route optimisation has lasted when all of this is true; a shorter one is over before the
// tests are, and whoever only knocks at a port does not learn where the node is.
inline constexpr Duration kLastsFor = std::chrono::seconds{2};
inline constexpr std::uint64_t kLastsForPackets = 10;  // in both directions together, and both have to be there

// What the flow's class says, and the configuration.
flow_separator::RouteOptimization wish_of(const Node& node, const flow_separator::FlowEntry& flow);

inline HomeAddressAndCorrespondent pair_of(const flow_separator::FlowEntry& flow) { return {flow.home_address, flow.correspondent()}; }

// To be called for every flow that comes into the Flow Mapping Table, goes from it, gets another class, or was active.
void flow_came(Node& node, FlowId id, Now now);
void flow_went(Node& node, const flow_separator::FlowEntry& flow, Now now);
void flow_got_class(Node& node, FlowId id, Now now, Outputs& outputs);
// The daemon before this one may have had a binding at the correspondent node, of the flow or of the pair. It is asked for a new one, or
// to delete it; until it knows of that, or the binding has ended, what it sends by it is accepted.
void recover_direct_flow(Node& node, FlowId id, Now now);
void recover_correspondent(Node& node, const CorrespondentRecovered& event, Now now);
void flow_was_active(Node& node, FlowId id, const flow_separator::FlowCounters& before, Now now, Outputs& outputs);

// The care-of address that the flows of a registration should have now, by the class of the oldest, and what follows.
void choose_registration_target(Node& node, const HomeAddressAndCorrespondent& pair, Now now, Outputs& outputs);
void choose_registration_targets(Node& node, Now now, Outputs& outputs);

// Brings the plan, the holders of the flows' bindings and their care-of addresses into line with the registration.
void plan_registration(Node& node, const HomeAddressAndCorrespondent& pair, CorrespondentRegistration& registration,
                       TimePoint now);

}  // namespace mipflow::mobile_node
