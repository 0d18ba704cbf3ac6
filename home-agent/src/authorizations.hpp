// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/home-agent/home_agent.hpp"

namespace mipflow::home_agent {

// The mobile nodes that may register here, found by what their messages carry. A mobile node may stand in the list
// several times with different SPIs, so that a key can be changed while the old one is still in use.
class Authorizations {
 public:
  explicit Authorizations(std::vector<MobileNodeAuthorization> mobile_nodes = {});

  // nullptr when there is no such security association. Pointers stay valid as long as this object.
  const MobileNodeAuthorization* find(const std::string& network_access_identifier, std::uint32_t spi) const;
  const MobileNodeAuthorization* find(const Address& primary_home_address, std::uint32_t spi) const;

  // Is it the configured home address of some mobile node?
  bool is_primary(const Address& home_address) const { return by_primary_.contains(home_address); }

 private:
  std::vector<MobileNodeAuthorization> mobile_nodes_;
  std::unordered_multimap<std::string, std::size_t> by_identifier_;
  std::unordered_multimap<Address, std::size_t> by_primary_;
};

// The key of the security association for one of the mobile node's home addresses.
Bytes key_for(const MobileNodeAuthorization& mobile_node, const Address& home_address);

}  // namespace mipflow::home_agent
