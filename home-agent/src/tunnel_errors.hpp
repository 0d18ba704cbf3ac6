// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/base/token_bucket.hpp"
#include "mipflow/wire/icmpv6.hpp"
#include "tunnels.hpp"

namespace mipflow::home_agent {

// Relays an ICMPv6 error about a packet that we tunnelled to whoever sent that packet, RFC 2473 §8.
class TunnelErrors {
 public:
  // Only an error about a packet that one of our tunnels could have carried is relayed: its outer source is ours, its
  // outer destination the care-of address of its inner destination.
  void relay(const wire::Icmpv6Error& error, const Address& home_agent, const Tunnels& tunnels, TimePoint now,
             Outputs& outputs);

 private:
  TokenBucket bucket_;
};

}  // namespace mipflow::home_agent
