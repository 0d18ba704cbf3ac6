// SPDX-License-Identifier: GPL-3.0-or-later
// The home addresses that the address service gave out, and to whom.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "address_source.hpp"
#include "mipflow/wire/agent_service.hpp"

namespace mipflow::home_agent {

struct GivenLease {
  Address mobile_node;  // its Primary Home Address
  wire::HomeAddressSource source = wire::HomeAddressSource::Agent;
  AddressLease terms;
};

class AddressLeases {
 public:
  // nullptr when nobody was given the address. Valid until the next change.
  const GivenLease* find(const Address& home_address) const;
  // Those of one mobile node, in no order.
  const std::vector<Address>& of(const Address& mobile_node) const;
  std::size_t size() const { return leases_.size(); }
  const std::unordered_map<Address, GivenLease>& all() const { return leases_; }

  // False, and nothing changes, when the address is given out already.
  bool add(const GivenLease& lease);
  void set_terms(const Address& home_address, const AddressLease& terms);
  void erase(const Address& home_address);

 private:
  std::unordered_map<Address, GivenLease> leases_;
  std::unordered_map<Address, std::vector<Address>> by_mobile_node_;
};

// What is left of a lease's lifetimes, as the service's messages tell it.
wire::HomeAddressLifetimes lifetimes_of(const AddressLease& lease, TimePoint now);

}  // namespace mipflow::home_agent
