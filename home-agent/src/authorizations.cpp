// SPDX-License-Identifier: GPL-3.0-or-later
#include "authorizations.hpp"

#include <utility>

namespace mipflow::home_agent {

namespace {

template <class Index, class Key>
const MobileNodeAuthorization* find_spi(const Index& index, const std::vector<MobileNodeAuthorization>& mobile_nodes,
                                        const Key& key, std::uint32_t spi) {
  const auto [first, last] = index.equal_range(key);
  for (auto candidate = first; candidate != last; ++candidate) {
    const MobileNodeAuthorization& mobile_node = mobile_nodes[candidate->second];
    if (mobile_node.security_association.spi == spi) return &mobile_node;
  }
  return nullptr;
}

}  // namespace

Authorizations::Authorizations(std::vector<MobileNodeAuthorization> mobile_nodes)
    : mobile_nodes_(std::move(mobile_nodes)) {
  for (std::size_t position = 0; position < mobile_nodes_.size(); ++position) {
    const MobileNodeAuthorization& mobile_node = mobile_nodes_[position];
    by_identifier_.emplace(mobile_node.security_association.network_access_identifier, position);
    by_primary_.emplace(mobile_node.primary_home_address, position);
  }
}

const MobileNodeAuthorization* Authorizations::find(const std::string& network_access_identifier,
                                                    std::uint32_t spi) const {
  return find_spi(by_identifier_, mobile_nodes_, network_access_identifier, spi);
}

const MobileNodeAuthorization* Authorizations::find(const Address& primary_home_address, std::uint32_t spi) const {
  return find_spi(by_primary_, mobile_nodes_, primary_home_address, spi);
}

Bytes key_for(const MobileNodeAuthorization& mobile_node, const Address& home_address) {
  return wire::derived_key(mobile_node.security_association, mobile_node.primary_home_address, home_address);
}

}  // namespace mipflow::home_agent
