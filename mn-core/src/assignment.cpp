// SPDX-License-Identifier: GPL-3.0-or-later
// WO 2004/057826, Figure 4, step 23: a home address for a new flow, by Figure 6, and a care-of address for that.
#include <algorithm>

#include "flows.hpp"
#include "forwarding.hpp"
#include "mipflow/hoa-alloc/figure6.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {
namespace {

// Binding Updates of a new flow leave after the verdict of its first packet: that one takes the present path anyway.
void upkeep_soon(Node& node, Now now) { node.upkeep_due = std::min(node.upkeep_due, now.monotonic); }

// A first registration that the home agent is expected to answer within the limit for held packets.
bool finishes_soon(const Node& node, const ManagedHomeAddress& address, Now now) {
  if (address.leaving || address.registration.state() != RegistrationState::Registering) return false;
  const Duration waited = now.monotonic - address.registration.entry().exchange_started;
  const Duration usual = node.fresh_registration_took;
  // Twice the usual time and still no answer: it may have been lost, waiting for it is a bet.
  return waited + node.configuration.hold_limit >= usual && waited <= 2 * usual;
}

bool a_spare_finishes_soon(const Node& node, Now now) {
  const auto& pooled = node.pool.addresses();
  return std::any_of(pooled.begin(), pooled.end(), [&](const auto& item) {
    if (item.registered || item.purpose != hoa_alloc::PoolPurpose::Spare) return false;
    const auto* address = node.find(item.entry.home_address);
    return address != nullptr && finishes_soon(node, *address, now);
  });
}

// The pool's address becomes one of the table: somebody uses it.
void take_into_table(Node& node, const ManagedHomeAddress& address, Now now) {
  if (node.home_addresses.contains(address.home_address)) return;
  const auto* pooled = node.pool.find(address.home_address);
  hoa_alloc::HomeAddressEntry entry{.home_address = address.home_address,
                                    .origin = address.origin,
                                    .preferred_until = address.preferred_until,
                                    .valid_until = address.valid_until};
  if (pooled != nullptr) {
    entry = pooled->entry;
    node.pool.released(address.home_address);
    upkeep_soon(node, now);
  }
  node.home_addresses.append(entry);
}

struct Selected {
  Assignment outcome = Assignment::None;
  Address home_address;
};

// Figure 6 with the pool of spares as step 43, and what remains when there is no home address left.
Selected select_home_address(Node& node, const flow_separator::FlowAttributes& attributes, const std::optional<CareOf>& wanted,
                             bool may_wait, Now now) {
  const auto usable = [&](const hoa_alloc::HomeAddressEntry& entry) {
    const auto* address = node.find(entry.home_address);
    return address != nullptr && address->live() && address->preferred_until > now.monotonic &&
           node.flows.find_arrival(flow_separator::arrival_key(attributes.key, entry.home_address)) == nullptr;
  };
  const hoa_alloc::NewFlow flow{.correspondent = attributes.key.correspondent,
                                .binding_holder = node.configuration.home_agent};
  const hoa_alloc::SelectionRules rules{.question = hoa_alloc::IndependenceQuestion::SameBindingHolder,
                                        .avoid_primary = node.configuration.avoid_primary,
                                        .strict_primary = node.configuration.strict_primary};
  const bool has_spare = node.pool.has_spare(now.monotonic);
  const bool wait =
      node.configuration.wait_for_own_address && may_wait && !has_spare && a_spare_finishes_soon(node, now);

  if (const auto home_address = assign_home_address(node.home_addresses, flow, rules, usable, has_spare || wait))
    return {Assignment::Done, *home_address};
  // Step 43: a new home address is one that was allocated and registered in advance.
  if (const auto spare = node.pool.take_spare(wanted ? wanted->address : Address{}, now.monotonic)) {
    node.home_addresses.append(*spare);
    upkeep_soon(node, now);
    return {Assignment::Done, spare->home_address};
  }
  if (wait) return {Assignment::WouldHelpToWait, {}};
  if (const auto sharing =
          least_harmful_sharing(node.home_addresses, flow, rules, usable, wanted ? wanted->interface : InterfaceIndex{0}))
    return {Assignment::Done, sharing->home_address};
  return {};
}

}  // namespace

Assignment assign_home_address_to(Node& node, const SeparatedPacket& packet, bool may_wait, Now now, Outputs& outputs) {
  const auto& attributes = packet.attributes;
  const Address& source = attributes.key.source;
  const auto* own = node.find(source);
  if (own == nullptr || own->leaving || own->at_home_on) return Assignment::None;
  if (!node.primary().live()) {
    // The default route is there only while the primary home address is bound, so this is its first registration or a
    // packet from before the loss.
    return may_wait && node.primary().registration.state() == RegistrationState::Registering ? Assignment::WouldHelpToWait
                                                                                             : Assignment::None;
  }

  const auto& policy_class = node.policy->classify(attributes);
  // Whoever bound the socket to another home address than the primary one chose it; the ends of a connection that is
  // under way know it by the address that it has; and some classes stay on the primary home address.
  // So do all while the node waits to return home.
  const bool keeps_source = is_on_home_link(node) || source != node.configuration.primary_home_address || !packet.begins_connection ||
                            policy_class.home_address == flow_separator::HomeAddressRule::Primary;
  if (keeps_source)
    return add_flow(node, attributes, source, false, now, outputs) ? Assignment::Done : Assignment::None;

  const auto choice = choose_interface(node.movement.table(), {.class_name = policy_class.name,
                                                               .interfaces = policy_class.interfaces,
                                                               .commanded = std::nullopt,
                                                               .current = 0});
  const auto selected = select_home_address(node, attributes, node.movement.care_of(choice.interface), may_wait, now);
  if (selected.outcome != Assignment::Done) return selected.outcome;
  return add_flow(node, attributes, selected.home_address, false, now, outputs) ? Assignment::Done : Assignment::None;
}

bool add_flow(Node& node, const flow_separator::FlowAttributes& attributes, const Address& home_address,
              bool initiated_by_correspondent, Now now, Outputs& outputs) {
  auto* address = node.find(home_address);
  if (address == nullptr || address->leaving || address->at_home_on || !address->carries_packets) return false;
  take_into_table(node, *address, now);

  const bool first_on_address = node.home_addresses.flows(home_address) == 0;
  flow_separator::FlowEntry flow;
  flow.information = attributes;
  flow.home_address = home_address;
  flow.binding_holder = node.configuration.home_agent;
  flow.class_name = node.policy->classify(attributes).name;
  flow.initiated_by_correspondent = initiated_by_correspondent;
  if (address->target) {
    flow.care_of_address = address->target->address;
    flow.interface = address->target->interface;
  }
  flow.interface_reason = "shares its home address with other flows";
  auto inserted = node.flows.insert(std::move(flow), now.monotonic);
  if (!inserted) {
    if (inserted.error() == flow_separator::InsertRefusal::Full)
      outputs.notices.push_back({Severity::Warning, "flow-table-full",
                                 "The flow table is full: new flows can not be moved on their own. Raise capacity in [flows]."});
    return false;
  }
  node.home_addresses.flow_added(home_address, attributes.key.correspondent, node.configuration.home_agent);
  if (inserted->evicted) flow_ended(node, *inserted->evicted, now, outputs);

  if (first_on_address) {
    // Nobody else depends on where this home address is bound: it goes where the flow's class wants it. The Binding Update,
    // if one is needed, leaves with the next upkeep.
    const auto choice = choice_for(node, *address);
    set_target(node, *address, node.movement.care_of(choice.interface), choice.reason);
    if (address->target != address->registration.wanted()) upkeep_soon(node, now);
  }
  // Only this flow: the others of the home address may be many, and nothing is new about them.
  node.flows.set_state(inserted->id, state_of_flows(*address), now.monotonic);
  plan_flow(node, *node.flows.find(inserted->id), false);
  return true;
}

}  // namespace mipflow::mobile_node
