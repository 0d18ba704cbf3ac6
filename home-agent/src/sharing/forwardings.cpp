// SPDX-License-Identifier: GPL-3.0-or-later
#include "sharing/forwardings.hpp"

namespace mipflow::home_agent {

const Forwarding* Forwardings::find(const Address& home_address) const {
  const auto found = all_.find(home_address);
  return found == all_.end() ? nullptr : &found->second;
}

Forwardings::Held Forwardings::held(const Address& primary) const {
  const auto found = held_.find(primary);
  return found == held_.end() ? Held{} : found->second;
}

void Forwardings::take(const wire::StartForwarding& start, const Terms& terms, TimePoint now) {
  const Address& home_address = start.home_address;
  if (const Forwarding* present = find(home_address); present != nullptr && present->primary != terms.primary) end(home_address);
  const auto [found, inserted] = all_.try_emplace(home_address);
  Forwarding& forwarding = found->second;
  Held& held = held_[terms.primary];
  if (forwarding.lingering) --held.lingering;
  if (inserted || forwarding.lingering) {
    ++held.forwarding;
    // The delegation begins: its packets are counted from here on.
    forwarding = {};
  }
  forwarding.start = start;
  forwarding.primary = terms.primary;
  forwarding.number = start.number;
  forwarding.ends = terms.ends;
  forwarding.conversation = terms.conversation;
  ends_.set(home_address, terms.ends);
  tunnel(forwarding, now);
  parts_.interception.start(home_address, start.link_local_address_compatibility, Interception::Preference::HostRoute, terms.first);
}

void Forwardings::linger(const Address& home_address, TimePoint until) {
  const auto found = all_.find(home_address);
  if (found == all_.end() || found->second.lingering) return;
  Held& held = held_[found->second.primary];
  --held.forwarding;
  ++held.lingering;
  found->second.lingering = true;
  found->second.ends = until;
  ends_.set(home_address, until);
  parts_.interception.stop(home_address);
}

void Forwardings::end(const Address& home_address) {
  const auto found = all_.find(home_address);
  if (found == all_.end()) return;
  const auto held = held_.find(found->second.primary);
  --(found->second.lingering ? held->second.lingering : held->second.forwarding);
  if (held->second.forwarding + held->second.lingering == 0) held_.erase(held);
  if (!found->second.lingering) parts_.interception.stop(home_address);
  parts_.tunnels.remove(home_address);
  ends_.cancel(home_address);
  all_.erase(found);
}

void Forwardings::set_number(const Address& home_address, wire::DelegationNumber number) {
  if (const auto found = all_.find(home_address); found != all_.end()) found->second.number = number;
}

void Forwardings::confirm(const Address& home_address, std::uint64_t conversation) {
  if (const auto found = all_.find(home_address); found != all_.end()) found->second.conversation = conversation;
}

void Forwardings::tunnel_again(TimePoint now) {
  for (const auto& [home_address, forwarding] : all_) tunnel(forwarding, now);
}

// With the primary as the source the mobile node believes that it has one home agent, and sends everything there: no
// reverse-tunnelled packet comes here, and none is let in. With our own it may send here.
void Forwardings::tunnel(const Forwarding& forwarding, TimePoint now) {
  const wire::StartForwarding& start = forwarding.start;
  if (!start.tunnel_source.is_unspecified())
    parts_.tunnels.set_outgoing(start.home_address, start.care_of_address, start.tunnel_source);
  else
    parts_.tunnels.set(start.home_address, start.care_of_address, parts_.own.address, now + parts_.configuration.linger);
}

const Forwarding* Forwardings::count(const Address& home_address, std::uint64_t packets, std::uint64_t octets,
                                     double packets_per_second, std::uint64_t report) {
  const auto found = all_.find(home_address);
  if (found == all_.end()) return nullptr;
  Forwarding& forwarding = found->second;
  forwarding.packets += packets;
  forwarding.octets += octets;
  forwarding.packets_per_second = packets_per_second;
  forwarding.measured = report;
  return &forwarding;
}

}  // namespace mipflow::home_agent
