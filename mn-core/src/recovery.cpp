// SPDX-License-Identifier: GPL-3.0-or-later
// Flows that the data path went on carrying while no daemon ran.
#include <optional>

#include "flows.hpp"
#include "forwarding.hpp"
#include "home_addresses.hpp"
#include "move_sequence.hpp"
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
    // What came first was the answer; the flow is this one.
    answer = other->information.key;
    unplan_flow(node, *other);
    node.home_addresses.flow_removed(event.home_address, other->correspondent(), other->binding_holder);
    node.flows.erase(other->id);
  }
  if (add_flow(node, {.key = event.key}, event.home_address, answer.has_value(), now, outputs) && answer)
    plan_flow_from(node, *node.flows.find(event.key), *answer);
}

}  // namespace

void recover_flow(Node& node, const FlowRecovered& event, Now now, Outputs& outputs) {
  auto* address = node.find(event.home_address);
  if (address == nullptr) {
    if (!node.configuration.home_prefix.contains(event.home_address) ||
        node.home_addresses.size() >= node.configuration.home_address_cap) {
      outputs.notices.push_back({Severity::Warning, "flow-not-recovered",
                                 "A flow of the daemon before this one has home address " + to_string(event.home_address) +
                                     ", which the configuration does not allow any more."});
      return;
    }
    const hoa_alloc::HomeAddressEntry entry{.home_address = event.home_address, .origin = hoa_alloc::Origin::Prefix};
    node.allocation.reserve(event.home_address);
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
  recover_keys(node, event, now, outputs);
  run_move_sequence(node, now, outputs);
}

}  // namespace mipflow::mobile_node
