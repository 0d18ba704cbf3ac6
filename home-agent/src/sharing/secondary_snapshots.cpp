// SPDX-License-Identifier: GPL-3.0-or-later
// What of a secondary is shown to the operator, and kept for the next start.
#include <utility>

#include "sharing/secondary_implementation.hpp"

namespace mipflow::home_agent {

std::vector<AgentSnapshot> Secondary::Implementation::agents(Now now) const {
  std::vector<AgentSnapshot> out;
  for (const auto& [address, primary] : primaries_) {
    AgentSnapshot snapshot;
    snapshot.name = primary.configuration.name;
    snapshot.address = address;
    snapshot.secondary = false;
    const Forwardings::Held held = forwardings_.held(address);
    snapshot.state = state_of(primary, now.monotonic);
    snapshot.delegated = held.forwarding;
    snapshot.in_exchange = held.lingering;
    snapshot.packets_per_second = primary.packets_per_second;
    if (primary.heard) snapshot.silent_for = now.monotonic - *primary.heard;
    out.push_back(std::move(snapshot));
  }
  return out;
}

std::vector<DelegationSnapshot> Secondary::Implementation::forwardings(Now now) const {
  std::vector<DelegationSnapshot> out;
  out.reserve(forwardings_.all().size());
  for (const auto& [home_address, forwarding] : forwardings_.all()) {
    const auto primary = primaries_.find(forwarding.primary);
    DelegationSnapshot snapshot;
    snapshot.home_address = home_address;
    snapshot.agent = primary == primaries_.end() ? to_string(forwarding.primary) : primary->second.configuration.name;
    snapshot.state = forwarding.lingering ? "lingering" : "forwarding";
    snapshot.packets_per_second = forwarding.measured == reports_ ? forwarding.packets_per_second : 0;
    snapshot.packets = forwarding.packets;
    snapshot.octets = forwarding.octets;
    snapshot.remaining = forwarding.ends - now.monotonic;
    out.push_back(std::move(snapshot));
  }
  return out;
}

std::vector<PersistedForwarding> Secondary::Implementation::persisted(Now now) const {
  std::vector<PersistedForwarding> out;
  for (const auto& [home_address, forwarding] : forwardings_.all())
    if (!forwarding.lingering)
      out.push_back({forwarding.start, forwarding.primary, now.wall + (forwarding.ends - now.monotonic)});
  return out;
}

bool Secondary::Implementation::silent(const ServedPrimary& primary, TimePoint now) const {
  return !primary.heard || now - *primary.heard > parts_.configuration.dead_after;
}

AgentState Secondary::Implementation::state_of(const ServedPrimary& primary, TimePoint now) const {
  if (!primary.heard) return AgentState::Unknown;
  if (silent(primary, now)) return AgentState::Dead;
  return retiring_ ? AgentState::Draining : AgentState::Serving;
}

}  // namespace mipflow::home_agent
