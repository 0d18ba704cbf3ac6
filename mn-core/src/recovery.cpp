// SPDX-License-Identifier: GPL-3.0-or-later
// Flows that the data path went on carrying while no daemon ran.
#include <optional>

#include "bypass.hpp"
#include "flows.hpp"
#include "forwarding.hpp"
#include "home_addresses.hpp"
#include "move_sequence.hpp"
#include "route_optimization.hpp"
#include "socket_addresses.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {

namespace {

// The data path may know two ways to write the packets of one flow, see answers.cpp; they come in any order.
void recover_keys(Node& node, const FlowRecovered& event, Now now, Outputs& outputs) {
  const auto* other = node.flows.find_arrival(flow_separator::arrival_key(event.key, event.home_address));
  const bool is_answered = event.key.source == event.home_address;
  if (other != nullptr && !is_answered) return plan_flow_from(node, *other, event.key);
  std::optional<FlowKey> answer;
  if (other != nullptr) {
    // What came first was the answer; the flow is this one. Whoever knows the other one has to forget it.
    const auto replaced = *node.flows.erase(other->id);
    answer = replaced.information.key;
    node.moves.ended(replaced.id);
    node.commanded_moves.ended(replaced.id);
    unplan_flow(node, replaced);
    flow_went(node, replaced, now);
    node.home_addresses.flow_removed(event.home_address, replaced.correspondent(), replaced.binding_holder);
    plan_home_address_user(node, event.home_address, replaced.correspondent());
  }
  const flow_separator::FlowAttributes attributes{.key = event.key};
  if (add_flow(node, attributes, node.policy->classify(attributes, node.time_of_day), event.home_address,
               "the flow had it before the daemon was restarted", answer.has_value(), now, outputs) &&
      answer)
    plan_flow_from(node, *node.flows.find(event.key), *answer);
}

// nullptr, and a notice, when it may not be ours any more.
ManagedHomeAddress* recover_home_address(Node& node, const Address& home_address, Outputs& outputs) {
  auto* address = node.find(home_address);
  if (address == nullptr) {
    if (!node.configuration.home_prefix.contains(home_address) || node.home_addresses.size() >= node.configuration.home_address_cap) {
      outputs.notices.push_back({Severity::Warning, "flow-not-recovered",
                                 "A flow of the daemon before this one has home address " + to_string(home_address) +
                                     ", which the configuration does not allow any more."});
      return nullptr;
    }
    const hoa_alloc::HomeAddressEntry entry{.home_address = home_address, .origin = hoa_alloc::Origin::Prefix};
    node.prefix_allocation.reserve(home_address);
    address = &manage(node, entry);
    node.home_addresses.append(entry);
  }
  // Its packets are on their way through what the data path has; that must not be taken away before the registration.
  address->carries_packets = true;
  if (!node.primary().registration.acknowledged()) {
    node.assume_bound = true;
    node.primary().carries_packets = true;
  }
  plan_home_address(node, *address);
  return address;
}

void recover_socket_source(Node& node, const FlowRecovered& event, Outputs& outputs) {
  const auto* flow = node.flows.find(event.key);
  const Address& source = event.key.source;
  if (flow == nullptr || source == flow->home_address || node.home_addresses.is_primary(source)) return;
  if (recover_home_address(node, source, outputs) != nullptr) socket_source_used(node, *flow);
}

}  // namespace

void recover_binding(Node& node, const HomeAddressRecovered& event, TimePoint now) {
  auto* address = node.find(event.home_address);
  if (address == nullptr || !address->carries_packets || address->registration.acknowledged()) return;
  // A home agent takes nothing from a care-of address that it has not been told. What is left of the lifetime went with the daemon
  // that asked for it; it was not longer than what this one asks for.
  address->former = FormerBinding{event.home_agent, {event.care_of_address, event.interface}, now + node.configuration.requested_lifetime};
  plan_home_address(node, *address);
  plan_home_agents(node);
  plan_default_route(node);
}

void recover_flow(Node& node, const FlowRecovered& event, Now now, Outputs& outputs) {
  if (event.bypassed_on != 0) {
    recover_bypassed_flow(node, event, now, outputs);
  } else {
    if (recover_home_address(node, event.home_address, outputs) == nullptr) return;
    recover_keys(node, event, now, outputs);
    if (const auto* flow = node.flows.find(event.key); flow != nullptr && event.direct) recover_direct_flow(node, flow->id, now);
  }
  recover_socket_source(node, event, outputs);
  run_move_sequence(node, now, outputs);
}

}  // namespace mipflow::mobile_node
