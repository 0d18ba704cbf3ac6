// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "mipflow/mn-core/snapshot.hpp"
#include "node.hpp"

namespace mipflow::mobile_node {

StatusSnapshot status_of(const Node& node, Now now);
FlowSnapshot snapshot_of(const Node& node, const flow_separator::FlowEntry& flow, Now now);
std::vector<FlowSnapshot> flows_of(const Node& node, Now now);
// nullopt when there is no such flow. explanation.cpp
std::optional<FlowExplanation> explanation_of(const Node& node, FlowId id, Now now);
std::vector<HomeAddressSnapshot> home_addresses_of(const Node& node, Now now);
std::vector<InterfaceSnapshot> interfaces_of(const Node& node);
std::vector<BindingSnapshot> bindings_of(const Node& node, Now now);

}  // namespace mipflow::mobile_node
