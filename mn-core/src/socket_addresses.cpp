// SPDX-License-Identifier: GPL-3.0-or-later
#include "socket_addresses.hpp"

#include "flows.hpp"
#include "mipflow/flow-redirector/choose_interface.hpp"
#include "mipflow/hoa-alloc/figure6.hpp"
#include "returning_home.hpp"

namespace mipflow::mobile_node {

namespace {

using forwarding::SocketAddresses;

bool are_offered(const Node& node) {
  return node.configuration.socket_addresses && !node.stopping && node.plan.default_route && node.primary().live() &&
         !node.primary().at_home_on && !is_on_home_link(node);
}

// Flows of no particular class: those of a class with a home address of its own get that by rewriting, see assignment.cpp.
bool is_usable(const Node& node, const Address& home_address, TimePoint now) {
  const auto* address = node.find(home_address);
  return address != nullptr && address->live() && address->carries_packets && address->preferred_until > now &&
         !is_kept_from(node, home_address, node.policy->default_class());
}

void offer(const Node& node, const Address& home_address, SocketAddresses& out) {
  // The last place is the last resort's.
  if (out.steps.size() + 1 >= SocketAddresses::kMostSteps) return;
  out.steps.push_back({.home_address = home_address,
                       .held_by_home_agent = node.home_addresses.flows_with_holder(home_address, node.home_agents) > 0});
}

// Where flows of no particular class go; nullopt for nowhere.
std::optional<CareOf> usual_place(const Node& node) {
  const auto& policy_class = node.policy->default_class();
  const auto choice = choose_interface(node.movement.table(), {.class_name = policy_class.name,
                                                               .wish = policy_class.interfaces,
                                                               .commanded = std::nullopt,
                                                               .current = 0});
  return node.movement.care_of(choice.interface);
}

// WO 2004/057826, Figure 6: the steps of select_home_address() for flows that are not known yet. What is not known either
// is who will hold their bindings; that it is the home agent is the worst that can happen.
SocketAddresses offers(const Node& node, Now now) {
  const auto& entries = node.home_addresses.entries();
  const auto usable = [&](const hoa_alloc::HomeAddressEntry& entry) { return is_usable(node, entry.home_address, now.monotonic); };
  const auto place = usual_place(node);
  SocketAddresses out{.enabled = true};
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
    if (!node.home_addresses.is_primary(entry->home_address) && usable(*entry)) offer(node, entry->home_address, out);
  const bool offers_primary = !node.configuration.strict_primary && usable(entries.front());
  if (offers_primary && !node.configuration.avoid_primary) offer(node, entries.front().home_address, out);
  for (const auto& spare : node.pool.givable_spares(place ? place->address : Address{}, now.monotonic))  // step 43
    if (is_usable(node, spare, now.monotonic)) {
      offer(node, spare, out);
      out.steps.back().spare = true;
    }
  if (offers_primary && node.configuration.avoid_primary) offer(node, entries.front().home_address, out);
  // Who would rather wait than share waits with the first packet, which is held.
  if (node.configuration.wait_for_own_address) return out;
  const hoa_alloc::SelectionRules rules{.avoid_primary = node.configuration.avoid_primary, .strict_primary = node.configuration.strict_primary};
  if (const auto sharing = least_harmful_sharing(node.home_addresses, {.correspondent = {}, .binding_holder = node.home_agents}, rules,
                                                 usable, place ? place->interface : InterfaceIndex{0}))
    out.steps.push_back({.home_address = sharing->home_address, .shared_by_any = true});
  return out;
}

}  // namespace

void plan_socket_addresses(Node& node, Now now) {
  node.plan.socket_addresses = are_offered(node) ? offers(node, now) : SocketAddresses{};
}

void socket_source_used(Node& node, const flow_separator::FlowEntry& flow) {
  const Address& source = flow.information.key.source;
  if (source != flow.home_address && !node.home_addresses.is_primary(source)) ++node.socket_sources[source];
}

void socket_source_left(Node& node, const flow_separator::FlowEntry& flow, Now now, Outputs& outputs) {
  const Address& source = flow.information.key.source;
  if (source == flow.home_address) return;
  const auto found = node.socket_sources.find(source);
  if (found == node.socket_sources.end() || --found->second > 0) return;
  node.socket_sources.erase(found);
  leave_home_address(node, source, now, outputs);
}

void plan_home_address_user(Node& node, const Address& home_address, const Address& correspondent) {
  if (node.home_addresses.flows_to_correspondent(home_address, correspondent) > 0)
    node.plan.home_address_users.set({home_address, correspondent}, {});
  else
    node.plan.home_address_users.erase({home_address, correspondent});
}

}  // namespace mipflow::mobile_node
