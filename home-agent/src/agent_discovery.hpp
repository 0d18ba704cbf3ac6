// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "home_prefixes.hpp"
#include "mipflow/base/address.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/base/token_bucket.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::home_agent {

// The anycast address of all home agents on a link, RFC 2526 §2: identifier 0x7e, the rest of the interface identifier
// ones but for the universal/local bit.
Address home_agents_anycast(const Prefix& home_prefix);

// Dynamic home agent address discovery, RFC 6275 §10.5: names this home agent, the only one of its home link it knows.
class AgentDiscovery {
 public:
  // Is the address one that requests are sent to?
  static bool is_for_us(const Address& destination, const HomePrefixes& prefixes, const Address& home_agent);
  void answer(const wire::HomeAgentAddressDiscoveryRequest& request, const wire::PacketView& view,
              const Address& home_agent, TimePoint now, Outputs& outputs);

 private:
  TokenBucket bucket_;  // anybody may ask
};

}  // namespace mipflow::home_agent
