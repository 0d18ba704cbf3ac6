// SPDX-License-Identifier: GPL-3.0-or-later
// The two elementary operations of WO 2004/057826: allocating a new home address and freeing one.
#pragma once

#include <cstdint>
#include <string>

#include "mipflow/base/address.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/hoa-alloc/home_address_table.hpp"

namespace mipflow::hoa_alloc {

// An address that may be registered with the home agent from now on; the first Binding Update checks its uniqueness.
struct AllocatedHomeAddress {
  Address home_address;
  Origin origin = Origin::Prefix;
  TimePoint preferred_until = kNever;
  TimePoint valid_until = kNever;
};

enum class AllocationRefusal : std::uint8_t {
  NoPrefix,  // no home prefix is known that allows it: ask again when one was learned
  Pending,   // the mechanism has asked the home network; allocate() again when it reports
  Failed,    // the mechanism can not provide one
};

// Port for the mechanisms of the seed: stateless autoconfiguration (PrefixAllocation), DHCPv6 and a protocol with the home
// agent. Called by the mobile node only. Holds no address for itself: which addresses are registered, spare or in use is
// known by the WarmPool and the HomeAddressTable.
class HomeAddressAllocation {
 public:
  virtual ~HomeAddressAllocation() = default;

  // Figure 6, step 43.
  virtual Expected<AllocatedHomeAddress, AllocationRefusal> allocate(TimePoint now) = 0;
  // An address that was allocated before this object existed: from now on it is as if allocate() had returned it.
  virtual void adopt(const AllocatedHomeAddress& address) = 0;
  // Gives back an address that allocate() returned; the address may be allocated again later. Unknown ones are ignored.
  virtual void free(const Address& home_address) = 0;
  // The home agent said that the address is in use by somebody else (Binding Acknowledgement status 134,
  // duplicate address detection failed): frees it and never allocates it again.
  virtual void duplicate(const Address& home_address) = 0;
  // Why no address can be had now, as half a sentence for the operator; empty while there is nothing to say.
  virtual std::string trouble(TimePoint /*now*/) const { return {}; }
};

}  // namespace mipflow::hoa_alloc
