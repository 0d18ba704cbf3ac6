// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_set>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/hoa-alloc/home_address_allocation.hpp"

namespace mipflow::hoa_alloc {

// A prefix of the home network as configured or as a Mobile Prefix Advertisement told it (RFC 6275 §6.8).
struct HomePrefix {
  Prefix prefix;
  TimePoint preferred_until = kNever;
  TimePoint valid_until = kNever;
};

// Home addresses by stateless autoconfiguration below the home prefixes (WO 2004/057826's preferred mechanism).
class PrefixAllocation final : public HomeAddressAllocation {
 public:
  static constexpr std::size_t kMaxPrefixes = 16;     // further ones are ignored: they come from the network
  static constexpr std::size_t kMaxDuplicates = 1024; // the oldest is forgotten

  // `random` must outlive the object.
  explicit PrefixAllocation(RandomSource& random) : random_(random) {}

  // Adds a prefix or changes the lifetimes of a known one. False when it can not be used for autoconfiguration (its length
  // is not 64, RFC 4862 §5.5.3 (d)) or when there are too many.
  bool set_prefix(const HomePrefix& prefix);
  void remove_prefix(const Prefix& prefix);
  const std::vector<HomePrefix>& prefixes() const { return prefixes_; }

  // An address that exists without having been allocated here (the Primary Home Address, one recovered after a restart).
  void reserve(const Address& home_address);

  // Takes the known prefix with the longest preferred lifetime; deprecated and expired ones are never used.
  Expected<AllocatedHomeAddress, AllocationRefusal> allocate(TimePoint now) override;
  void adopt(const AllocatedHomeAddress& address) override { reserve(address.home_address); }
  void free(const Address& home_address) override;
  void duplicate(const Address& home_address) override;
  std::string trouble(TimePoint now) const override;

 private:
  RandomSource& random_;
  std::vector<HomePrefix> prefixes_;
  std::unordered_set<Address> allocated_;
  std::unordered_set<Address> duplicates_;
  std::deque<Address> duplicates_by_age_;
};

}  // namespace mipflow::hoa_alloc
