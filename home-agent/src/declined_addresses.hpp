// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <deque>
#include <unordered_set>

#include "mipflow/base/address.hpp"

namespace mipflow::home_agent {

// Addresses that somebody else was found to use, so that they are not leased again. Bounded: when there are too many the
// oldest is forgotten, and found out again.
class DeclinedAddresses {
 public:
  static constexpr std::size_t kMost = 1'024;

  void add(const Address& address) {
    if (!addresses_.insert(address).second) return;
    in_order_.push_back(address);
    if (in_order_.size() <= kMost) return;
    addresses_.erase(in_order_.front());
    in_order_.pop_front();
  }
  bool contains(const Address& address) const { return addresses_.contains(address); }

 private:
  std::unordered_set<Address> addresses_;
  std::deque<Address> in_order_;
};

}  // namespace mipflow::home_agent
