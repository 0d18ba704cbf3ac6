// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "home_agents_list.hpp"
#include "home_prefixes.hpp"
#include "mipflow/base/address.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/base/token_bucket.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::home_agent {

// Dynamic home agent address discovery, RFC 6275 §10.5: whoever asks is told the home agents of the home link.
class AgentDiscovery {
 public:
  struct Parts {
    const Configuration& configuration;
    const HomePrefixes& prefixes;
    RandomSource& random;
  };
  explicit AgentDiscovery(Parts parts) : parts_(parts) {}

  void answer(const wire::HomeAgentAddressDiscoveryRequest& request, const wire::PacketView& view, TimePoint now, Outputs& outputs);
  // Of a neighbour on the home link.
  void handle(const wire::RouterAdvertisement& advertisement, const wire::PacketView& view, TimePoint now) {
    list_.handle(advertisement, view.source, now);
  }
  void home_link_changed() { list_.clear(); }

 private:
  // Is the address one that requests are sent to?
  bool is_for_us(const Address& destination) const;

  Parts parts_;
  HomeAgentsList list_;
  TokenBucket bucket_;  // anybody may ask
};

}  // namespace mipflow::home_agent
