// SPDX-License-Identifier: GPL-3.0-or-later
// WO 2004/057826, Figure 4, step 23: a home address for a new flow, by Figure 6, and a care-of address for that.
#include <algorithm>
#include <utility>

#include "bypass.hpp"
#include "flows.hpp"
#include "forwarding.hpp"
#include "mipflow/hoa-alloc/figure6.hpp"
#include "route_optimization.hpp"
#include "socket_addresses.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {
namespace {

// Binding Updates of a new flow leave after the verdict of its first packet: that one takes the present path anyway.
void upkeep_soon(Node& node, Now now) { node.upkeep_due = std::min(node.upkeep_due, now.monotonic); }

// A first registration that the home agent is expected to answer within `patience`.
bool finishes_soon(const Node& node, const ManagedHomeAddress& address, Duration patience, Now now) {
  if (address.leaving || address.registration.state() != RegistrationState::Registering) return false;
  const Duration waited = now.monotonic - address.registration.entry().exchange_started;
  const Duration usual = node.fresh_registration_took;
  // Twice the usual time and still no answer: it may have been lost, waiting for it is a bet.
  return waited + patience >= usual && waited <= 2 * usual;
}

bool a_spare_finishes_soon(const Node& node, Duration patience, Now now) {
  const auto& pooled = node.pool.addresses();
  return std::any_of(pooled.begin(), pooled.end(), [&](const auto& item) {
    if (item.registered || item.purpose != hoa_alloc::PoolPurpose::Spare) return false;
    const auto* address = node.find(item.entry.home_address);
    return address != nullptr && finishes_soon(node, *address, patience, now);
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

// The home address that the policy has given to the flow's class for good. nullopt while it is not registered, and when
// its flows could not be told apart: then the flow is one like any other.
std::optional<Address> fixed_home_address_for(const Node& node, const flow_separator::FlowAttributes& attributes,
                                              const flow_separator::PolicyClass& policy_class) {
  if (!policy_class.fixed_home_address) return std::nullopt;
  const auto* address = node.find(*policy_class.fixed_home_address);
  if (address == nullptr || !address->live()) return std::nullopt;
  if (node.flows.find_arrival(flow_separator::arrival_key(attributes.key, address->home_address)) != nullptr) return std::nullopt;
  return address->home_address;
}

}  // namespace

bool is_kept_from(const Node& node, const Address& home_address, const flow_separator::PolicyClass& policy_class) {
  if (node.reserved.contains(home_address)) return true;
  for (const auto& [class_name, address] : node.of_class)
    if (address == home_address && class_name != policy_class.name) return true;
  const auto& flows = node.flows.flows_of(home_address);
  return flows.size() == 1 && class_of(node, *node.flows.find(*flows.begin())).home_address == flow_separator::HomeAddressRule::Own;
}

namespace {

// The home address that all flows of the class share, once the first has one.
std::optional<Address> class_home_address_for(const Node& node, const flow_separator::FlowAttributes& attributes,
                                              const flow_separator::PolicyClass& policy_class, Now now) {
  if (policy_class.home_address != flow_separator::HomeAddressRule::Class) return std::nullopt;
  const auto found = node.of_class.find(policy_class.name);
  if (found == node.of_class.end()) return std::nullopt;
  const auto* address = node.find(found->second);
  if (address == nullptr || !address->live() || address->preferred_until <= now.monotonic) return std::nullopt;
  if (node.flows.find_arrival(flow_separator::arrival_key(attributes.key, address->home_address)) != nullptr) return std::nullopt;
  return address->home_address;
}

struct Selected {
  Assignment outcome = Assignment::None;
  Address home_address{};
  const char* reason = "";
};

// Figure 6 with the pool of spares as step 43, and what remains when there is no home address left.
Selected select_home_address(Node& node, const flow_separator::FlowAttributes& attributes,
                             const flow_separator::PolicyClass& policy_class, const std::optional<CareOf>& wanted,
                             Duration patience, Now now) {
  const auto usable = [&](const hoa_alloc::HomeAddressEntry& entry) {
    const auto* address = node.find(entry.home_address);
    return address != nullptr && address->live() && address->preferred_until > now.monotonic &&
           !is_kept_from(node, entry.home_address, policy_class) &&
           node.flows.find_arrival(flow_separator::arrival_key(attributes.key, entry.home_address)) == nullptr;
  };
  // Route optimisation is counted on where it has worked before; else a tunnelled flow is the worst that can happen.
  const auto* known = node.correspondents.find(attributes.key.correspondent);
  const bool optimised = known != nullptr && known->has_bound && node.configuration.route_optimization &&
                         policy_class.route_optimization != flow_separator::RouteOptimization::No;
  const hoa_alloc::NewFlow flow{.correspondent = attributes.key.correspondent,
                                .binding_holder = optimised ? attributes.key.correspondent : node.home_agents};
  const hoa_alloc::SelectionRules rules{.question = hoa_alloc::IndependenceQuestion::SameBindingHolder,
                                        .avoid_primary = node.configuration.avoid_primary,
                                        .strict_primary = node.configuration.strict_primary};
  const bool has_spare = node.pool.has_spare(now.monotonic);
  const bool wait =
      node.configuration.wait_for_own_address && patience > Duration{} && !has_spare && a_spare_finishes_soon(node, patience, now);

  // A flow that a binding of another kind has with the same correspondent node would move together with this one, too:
  // that node sends everything for a home address to one place.
  const auto independent = [&](const hoa_alloc::HomeAddressEntry& entry) {
    const bool alone = policy_class.home_address == flow_separator::HomeAddressRule::Own ||
                       policy_class.home_address == flow_separator::HomeAddressRule::Class;
    if (alone && node.home_addresses.flows(entry.home_address) > 0) return false;
    return usable(entry) && node.home_addresses.flows_to_correspondent(entry.home_address, flow.correspondent) == 0;
  };
  if (const auto home_address = assign_home_address(node.home_addresses, flow, rules, independent, has_spare || wait))
    return {Assignment::Done, *home_address, "no flow that it would move together with has it (Figure 6)"};
  // Step 43: a new home address is one that was allocated and registered in advance.
  if (const auto spare = node.pool.take_spare(wanted ? wanted->address : Address{}, now.monotonic)) {
    node.home_addresses.append(*spare);
    upkeep_soon(node, now);
    return {Assignment::Done, spare->home_address, "a new one for it alone, registered in advance (Figure 6, step 43)"};
  }
  if (wait) return {Assignment::WouldHelpToWait};
  if (const auto sharing =
          least_harmful_sharing(node.home_addresses, flow, rules, usable, wanted ? wanted->interface : InterfaceIndex{0}))
    return {Assignment::Done, sharing->home_address, "it shares one: there was no other at that moment"};
  return {};
}

std::string why_it_keeps(const Node& node, const SeparatedPacket& packet) {
  if (packet.source_was_offered) return "its socket took it when it connected: no flow that it would move together with had it (Figure 6)";
  if (packet.attributes.key.source != node.configuration.primary_home_address) return "its socket has this address";
  if (!packet.begins_connection) return "the connection was under way with it";
  return "the primary one, as the host is about to be at home";
}

// What `mipflow run --via` asked for, as long as it can be used.
std::optional<InterfaceIndex> wanted_interface(const Node& node, const flow_separator::FlowAttributes& attributes) {
  if (attributes.owner == nullptr || attributes.owner->wanted_interface.empty()) return std::nullopt;
  const auto* interface = node.movement.table().find(attributes.owner->wanted_interface);
  return interface == nullptr || !interface->usable() ? std::nullopt : std::optional(interface->index);
}

// False for the source that any socket has by default. What the programs on sockets gave away is one of those that Figure 6
// offers, which flows of some classes must not have: they go on as if the socket had none.
bool has_chosen_source(const Node& node, const SeparatedPacket& packet, const flow_separator::PolicyClass& policy_class) {
  const Address& source = packet.attributes.key.source;
  if (source == node.configuration.primary_home_address) return false;
  if (!packet.source_was_offered) return true;
  switch (policy_class.home_address) {
    case flow_separator::HomeAddressRule::Figure6: return !policy_class.bypass;
    case flow_separator::HomeAddressRule::Own: return !policy_class.bypass && node.home_addresses.flows(source) == 0;
    case flow_separator::HomeAddressRule::Primary:
    case flow_separator::HomeAddressRule::Fixed:
    case flow_separator::HomeAddressRule::Class: return false;
  }
  return true;
}

Assignment assign_by_class(Node& node, const flow_separator::FlowAttributes& attributes, const flow_separator::PolicyClass& policy_class,
                           Duration patience, Now now, Outputs& outputs) {
  const auto add = [&](const Address& home_address, std::string reason) {
    return add_flow(node, attributes, policy_class, home_address, std::move(reason), false, now, outputs) ? Assignment::Done : Assignment::None;
  };
  if (policy_class.bypass && bypass(node, attributes, policy_class, now, outputs)) return Assignment::Done;
  if (policy_class.home_address == flow_separator::HomeAddressRule::Primary)
    return add(node.configuration.primary_home_address, "policy class '" + policy_class.name + "' stays on the primary home address");
  if (const auto fixed = fixed_home_address_for(node, attributes, policy_class))
    return add(*fixed, "policy class '" + policy_class.name + "' has it for good");
  if (const auto shared = class_home_address_for(node, attributes, policy_class, now))
    return add(*shared, "all flows of policy class '" + policy_class.name + "' share it");

  const auto choice = choose_interface(node.movement.table(), {.class_name = policy_class.name,
                                                               .wish = policy_class.interfaces,
                                                               .commanded = wanted_interface(node, attributes),
                                                               .current = 0});
  const auto selected = select_home_address(node, attributes, policy_class, node.movement.care_of(choice.interface), patience, now);
  if (selected.outcome != Assignment::Done) return selected.outcome;
  const auto outcome = add(selected.home_address, selected.reason);
  if (outcome == Assignment::Done && policy_class.home_address == flow_separator::HomeAddressRule::Class)
    node.of_class.insert_or_assign(policy_class.name, selected.home_address);
  return outcome;
}

}  // namespace

Assignment assign_home_address_to(Node& node, const SeparatedPacket& packet, Duration patience, Now now, Outputs& outputs) {
  const auto& attributes = packet.attributes;
  const Address& source = attributes.key.source;
  const auto* own = node.find(source);
  if (own == nullptr || own->leaving || own->at_home_on) return Assignment::None;
  if (!node.primary().live()) {
    // The default route is there only while the primary home address is bound, so this is its first registration or a
    // packet from before the loss.
    return patience > Duration{} && node.primary().registration.state() == RegistrationState::Registering ? Assignment::WouldHelpToWait
                                                                                             : Assignment::None;
  }

  const auto& policy_class = node.policy->classify(attributes, node.time_of_day);
  // Whoever bound the socket to another home address than the primary one chose it, and the ends of a connection that is
  // under way know it by the address that it has. So do all keep theirs while the node waits to return home.
  if (is_on_home_link(node) || has_chosen_source(node, packet, policy_class) || !packet.begins_connection)
    return add_flow(node, attributes, policy_class, source, why_it_keeps(node, packet), false, now, outputs) ? Assignment::Done : Assignment::None;
  const auto outcome = assign_by_class(node, attributes, policy_class, patience, now, outputs);
  if (outcome == Assignment::Done && source != node.configuration.primary_home_address) {
    take_into_table(node, *own, now);
    socket_source_used(node, *node.flows.find(attributes.key));
  }
  return outcome;
}

bool add_flow(Node& node, const flow_separator::FlowAttributes& attributes, const flow_separator::PolicyClass& policy_class,
              const Address& home_address, std::string reason, bool initiated_by_correspondent, Now now, Outputs& outputs) {
  auto* address = node.find(home_address);
  if (address == nullptr || address->leaving || address->at_home_on || !address->carries_packets) return false;
  take_into_table(node, *address, now);

  const bool first_on_address = node.home_addresses.flows(home_address) == 0;
  flow_separator::FlowEntry flow;
  flow.information = attributes;
  flow.home_address = home_address;
  flow.binding_holder = node.home_agents;
  flow.class_name = policy_class.name;
  flow.initiated_by_correspondent = initiated_by_correspondent;
  if (address->target) {
    flow.care_of_address = address->target->address;
    flow.interface = address->target->interface;
  }
  flow.interface_reason = "shares its home address with other flows";
  flow.home_address_reason = std::move(reason);
  flow.commanded_interface = wanted_interface(node, attributes);
  auto inserted = node.flows.insert(std::move(flow), now.monotonic);
  if (!inserted) {
    if (inserted.error() == flow_separator::InsertRefusal::Full)
      outputs.notices.push_back({Severity::Warning, "flow-table-full",
                                 "The flow table is full: new flows can not be moved on their own. Raise capacity in [flows]."});
    return false;
  }
  node.home_addresses.flow_added(home_address, attributes.key.correspondent, node.home_agents);
  plan_home_address_user(node, home_address, attributes.key.correspondent);
  if (inserted->evicted) flow_ended(node, *inserted->evicted, now, outputs);

  if (first_on_address) {
    // Nobody else depends on where this home address is bound: it goes where the flow's class wants it. The Binding Update,
    // if one is needed, leaves with the next upkeep.
    const auto choice = choice_for(node, *address, now);
    set_target(node, *address, node.movement.care_of(choice.interface), choice.reason);
    if (address->target != address->registration.wanted()) upkeep_soon(node, now);
  }
  // Only this flow: the others of the home address may be many, and nothing is new about them.
  flow_came(node, inserted->id, now);
  node.flows.set_state(inserted->id, state_of_flow(node, *node.flows.find(inserted->id), *address), now.monotonic);
  plan_flow(node, *node.flows.find(inserted->id), false);
  return true;
}

}  // namespace mipflow::mobile_node
