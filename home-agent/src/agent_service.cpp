// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent_service.hpp"

#include <algorithm>
#include <variant>

namespace mipflow::home_agent {

namespace {

// The end of a lifetime as it is kept over a restart, and back.
Duration wall_of(TimePoint end, Now now) { return end == kNever ? Duration::max() : now.wall + (end - now.monotonic); }
TimePoint time_of(Duration wall, Now now) {
  if (wall == Duration::max()) return kNever;
  // What the file says may be anything.
  constexpr Duration kLongest = std::chrono::hours{24 * 365 * 100};
  return now.monotonic + (std::clamp(wall, -kLongest, 2 * kLongest) - std::min(now.wall, kLongest));
}

}  // namespace

AgentService::AgentService(AgentServiceParts parts, const PersistedServices& kept, Now now)
    : parts_(parts),
      gate_({parts.configuration, parts.authorizations, parts.cache, parts.counters}, now),
      agent_source_({parts.configuration, parts.prefixes, parts.random,
                     [this](const Address& candidate) { return is_taken(candidate); }}),
      dhcpv6_source_({parts.configuration, parts.prefixes, parts.authorizations, parts.random,
                      [this](const Address& candidate) { return is_taken(candidate); }}),
      addresses_({parts.configuration, parts.authorizations, parts.cache, gate_, parts.leases, parts.counters, agent_source_,
                  dhcpv6_source_}),
      policies_(parts.configuration, gate_, parts.counters, kept.policy, now) {
  for (const PersistedLease& lease : kept.leases)
    addresses_.restore({.mobile_node = lease.mobile_node,
                        .source = lease.source,
                        .terms = {.home_address = lease.home_address,
                                  .preferred_until = time_of(lease.wall_preferred, now),
                                  .valid_until = time_of(lease.wall_valid, now),
                                  .identity = lease.identity}},
                       now.monotonic);
}

bool AgentService::is_taken(const Address& address) const {
  return parts_.cache.find(address) != nullptr || parts_.leases.find(address) != nullptr || parts_.authorizations.is_primary(address);
}

void AgentService::handle(const wire::AgentServiceMessage& message, const wire::PacketView& view, Now now, Outputs& outputs) {
  const auto peer = gate_.admit(message, view, now, outputs);
  if (!peer) return;
  const std::uint32_t transaction = message.transaction;
  if (const auto* request = std::get_if<wire::HomeAddressRequest>(&message.body))
    addresses_.handle(*request, transaction, *peer, now, outputs);
  else if (const auto* release = std::get_if<wire::HomeAddressRelease>(&message.body))
    addresses_.handle(*release, transaction, *peer, now, outputs);
  else if (const auto* refresh = std::get_if<wire::HomeAddressRefresh>(&message.body))
    addresses_.handle(*refresh, transaction, *peer, now, outputs);
  else if (std::holds_alternative<wire::HomeAddressChangeAcknowledgement>(message.body))
    addresses_.handle_change_acknowledgement(transaction, *peer, now.monotonic);
  else if (const auto* policy = std::get_if<wire::PolicyRequest>(&message.body))
    policies_.handle(*policy, transaction, *peer, now, outputs);
  // The others are for a mobile node, or of a later edition.
}

void AgentService::handle(const Dhcpv6Received& received, Now now, Outputs& outputs) {
  dhcpv6_source_.handle(received, now, outputs);
  addresses_.collect(now, outputs);
}

void AgentService::handle(const Dhcpv6Port& port, Now now, Outputs& outputs) {
  dhcpv6_source_.handle(port, now, outputs);
  addresses_.collect(now, outputs);
}

void AgentService::prefixes_changed(Now now, Outputs& outputs) {
  agent_source_.prefixes_changed(now);
  addresses_.collect(now, outputs);
}

void AgentService::apply_configuration(const std::vector<MobileNodeAuthorization>& before, Now now, Outputs& outputs) {
  addresses_.apply_configuration(now, outputs);
  addresses_.collect(now, outputs);
  policies_.apply_configuration(before, now);
}

void AgentService::on_deadline(Now now, Outputs& outputs) {
  gate_.on_deadline(now.monotonic);
  addresses_.on_deadline(now, outputs);
  policies_.on_deadline(now, outputs);
}

TimePoint AgentService::next_deadline() const {
  return std::min({gate_.next_deadline(), addresses_.next_deadline(), policies_.next_deadline()});
}

PersistedServices AgentService::persisted(Now now) const {
  PersistedServices out{.leases = {}, .policy = policies_.version()};
  for (const auto& [home_address, lease] : parts_.leases.all())
    out.leases.push_back({.home_address = home_address,
                          .mobile_node = lease.mobile_node,
                          .source = lease.source,
                          .identity = lease.terms.identity,
                          .wall_preferred = wall_of(lease.terms.preferred_until, now),
                          .wall_valid = wall_of(lease.terms.valid_until, now)});
  return out;
}

void AgentService::clear_changed() {
  addresses_.clear_changed();
  policies_.clear_changed();
}

}  // namespace mipflow::home_agent
