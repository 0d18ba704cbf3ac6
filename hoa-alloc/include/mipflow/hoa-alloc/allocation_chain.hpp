// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/hoa-alloc/home_address_allocation.hpp"

namespace mipflow::hoa_alloc {

// The mechanisms of WO 2004/057826 in the operator's order of preference, as one: each stands in for those before it.
class AllocationChain final : public HomeAddressAllocation {
 public:
  // Behind the last one. `mechanism` must outlive the chain.
  void add(Origin origin, HomeAddressAllocation& mechanism) { mechanisms_.push_back({origin, &mechanism}); }

  // The first mechanism that has an address. One that has asked for an address is waited for (Pending): it says itself when
  // it gives up. Of the refusals of all, NoPrefix is told before Failed: it ends by itself.
  Expected<AllocatedHomeAddress, AllocationRefusal> allocate(TimePoint now) override;
  // To the mechanism of its origin; none when that is not in the chain any more.
  void adopt(const AllocatedHomeAddress& address) override;
  // Go to the mechanism that the address came from.
  void free(const Address& home_address) override;
  void duplicate(const Address& home_address) override;

  // In order, for the operator: "prefix", "dhcpv6 (the home agent does not offer it)".
  std::vector<std::string> states(TimePoint now) const;

 private:
  struct Mechanism {
    Origin origin;
    HomeAddressAllocation* mechanism;
  };
  std::vector<Mechanism> mechanisms_;
  std::unordered_map<Address, HomeAddressAllocation*> allocated_by_;
};

}  // namespace mipflow::hoa_alloc
