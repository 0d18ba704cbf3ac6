// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/hoa-alloc/prefix_allocation.hpp"

#include <algorithm>

#include "mipflow/hoa-alloc/address_formation.hpp"

namespace mipflow::hoa_alloc {

bool PrefixAllocation::set_prefix(const HomePrefix& prefix) {
  if (prefix.prefix.length() != 64) return false;
  const auto known = std::find_if(prefixes_.begin(), prefixes_.end(),
                                  [&](const HomePrefix& other) { return other.prefix == prefix.prefix; });
  if (known != prefixes_.end()) {
    *known = prefix;
    return true;
  }
  if (prefixes_.size() >= kMaxPrefixes) return false;
  prefixes_.push_back(prefix);
  return true;
}

void PrefixAllocation::remove_prefix(const Prefix& prefix) {
  std::erase_if(prefixes_, [&](const HomePrefix& known) { return known.prefix == prefix; });
}

void PrefixAllocation::reserve(const Address& home_address) { allocated_.insert(home_address); }

Expected<AllocatedHomeAddress, AllocationRefusal> PrefixAllocation::allocate(TimePoint now) {
  const HomePrefix* best = nullptr;
  for (const HomePrefix& prefix : prefixes_) {
    if (prefix.preferred_until <= now || prefix.valid_until <= now) continue;
    if (best == nullptr || prefix.preferred_until > best->preferred_until) best = &prefix;
  }
  if (best == nullptr) return Unexpected{AllocationRefusal::NoPrefix};

  const auto address = form_address(best->prefix, random_, [this](const Address& candidate) {
    return allocated_.contains(candidate) || duplicates_.contains(candidate);
  });
  if (!address) return Unexpected{AllocationRefusal::Failed};
  allocated_.insert(*address);
  return AllocatedHomeAddress{.home_address = *address,
                              .origin = Origin::Prefix,
                              .preferred_until = best->preferred_until,
                              .valid_until = best->valid_until};
}

std::string PrefixAllocation::trouble(TimePoint now) const {
  const bool fit = std::any_of(prefixes_.begin(), prefixes_.end(), [now](const HomePrefix& prefix) {
    return prefix.preferred_until > now && prefix.valid_until > now;
  });
  if (fit) return {};
  return prefixes_.empty() ? "no home prefix is known yet" : "all home prefixes are deprecated";
}

void PrefixAllocation::free(const Address& home_address) { allocated_.erase(home_address); }

void PrefixAllocation::duplicate(const Address& home_address) {
  allocated_.erase(home_address);
  if (!duplicates_.insert(home_address).second) return;
  duplicates_by_age_.push_back(home_address);
  if (duplicates_by_age_.size() > kMaxDuplicates) {
    duplicates_.erase(duplicates_by_age_.front());
    duplicates_by_age_.pop_front();
  }
}

}  // namespace mipflow::hoa_alloc
