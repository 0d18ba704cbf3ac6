// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/hoa-alloc/allocation_chain.hpp"

namespace mipflow::hoa_alloc {

Expected<AllocatedHomeAddress, AllocationRefusal> AllocationChain::allocate(TimePoint now) {
  AllocationRefusal refusal = AllocationRefusal::Failed;
  for (const auto& [origin, mechanism] : mechanisms_) {
    auto allocated = mechanism->allocate(now);
    if (allocated) {
      allocated_by_[allocated->home_address] = mechanism;
      return allocated;
    }
    if (allocated.error() == AllocationRefusal::Pending) return Unexpected{AllocationRefusal::Pending};
    if (allocated.error() == AllocationRefusal::NoPrefix) refusal = AllocationRefusal::NoPrefix;
  }
  return Unexpected{refusal};
}

void AllocationChain::adopt(const AllocatedHomeAddress& address) {
  for (const auto& [origin, mechanism] : mechanisms_) {
    if (origin != address.origin) continue;
    mechanism->adopt(address);
    allocated_by_[address.home_address] = mechanism;
    return;
  }
}

void AllocationChain::free(const Address& home_address) {
  const auto found = allocated_by_.find(home_address);
  if (found == allocated_by_.end()) {
    // One that was there before this object: the mechanisms ignore what is not theirs.
    for (const auto& [origin, mechanism] : mechanisms_) mechanism->free(home_address);
    return;
  }
  found->second->free(home_address);
  allocated_by_.erase(found);
}

void AllocationChain::duplicate(const Address& home_address) {
  const auto found = allocated_by_.find(home_address);
  if (found == allocated_by_.end()) {
    for (const auto& [origin, mechanism] : mechanisms_) mechanism->duplicate(home_address);
    return;
  }
  found->second->duplicate(home_address);
  allocated_by_.erase(found);
}

std::vector<std::string> AllocationChain::states(TimePoint now) const {
  std::vector<std::string> out;
  for (const auto& [origin, mechanism] : mechanisms_) {
    std::string state = to_string(origin);
    if (const std::string trouble = mechanism->trouble(now); !trouble.empty()) state += " (" + trouble + ")";
    out.push_back(std::move(state));
  }
  return out;
}

}  // namespace mipflow::hoa_alloc
