// SPDX-License-Identifier: GPL-3.0-or-later
#include "address_leases.hpp"

#include <algorithm>
#include <chrono>

namespace mipflow::home_agent {

const GivenLease* AddressLeases::find(const Address& home_address) const {
  const auto found = leases_.find(home_address);
  return found == leases_.end() ? nullptr : &found->second;
}

const std::vector<Address>& AddressLeases::of(const Address& mobile_node) const {
  static const std::vector<Address> kNone;
  const auto found = by_mobile_node_.find(mobile_node);
  return found == by_mobile_node_.end() ? kNone : found->second;
}

bool AddressLeases::add(const GivenLease& lease) {
  if (!leases_.emplace(lease.terms.home_address, lease).second) return false;
  by_mobile_node_[lease.mobile_node].push_back(lease.terms.home_address);
  return true;
}

void AddressLeases::set_terms(const Address& home_address, const AddressLease& terms) {
  if (const auto found = leases_.find(home_address); found != leases_.end()) found->second.terms = terms;
}

void AddressLeases::erase(const Address& home_address) {
  const auto found = leases_.find(home_address);
  if (found == leases_.end()) return;
  const auto owner = by_mobile_node_.find(found->second.mobile_node);
  std::erase(owner->second, home_address);
  if (owner->second.empty()) by_mobile_node_.erase(owner);
  leases_.erase(found);
}

wire::HomeAddressLifetimes lifetimes_of(const AddressLease& lease, TimePoint now) {
  const auto seconds_until = [now](TimePoint end) {
    if (end == kNever) return wire::kInfiniteLifetime;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(end - now).count();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, wire::kInfiniteLifetime - 1));
  };
  const std::uint32_t valid = seconds_until(lease.valid_until);
  return {lease.home_address, std::min(seconds_until(lease.preferred_until), valid), valid};
}

}  // namespace mipflow::home_agent
