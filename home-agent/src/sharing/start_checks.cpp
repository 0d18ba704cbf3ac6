// SPDX-License-Identifier: GPL-3.0-or-later
#include "sharing/start_checks.hpp"

#include <algorithm>

namespace mipflow::home_agent {

namespace {

using wire::ForwardingStatus;

bool permitted(const Address& home_address, const StartContext& context) {
  if (!home_address.is_unicast_routable() || context.is_own_address(home_address)) return false;
  if (home_address == context.primary.address) return false;
  return std::ranges::any_of(context.primary.prefixes, [&](const Prefix& prefix) { return prefix.contains(home_address); });
}

// Tunnelled packets must leave, and not come back to an agent: neither to this one nor to the primary, which would both
// tunnel them again.
bool usable(const Address& care_of_address, const wire::StartForwarding& start, const StartContext& context) {
  return care_of_address.is_unicast_routable() && care_of_address != start.home_address &&
         care_of_address != context.primary.address && !context.is_own_address(care_of_address) &&
         !context.tunnels.contains(care_of_address);
}

}  // namespace

std::optional<ForwardingStatus> refuse_start(const wire::StartForwarding& start, const StartContext& context) {
  if (!permitted(start.home_address, context)) return ForwardingStatus::NotPermitted;
  if (start.number <= context.known) return ForwardingStatus::NumberOld;
  if (start.duration == 0) return ForwardingStatus::DurationZero;
  if (!start.tunnel_source.is_unspecified() && start.tunnel_source != context.primary.address)
    return ForwardingStatus::BadTunnelSource;
  if (!usable(start.care_of_address, start, context)) return ForwardingStatus::BadCareOfAddress;

  const Forwarding* present = context.forwardings.find(start.home_address);
  const bool forwarded = present != nullptr && !present->lingering;
  if (context.is_bound_here(start.home_address)) return ForwardingStatus::ServedForAnother;
  if (forwarded && present->primary != context.primary.address) return ForwardingStatus::ServedForAnother;

  if (forwarded) return std::nullopt;
  if (context.retiring) return ForwardingStatus::Retiring;
  if (context.forwardings.held(context.primary.address).forwarding >= context.primary.capacity)
    return ForwardingStatus::NoResources;
  return std::nullopt;
}

}  // namespace mipflow::home_agent
