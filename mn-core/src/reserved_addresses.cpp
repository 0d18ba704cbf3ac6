// SPDX-License-Identifier: GPL-3.0-or-later
// WO 2004/057826: a home address can be given to an application for good, for example for voice, so that it is known by it.
// The operator does so by a class with a fixed home address: it stays registered with flows or without.
#include <algorithm>
#include <vector>

#include "flows.hpp"
#include "home_addresses.hpp"
#include "move_sequence.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {
namespace {

// Why the address can not be reserved, as half a sentence; empty when it can.
std::string why_not(const Node& node, const Address& home_address) {
  if (home_address == node.configuration.primary_home_address) return "it is the primary home address; write home-address = \"primary\"";
  const auto& prefixes = node.prefix_allocation.prefixes();
  const bool known = std::any_of(prefixes.begin(), prefixes.end(), [&](const auto& item) { return item.prefix.contains(home_address); });
  if (!known && !node.configuration.home_prefix.contains(home_address)) return "it is below no home prefix";
  if (node.home_addresses.size() >= node.configuration.home_address_cap) return "there are too many home addresses (cap in [home-addresses])";
  return {};
}

void reserve(Node& node, const Address& home_address, Outputs& outputs) {
  if (const std::string reason = why_not(node, home_address); !reason.empty()) {
    if (node.told_not_reserved.insert(home_address).second)
      outputs.notices.push_back({Severity::Warning, "home-address-not-reserved",
                                 "The policy's home address " + to_string(home_address) + " is not used: " + reason + "."});
    return;
  }
  node.told_not_reserved.erase(home_address);
  node.pins_changed |= node.reserved.insert(home_address).second;
  if (node.find(home_address) == nullptr) {
    const hoa_alloc::HomeAddressEntry entry{.home_address = home_address, .origin = hoa_alloc::Origin::Prefix};
    node.prefix_allocation.reserve(home_address);
    manage(node, entry);
  }
  if (node.home_addresses.contains(home_address)) return;
  const auto* pooled = node.pool.find(home_address);
  node.home_addresses.append(pooled != nullptr ? pooled->entry : hoa_alloc::HomeAddressEntry{.home_address = home_address});
  node.pool.released(home_address);
}

}  // namespace

void keep_reserved_addresses(Node& node, Now now, Outputs& outputs) {
  if (node.stopping || !node.primary().live() || node.primary().at_home_on) return;
  std::set<Address> wanted;
  for (const auto& policy_class : node.policy->classes())
    if (policy_class.fixed_home_address) wanted.insert(*policy_class.fixed_home_address);

  std::vector<Address> dropped;
  std::set_difference(node.reserved.begin(), node.reserved.end(), wanted.begin(), wanted.end(), std::back_inserter(dropped));
  for (const auto& home_address : dropped) {
    node.pins_changed |= node.reserved.erase(home_address) > 0;
    if (!node.home_addresses.removable(home_address)) continue;  // its flows go on; the address leaves with the last one
    node.home_addresses.remove(home_address);
    if (auto* address = node.find(home_address)) free_home_address(node, *address, now, outputs);
  }
  bool fresh = false;
  for (const auto& home_address : wanted) {
    const auto* address = node.find(home_address);
    if (node.reserved.contains(home_address) && address != nullptr) continue;
    if (address != nullptr && address->leaving) continue;
    reserve(node, home_address, outputs);
    auto* reserved = node.find(home_address);
    if (reserved == nullptr || !node.reserved.contains(home_address)) continue;
    choose_target(node, *reserved, now);
    fresh = true;
  }
  if (fresh) run_move_sequence(node, now, outputs);
}

}  // namespace mipflow::mobile_node
