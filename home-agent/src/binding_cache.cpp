// SPDX-License-Identifier: GPL-3.0-or-later
#include "binding_cache.hpp"

#include <algorithm>
#include <cassert>

namespace mipflow::home_agent {

Binding* BindingCache::find(const Address& home_address) {
  const auto found = bindings_.find(home_address);
  return found == bindings_.end() ? nullptr : &found->second;
}

const Binding* BindingCache::find(const Address& home_address) const {
  const auto found = bindings_.find(home_address);
  return found == bindings_.end() ? nullptr : &found->second;
}

const Binding* BindingCache::find_bound(const Address& home_address) const {
  const Binding* binding = find(home_address);
  return binding != nullptr && binding->state == BindingState::Bound ? binding : nullptr;
}

Binding& BindingCache::insert(const Binding& binding) {
  const auto [position, inserted] = bindings_.emplace(binding.home_address, binding);
  assert(inserted);
  add_to_owner(binding);
  if (binding.ends != kNever) ends_.set(binding.home_address, binding.ends);
  return position->second;
}

void BindingCache::erase(const Address& home_address) {
  const auto found = bindings_.find(home_address);
  if (found == bindings_.end()) return;
  if (found->second.state == BindingState::Bound) touched_.insert(home_address);
  remove_from_owner(found->second);
  ends_.cancel(home_address);
  bindings_.erase(found);
}

void BindingCache::enter(Binding& binding, BindingState state, TimePoint ends) {
  Owner& owner = owners_.at(binding.primary_home_address);
  if (is_live(binding.state)) --owner.live;
  if (is_live(state)) ++owner.live;
  if (binding.state == BindingState::Bound || state == BindingState::Bound) touched_.insert(binding.home_address);
  binding.state = state;
  binding.ends = ends;
  if (ends == kNever)
    ends_.cancel(binding.home_address);
  else
    ends_.set(binding.home_address, ends);
}

void BindingCache::change_owner(Binding& binding, const Address& primary_home_address) {
  assert(binding.state == BindingState::Deleted);
  remove_from_owner(binding);
  binding.primary_home_address = primary_home_address;
  add_to_owner(binding);
}

const std::vector<Address>& BindingCache::home_addresses_of(const Address& primary_home_address) const {
  static const std::vector<Address> kNone;
  const auto found = owners_.find(primary_home_address);
  return found == owners_.end() ? kNone : found->second.home_addresses;
}

std::size_t BindingCache::live_count(const Address& primary_home_address) const {
  const auto found = owners_.find(primary_home_address);
  return found == owners_.end() ? 0 : found->second.live;
}

void BindingCache::add_to_owner(const Binding& binding) {
  Owner& owner = owners_[binding.primary_home_address];
  owner.home_addresses.push_back(binding.home_address);
  if (is_live(binding.state)) ++owner.live;
}

void BindingCache::remove_from_owner(const Binding& binding) {
  const auto owner = owners_.find(binding.primary_home_address);
  auto& addresses = owner->second.home_addresses;
  const auto position = std::ranges::find(addresses, binding.home_address);
  *position = addresses.back();
  addresses.pop_back();
  if (is_live(binding.state)) --owner->second.live;
  if (addresses.empty()) owners_.erase(owner);
}

}  // namespace mipflow::home_agent
