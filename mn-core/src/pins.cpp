// SPDX-License-Identifier: GPL-3.0-or-later
#include "pins.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "home_addresses.hpp"
#include "mipflow/mn-core/kept_home_addresses.hpp"
#include "move_sequence.hpp"
#include "node.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {
namespace {

// An end that is further away is none: the bound keeps the sums inside the clock's range.
constexpr Duration kForever = std::chrono::hours{24 * 365 * 100};

Duration wall_of(TimePoint end, Now now) { return end == kNever ? Duration::max() : now.wall + (end - now.monotonic); }
TimePoint time_of(Duration wall, Now now) { return wall - now.wall > kForever ? kNever : now.monotonic + (wall - now.wall); }

bool policy_fixes(const Node& node, const Address& home_address) {
  const auto& classes = node.policy->classes();
  return std::any_of(classes.begin(), classes.end(), [&](const auto& each) { return each.fixed_home_address == home_address; });
}

// Why the address is not had again, as half a sentence; empty when it is.
std::string why_not(const Node& node, const KeptHomeAddress& kept, Now now) {
  if (time_of(kept.wall_valid, now) <= now.monotonic) return "it was valid until a time that is over";
  if (node.find(kept.home_address) != nullptr) return {};
  const auto& prefixes = node.prefix_allocation.prefixes();
  const bool known = std::any_of(prefixes.begin(), prefixes.end(), [&](const auto& item) { return item.prefix.contains(kept.home_address); });
  if (!known && !node.configuration.home_prefix.contains(kept.home_address)) return "it is below no home prefix";
  if (!node.pool.has_room(node.home_addresses.size())) return "there are too many home addresses (cap in [home-addresses])";
  return {};
}

// As if it had been allocated by this daemon.
void take_up(Node& node, const KeptHomeAddress& kept, Now now) {
  const hoa_alloc::HomeAddressEntry entry{.home_address = kept.home_address,
                                          .origin = kept.origin,
                                          .preferred_until = time_of(kept.wall_preferred, now),
                                          .valid_until = time_of(kept.wall_valid, now)};
  node.allocation.adopt({.home_address = entry.home_address,
                         .origin = entry.origin,
                         .preferred_until = entry.preferred_until,
                         .valid_until = entry.valid_until});
  auto* address = node.find(kept.home_address);
  if (address == nullptr) {
    address = &manage(node, entry);
  } else if (hoa_alloc::is_lease(kept.origin)) {
    // A flow of before the restart brought it.
    address->origin = kept.origin;
    address->preferred_until = entry.preferred_until;
    address->valid_until = entry.valid_until;
    address->registration.set_home_address_valid_until(entry.valid_until);
  }
  node.pool.released(kept.home_address);
  node.home_addresses.append(entry);
  if (kept.pinned) node.pinned.insert(kept.home_address);
  if (!address->target) choose_target(node, *address, now);
}

}  // namespace

void take_up_pins(Node& node, Now now, Outputs& outputs) {
  if (node.kept_addresses.empty() || node.stopping || !node.primary().live() || node.primary().at_home_on) return;
  for (const auto& kept : std::exchange(node.kept_addresses, {})) {
    if (const auto* address = node.find(kept.home_address); address != nullptr && address->leaving) continue;
    if (!kept.pinned && !policy_fixes(node, kept.home_address)) {
      // Nobody wants it any more.
      node.allocation.adopt({.home_address = kept.home_address, .origin = kept.origin});
      node.allocation.free(kept.home_address);
      node.pins_changed = true;
      continue;
    }
    if (const std::string reason = why_not(node, kept, now); !reason.empty()) {
      outputs.notices.push_back({Severity::Warning, "home-address-not-kept",
                                 "The home address " + to_string(kept.home_address) + " of before the restart is given up: " + reason + "."});
      node.pins_changed = true;
      continue;
    }
    take_up(node, kept, now);
  }
  run_move_sequence(node, now, outputs);
}

void keep_pins(Node& node, Now now, Outputs& outputs) {
  if (!std::exchange(node.pins_changed, false)) return;
  std::vector<KeptHomeAddress> kept;
  std::set<Address> all(node.pinned);
  all.insert(node.reserved.begin(), node.reserved.end());
  for (const auto& home_address : all) {
    const auto* address = node.find(home_address);
    const bool pinned = node.pinned.contains(home_address);
    if (address == nullptr || address->leaving || (!pinned && !hoa_alloc::is_lease(address->origin))) continue;
    // The ends of others follow their prefix, which will be asked for.
    const bool ends = hoa_alloc::is_lease(address->origin);
    kept.push_back({.home_address = home_address,
                    .pinned = pinned,
                    .origin = ends ? address->origin : hoa_alloc::Origin::Prefix,
                    .wall_preferred = ends ? wall_of(address->preferred_until, now) : Duration::max(),
                    .wall_valid = ends ? wall_of(address->valid_until, now) : Duration::max()});
  }
  // Those that still wait for the primary home address.
  kept.insert(kept.end(), node.kept_addresses.begin(), node.kept_addresses.end());
  outputs.kept.push_back({kKeptHomeAddresses, write_kept_home_addresses(kept)});
}

}  // namespace mipflow::mobile_node
