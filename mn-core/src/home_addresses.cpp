// SPDX-License-Identifier: GPL-3.0-or-later
#include "home_addresses.hpp"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "acknowledgement_reaction.hpp"
#include "correspondent_registration.hpp"
#include "flows.hpp"
#include "forwarding.hpp"
#include "goodbye.hpp"
#include "home_agent_search.hpp"
#include "move_sequence.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {
namespace {

bool is_primary(const Node& node, const Address& home_address) {
  return home_address == node.configuration.primary_home_address;
}

// By value: the caller's reference may be into what is erased here.
void forget(Node& node, Address home_address, Now now) {
  forget_registrations_of(node, home_address, now);
  node.allocation.free(home_address);
  node.signalling.security().forget(home_address);
  node.pins_changed |= node.pinned.erase(home_address) > 0;
  const auto* address = node.find(home_address);
  if (address == nullptr) return;
  unplan_home_address(node, *address);
  const Address home_agent = address->registration.entry().peer;
  node.managed.erase(home_address);
  node.binding_updates.erase(home_address, home_agent);
  plan_home_agents(node);
}

void bound(Node& node, ManagedHomeAddress& address, Now now, Outputs& outputs) {
  const auto& care_of = *address.registration.acknowledged();
  const bool first = !address.carries_packets;
  address.carries_packets = true;
  address.former.reset();
  if (is_primary(node, address.home_address)) home_agent_accepted(node, now, outputs);
  if (first) node.fresh_registration_took = now.monotonic - address.registration.entry().exchange_started;
  if (node.pool.find(address.home_address) != nullptr) {
    node.pool.registered(address.home_address);
    if (first) node.spare_refused.reset();
  } else {
    node.home_addresses.set_care_of_address(address.home_address, care_of.address, care_of.interface);
  }
  plan_home_address(node, address);
  plan_home_agents(node);
  show_progress(node, address, now.monotonic);
  look_again(node, address.home_address, now);

  const auto status = address.registration.entry().last_status;
  const bool asked = status == wire::BindingStatus::AcceptedPrefixDiscoveryNecessary;
  if (is_primary(node, address.home_address)) {
    node.assume_bound = false;
    node.prefix_discovery.resume(now.monotonic);
    node.agent_service.registered(now.monotonic);
    if (first || asked) node.prefix_discovery.solicit(now.monotonic);
    plan_default_route(node);
    if (first) {
      outputs.notices.push_back({Severity::Info, "registered",
                                 "The home agent accepted the primary home address " + to_string(address.home_address) +
                                     " at care-of address " + to_string(care_of.address) + "."});
    }
  } else if (asked) {
    node.prefix_discovery.solicit(now.monotonic);
  }
  node.upkeep_due = now.monotonic;
  run_move_sequence(node, now, outputs);
  retry_held_packets(node, now, outputs);
}

void tell_refusal(const Node& node, const ManagedHomeAddress& address, wire::BindingStatus status, Outputs& outputs) {
  std::string text = "The home agent refused to bind home address " + to_string(address.home_address) + ": " +
                     wire::to_string(status);
  if (const std::string advice = advice_about(status); !advice.empty()) text += "; " + advice;
  outputs.notices.push_back({is_primary(node, address.home_address) ? Severity::Error : Severity::Warning,
                             "registration-refused", text + "."});
}

// Nothing will ever carry the flows of this home address again.
void lose(Node& node, Address home_address, Now now, Outputs& outputs) {
  end_flows_of(node, home_address, now, outputs);
  node.home_addresses.remove(home_address);
  forget(node, home_address, now);
}

void refused(Node& node, ManagedHomeAddress& address, Now now, Outputs& outputs) {
  const Address home_address = address.home_address;
  const auto status = address.registration.entry().last_status.value_or(wire::BindingStatus::ReasonUnspecified);
  const Reaction reaction = reaction_to(status, false);
  tell_refusal(node, address, status, outputs);
  if (status == wire::BindingStatus::NotHomeSubnet) node.prefix_discovery.solicit(now.monotonic);

  if (reaction == Reaction::AvoidCareOfAddress && address.registration.wanted()) {
    if (node.movement.refuse_care_of_address(*address.registration.wanted(), now.monotonic + kAvoidCareOfAddress,
                                             now.monotonic)) {
      choose_targets(node, now, outputs);
      node.upkeep_due = now.monotonic;
    }
    return;
  }
  if (is_primary(node, home_address)) {
    node.assume_bound = false;
    home_agent_refused(node, status, now, outputs);
    return plan_default_route(node);
  }

  if (reaction == Reaction::AbandonAddress) {
    node.allocation.duplicate(home_address);
    address.registration.give_up();
  }
  if (node.pool.find(home_address) != nullptr) {
    // A fresh address instead of a retry: the pool waits longer after every failure in a row.
    node.pool.failed(home_address, now.monotonic);
    node.spare_refused = status;
    forget(node, home_address, now);
  } else if (address.registration.given_up() && !address.registration.acknowledged()) {
    lose(node, home_address, now, outputs);
  }
  node.upkeep_due = now.monotonic;
}

void expired(Node& node, ManagedHomeAddress& address, Now now, Outputs& outputs) {
  if (const auto* pooled = node.pool.find(address.home_address)) {
    const auto entry = pooled->entry;
    node.pool.rebinding(address.home_address, entry.care_of_address, entry.interface);
  }
  outputs.notices.push_back({Severity::Warning, "binding-expired",
                             "The binding of home address " + to_string(address.home_address) +
                                 " ran out: the home agent did not answer in time."});
  if (address.registration.given_up()) {
    node.upkeep_due = now.monotonic;
    return lose(node, address.home_address, now, outputs);
  }
  show_progress(node, address, now.monotonic);
  if (is_primary(node, address.home_address)) plan_default_route(node);
}

// 3 + 6 + 12 s: home agents without prefix discovery exist.
constexpr unsigned kSolicitationsBeforeConfiguredPrefix = 3;

}  // namespace

std::optional<CareOf> way_out(const Node& node, const ManagedHomeAddress& address) {
  const auto path = data_path_of(node, address);
  const auto online = node.movement.online();
  const bool leads_somewhere =
      path && std::any_of(online.begin(), online.end(), [&](const CareOf& each) { return each.interface == path->interface; });
  if (leads_somewhere && node.movement.still_works(*path)) return path;
  return online.empty() ? std::nullopt : std::optional(online.front());
}

ManagedHomeAddress& manage(Node& node, const hoa_alloc::HomeAddressEntry& entry) {
  auto& update_list_entry = node.binding_updates.entry(entry.home_address, node.agents.serving());
  // RFC 6275 §11.7.1: the first sequence number is arbitrary, and better not to be guessed.
  update_list_entry.sequence = node.random.next_u16();
  auto& address = node.managed
                      .try_emplace(entry.home_address, update_list_entry, node.signalling,
                                   node.configuration.initial_bindack_timeout_first_reg)
                      .first->second;
  address.home_address = entry.home_address;
  address.origin = entry.origin;
  address.preferred_until = entry.preferred_until;
  address.valid_until = entry.valid_until;
  address.registration.set_home_address_valid_until(entry.valid_until);
  address.binding = ++node.last_binding;
  return address;
}

void free_home_address(Node& node, ManagedHomeAddress& address, Now now, Outputs& outputs) {
  release_registrations_of(node, address.home_address, now, outputs);
  unplan_home_address(node, address);
  const auto from = way_out(node, address);
  address.leaving = true;
  registration_changed(node, address.home_address, address.registration.release(from, now, outputs), now, outputs);
}

void reroute_releases(Node& node, Now now, Outputs& outputs) {
  std::vector<Address> leaving;
  for (const auto& [home_address, address] : node.managed)
    if (const auto& wanted = address.registration.wanted(); address.leaving && (!wanted || !node.movement.still_works(*wanted)))
      leaving.push_back(home_address);
  for (const auto& home_address : leaving) {
    auto& address = *node.find(home_address);
    registration_changed(node, home_address, address.registration.release(way_out(node, address), now, outputs), now, outputs);
  }
}

void registration_changed(Node& node, const Address& home_address, RegistrationChange change, Now now, Outputs& outputs) {
  auto* address = node.find(home_address);
  if (address == nullptr) return;
  switch (change) {
    case RegistrationChange::None: return;
    case RegistrationChange::Bound: return bound(node, *address, now, outputs);
    case RegistrationChange::Refused: return refused(node, *address, now, outputs);
    case RegistrationChange::Expired: return expired(node, *address, now, outputs);
    case RegistrationChange::Released:
      if (address->leaving)
        forget(node, home_address, now);
      else if (address->going_home)
        arrived_home(node, *address, now, outputs);
      else if (node.stopping)
        released_at_goodbye(node, *address);
      return;
  }
}

void keep_pool(Node& node, Now now, Outputs& outputs) {
  // New addresses are asked for under the primary one's binding.
  if (node.stopping || !node.primary().live() || node.returning_home.phase != ReturningHome::Phase::Away) return;
  const auto& primary = node.primary();
  std::vector<hoa_alloc::Uplink> uplinks;
  for (const auto& care_of : node.movement.online()) {
    const bool anchored = primary.target == care_of && primary.registration.acknowledged() == care_of;
    uplinks.push_back({.interface = care_of.interface, .care_of_address = care_of.address, .anchored = anchored});
  }
  bool needs_prefix = false;
  for (const auto& action : node.pool.actions(uplinks, node.home_addresses.size(), now.monotonic)) {
    if (const auto* allocate = std::get_if<hoa_alloc::AllocateAddress>(&action)) {
      auto allocated = node.allocation.allocate(now.monotonic);
      if (!allocated) {
        needs_prefix = needs_prefix || allocated.error() == hoa_alloc::AllocationRefusal::NoPrefix;
        continue;
      }
      const hoa_alloc::HomeAddressEntry entry{.home_address = allocated->home_address,
                                              .care_of_address = allocate->care_of_address,
                                              .interface = allocate->interface,
                                              .origin = allocated->origin,
                                              .preferred_until = allocated->preferred_until,
                                              .valid_until = allocated->valid_until};
      auto& address = manage(node, entry);
      node.pool.registering(entry, allocate->purpose);
      set_target(node, address, CareOf{allocate->care_of_address, allocate->interface}, {});
    } else if (const auto* rebind = std::get_if<hoa_alloc::RebindAddress>(&action)) {
      if (auto* address = node.find(rebind->home_address)) {
        node.pool.rebinding(rebind->home_address, rebind->care_of_address, rebind->interface);
        set_target(node, *address, CareOf{rebind->care_of_address, rebind->interface}, {});
      }
    } else if (const auto* release = std::get_if<hoa_alloc::ReleaseAddress>(&action)) {
      node.pool.released(release->home_address);
      if (auto* address = node.find(release->home_address)) free_home_address(node, *address, now, outputs);
    }
  }
  if (needs_prefix) node.prefix_discovery.solicit(now.monotonic);
  run_move_sequence(node, now, outputs);
  // An address that was sent to where it is bound already gets no acknowledgement that would say so.
  std::vector<Address> already_there;
  for (const auto& pooled : node.pool.addresses()) {
    const auto* address = node.find(pooled.entry.home_address);
    if (!pooled.registered && address != nullptr && address->registration.is_bound_where_wanted() &&
        address->registration.acknowledged() == CareOf{pooled.entry.care_of_address, pooled.entry.interface})
      already_there.push_back(pooled.entry.home_address);
  }
  for (const auto& home_address : already_there) node.pool.registered(home_address);
}

void set_lifetimes(Node& node, ManagedHomeAddress& address, TimePoint preferred_until, TimePoint valid_until, Now now,
                   Outputs& outputs) {
  const bool shorter = valid_until < address.valid_until;
  address.preferred_until = preferred_until;
  address.valid_until = valid_until;
  address.registration.set_home_address_valid_until(valid_until);
  node.home_addresses.set_lifetimes(address.home_address, preferred_until, valid_until);
  node.pool.set_lifetimes(address.home_address, preferred_until, valid_until);
  // RFC 6275 §11.7.1: no binding outlives its home address.
  if (shorter && address.registration.entry().expires_at > valid_until) address.registration.refresh(now, outputs);
}

void lose_home_address(Node& node, const Address& home_address, Now now, Outputs& outputs) {
  end_flows_of(node, home_address, now, outputs);
  node.home_addresses.remove(home_address);
  node.pool.released(home_address);
  if (auto* address = node.find(home_address)) free_home_address(node, *address, now, outputs);
}

void prefixes_changed(Node& node, Now now, Outputs& outputs) {
  for (const auto& prefix : node.prefix_discovery.take_expired(now.monotonic)) {
    node.prefix_allocation.remove_prefix(prefix);
    std::vector<Address> gone;
    for (const auto& [home_address, address] : node.managed)
      if (!is_primary(node, home_address) && !address.leaving && prefix.contains(home_address)) gone.push_back(home_address);
    outputs.notices.push_back({Severity::Warning, "home-prefix-expired",
                               "The home prefix " + to_string(prefix) + " is no longer valid; " +
                                   std::to_string(gone.size()) + " home addresses below it are given up."});
    for (const auto& home_address : gone) lose_home_address(node, home_address, now, outputs);
  }
  for (const auto& [prefix, known] : node.prefix_discovery.prefixes()) {
    node.prefix_allocation.set_prefix({prefix, known.preferred_until, known.valid_until});
    for (auto& [home_address, address] : node.managed) {
      // A leased address lives as long as its lease, whatever the prefix would allow.
      const bool leased = address.origin == hoa_alloc::Origin::Dhcpv6;
      if (!address.leaving && !leased && prefix.contains(home_address))
        set_lifetimes(node, address, known.preferred_until, known.valid_until, now, outputs);
    }
  }
  node.upkeep_due = now.monotonic;
}

void prefix_deadlines(Node& node, Now now, Outputs& outputs) {
  if (node.prefix_discovery.next_deadline() > now.monotonic) return;
  if (node.prefix_discovery.has_expired(now.monotonic)) prefixes_changed(node, now, outputs);
  if (!node.prefix_discovery.is_due(now.monotonic)) return;
  const auto& path = node.primary().registration.acknowledged();
  if (!path || !node.movement.still_works(*path)) return node.prefix_discovery.postpone();
  const auto identifier = node.prefix_discovery.on_deadline(now.monotonic);
  if (!identifier) return;
  if (!node.prefix_discovery.answered() && node.prefix_discovery.unanswered() > kSolicitationsBeforeConfiguredPrefix &&
      node.prefix_allocation.prefixes().empty() && node.prefix_allocation.set_prefix({.prefix = node.configuration.home_prefix})) {
    node.upkeep_due = now.monotonic;
    outputs.notices.push_back({Severity::Warning, "prefix-discovery-unanswered",
                               "The home agent does not answer Mobile Prefix Solicitations; home addresses are formed below "
                               "the configured home prefix " + to_string(node.configuration.home_prefix) + "."});
  }
  node.signalling.send_mobile_prefix_solicitation(*identifier, *path, now, outputs);
}

void registration_deadlines(Node& node, Now now, Outputs& outputs) {
  std::vector<std::pair<Address, RegistrationChange>> changes;
  for (auto& [home_address, address] : node.managed) {
    if (address.registration.next_deadline() > now.monotonic) continue;
    const auto change = address.registration.on_deadline(now, outputs);
    if (change != RegistrationChange::None) changes.emplace_back(home_address, change);
  }
  for (const auto& [home_address, change] : changes) registration_changed(node, home_address, change, now, outputs);
}

}  // namespace mipflow::mobile_node
