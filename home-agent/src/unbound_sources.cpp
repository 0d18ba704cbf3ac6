// SPDX-License-Identifier: GPL-3.0-or-later
#include "unbound_sources.hpp"

#include <functional>

#include "mipflow/wire/packet.hpp"

namespace mipflow::home_agent {

void UnboundSources::answer(const UnboundTunnelSource& event, TimePoint now, Outputs& outputs) {
  if (!deserves_answer(event, now) || !take_permission(event.care_of_address, now)) return;
  wire::BindingError error;
  error.status = wire::BindingErrorStatus::UnknownBinding;
  error.home_address = event.home_address;
  outputs.packets.push_back(
      {.packet = wire::build_packet({parts_.configuration.home_agent_address, event.care_of_address}, error)});
  outputs.notices.push_back({Severity::Info, "tunnel-source-unbound",
                             "told " + to_string(event.care_of_address) + " that " + to_string(event.home_address) +
                                 ", from which it sends, is not bound to it"});
}

bool UnboundSources::deserves_answer(const UnboundTunnelSource& event, TimePoint now) const {
  // Home addresses are known by their prefix alone: nobody learns from the answer which of them are in use.
  if (!parts_.prefixes.find(event.home_address, now)) return false;
  if (event.home_address == parts_.configuration.home_agent_address) return false;
  if (!event.care_of_address.is_unicast_routable()) return false;
  if (event.care_of_address == parts_.configuration.home_agent_address) return false;
  // RFC 6275 §9.3.3: never through a tunnel.
  if (parts_.cache.find_bound(event.care_of_address) != nullptr) return false;
  // Delegated to us: another home agent keeps the registration, which is as it should be.
  if (parts_.plan.tunnels.find(event.home_address) != nullptr && parts_.cache.find_bound(event.home_address) == nullptr) return false;
  // Bound since; or the acknowledgement is on its way and would be late by another Binding Update.
  if (parts_.plan.tunnel_sources.find({event.home_address, event.care_of_address}) != nullptr) return false;
  const Binding* binding = parts_.cache.find(event.home_address);
  return binding == nullptr || binding->state != BindingState::DetectingDuplicates;
}

bool UnboundSources::take_permission(const Address& destination, TimePoint now) {
  auto& bucket = by_destination_[std::hash<Address>{}(destination) % by_destination_.size()];
  return bucket.take(now) && total_.take(now);
}

}  // namespace mipflow::home_agent
