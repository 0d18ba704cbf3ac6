// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <optional>

#include "mipflow/base/address.hpp"
#include "mipflow/home-agent/load_sharing.hpp"
#include "sharing/forwardings.hpp"

namespace mipflow::home_agent {

// What a Start Forwarding is judged by.
struct StartContext {
  const PrimaryAgent& primary;  // that sent it
  const Forwardings& forwardings;
  const Tunnels& tunnels;
  wire::DelegationNumber known = 0;  // the latest word of this primary about the home address; 0: none
  bool retiring = false;
  const std::function<bool(const Address&)>& is_bound_here;
  const std::function<bool(const Address&)>& is_own_address;
};

// Why the secondary says no; nullopt: it does not. In this order, so that what the primary has to mend comes before what may
// pass by itself:
//   not permitted (128) · number old (135) · duration zero (131) · bad tunnel source (133) · bad care-of address (130) ·
//   served for another (134); and for what is not forwarded yet: retiring (132) · no resources (129)
std::optional<wire::ForwardingStatus> refuse_start(const wire::StartForwarding& start, const StartContext& context);

}  // namespace mipflow::home_agent
