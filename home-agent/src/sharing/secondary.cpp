// SPDX-License-Identifier: GPL-3.0-or-later
// Whom a secondary serves, and when what it has ends.
#include "sharing/secondary.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "sharing/reception.hpp"
#include "sharing/secondary_implementation.hpp"
#include "sharing/start_checks.hpp"

namespace mipflow::home_agent {

Secondary::Implementation::Implementation(Parts parts, const std::vector<PersistedForwarding>& restored, Now now)
    : parts_(std::move(parts)), forwardings_({parts_.configuration, parts_.own, parts_.interception, parts_.tunnels}) {
  for (const PrimaryAgent& agent : parts_.configuration.primaries) primaries_.try_emplace(agent.address, parts_.own, agent);
  for (const PersistedForwarding& persisted : restored) restore(persisted, now);
}

void Secondary::Implementation::handle(const TunnelActivity& activity, Outputs& outputs) {
  ++reports_;
  for (auto& [address, primary] : primaries_) primary.packets_per_second = 0;
  std::map<Address, std::vector<wire::ForwardingReport>> by_primary;
  const double seconds = std::chrono::duration<double>(activity.interval).count();
  for (const TunnelActivity::Entry& entry : activity.entries) {
    const double rate = seconds > 0 ? static_cast<double>(entry.packets) / seconds : 0;
    const Forwarding* counted = forwardings_.count(entry.home_address, entry.packets, entry.octets, rate, reports_);
    if (counted == nullptr) continue;
    const auto primary = primaries_.find(counted->primary);
    if (primary == primaries_.end()) continue;
    primary->second.packets += entry.packets;
    primary->second.packets_per_second += rate;
    by_primary[counted->primary].push_back({entry.home_address, counted->start.number, counted->packets, counted->octets});
  }
  for (auto& [address, reports] : by_primary)
    if (send_records(primaries_.at(address).association, std::move(reports), outputs)) ++parts_.counters.reports;
}

void Secondary::Implementation::apply_configuration(Now now, Outputs& outputs) {
  std::map<Address, const PrimaryAgent*> wanted;
  for (const PrimaryAgent& agent : parts_.configuration.primaries) wanted.emplace(agent.address, &agent);
  std::erase_if(primaries_, [&](const auto& primary) { return !wanted.contains(primary.first); });
  for (const auto& [address, agent] : wanted) {
    ServedPrimary& primary = primaries_.try_emplace(address, parts_.own, *agent).first->second;
    if (primary.configuration.key != agent->key) primary.association.set_key(agent->key);
    primary.configuration = *agent;
  }
  std::vector<Address> not_permitted;
  for (const auto& [home_address, forwarding] : forwardings_.all())
    if (!forwarding.lingering && !may_go_on(forwarding)) not_permitted.push_back(home_address);
  for (const Address& home_address : not_permitted) {
    stop(home_address, now);
    outputs.notices.push_back({Severity::Info, "forwarding-stopped",
                               "stopped to forward " + to_string(home_address) + ": the configuration does not permit it any more"});
  }
  forwardings_.tunnel_again(now.monotonic);
}

bool Secondary::Implementation::retire(Now now) {
  retiring_ = true;
  // Nobody will take anything back while the primary is silent, and nobody can wait for that.
  return std::ranges::none_of(primaries_, [&](const auto& primary) {
    const Forwardings::Held held = forwardings_.held(primary.first);
    return held.forwarding + held.lingering > 0 && !silent(primary.second, now.monotonic);
  });
}

void Secondary::Implementation::on_deadline(Now now, Outputs& outputs) {
  for (auto& [address, primary] : primaries_)
    if (now.monotonic >= primary.confirmed_until) stop_unconfirmed(primary, now, outputs);
  while (const auto home_address = forwardings_.take_ended(now.monotonic)) {
    const Forwarding& forwarding = *forwardings_.find(*home_address);
    if (forwarding.lingering) {
      forget(forwarding);
      continue;
    }
    ++parts_.counters.durations_ended;
    outputs.notices.push_back({Severity::Info, "forwarding-ended",
                               "stopped to forward " + to_string(*home_address) + ": its duration is over"});
    stop(*home_address, now);
  }
}

TimePoint Secondary::Implementation::next_deadline() const {
  TimePoint next = forwardings_.next_deadline();
  for (const auto& [address, primary] : primaries_) next = std::min(next, primary.confirmed_until);
  return next;
}

void Secondary::Implementation::restore(const PersistedForwarding& persisted, Now now) {
  const auto primary = primaries_.find(persisted.primary);
  // What is not taken must not stand on the disk any longer: after the next start, with another clock, it would be taken.
  const auto is_taken = [&] {
    if (primary == primaries_.end() || forwards(persisted.start.home_address)) return false;
    const Duration remaining = std::min(persisted.wall_expiry - now.wall, kLongestForwarding);
    if (remaining <= Duration::zero()) return false;
    // What the file says is checked like what the network says: somebody may have edited it.
    wire::StartForwarding start = persisted.start;
    start.duration = 1;
    if (refuse_start(start, {primary->second.configuration, forwardings_, parts_.tunnels, 0, false, parts_.is_bound_here,
                             parts_.is_own_address}))
      return false;
    forwardings_.take(start, {.primary = persisted.primary, .ends = now.monotonic + remaining}, now.monotonic);
    return true;
  };
  changed_ |= !is_taken();
}

void Secondary::Implementation::stop(const Address& home_address, Now now) {
  changed_ = true;
  const Forwarding& forwarding = *forwardings_.find(home_address);
  const auto primary = primaries_.find(forwarding.primary);
  const std::size_t most = primary == primaries_.end() ? SIZE_MAX : primary->second.configuration.capacity;
  if (forwardings_.held(forwarding.primary).lingering < most)
    forwardings_.linger(home_address, now.monotonic + parts_.configuration.linger);
  else
    forget(forwarding);
}

void Secondary::Implementation::stop_unconfirmed(ServedPrimary& primary, Now now, Outputs& outputs) {
  primary.confirmed_until = kNever;
  std::vector<Address> unconfirmed;
  for (const auto& [home_address, forwarding] : forwardings_.all())
    if (forwarding.primary == primary.configuration.address && !forwarding.lingering &&
        forwarding.conversation != primary.conversation)
      unconfirmed.push_back(home_address);
  if (unconfirmed.empty()) return;
  outputs.notices.push_back({Severity::Warning, "forwarding-unconfirmed",
                             "stopped to forward " + std::to_string(unconfirmed.size()) + " home addresses: " +
                                 primary.configuration.name + " does not know of them any more"});
  for (const Address& home_address : unconfirmed) stop(home_address, now);
}

void Secondary::Implementation::forget(const Forwarding& forwarding) {
  const Address home_address = forwarding.start.home_address;
  if (const auto primary = primaries_.find(forwarding.primary); primary != primaries_.end())
    primary->second.gone.remember(home_address, forwarding.number);
  forwardings_.end(home_address);
}

bool Secondary::Implementation::may_go_on(const Forwarding& forwarding) const {
  const auto primary = primaries_.find(forwarding.primary);
  if (primary == primaries_.end()) return false;
  return std::ranges::any_of(primary->second.configuration.prefixes,
                             [&](const Prefix& prefix) { return prefix.contains(forwarding.start.home_address); });
}

Secondary::Secondary(Parts parts, const std::vector<PersistedForwarding>& restored, Now now)
    : implementation_(std::make_unique<Implementation>(std::move(parts), restored, now)) {}
Secondary::~Secondary() = default;

void Secondary::handle(const Address& from, BytesView message, Now now, Outputs& outputs) {
  implementation_->handle(from, message, now, outputs);
}
void Secondary::handle(const TunnelActivity& activity, Now, Outputs& outputs) { implementation_->handle(activity, outputs); }
void Secondary::apply_configuration(Now now, Outputs& outputs) { implementation_->apply_configuration(now, outputs); }
bool Secondary::retire(Now now, Outputs&) { return implementation_->retire(now); }
void Secondary::on_deadline(Now now, Outputs& outputs) { implementation_->on_deadline(now, outputs); }
TimePoint Secondary::next_deadline() const { return implementation_->next_deadline(); }
bool Secondary::forwards(const Address& home_address) const { return implementation_->forwards(home_address); }
std::vector<AgentSnapshot> Secondary::agents(Now now) const { return implementation_->agents(now); }
std::vector<DelegationSnapshot> Secondary::forwardings(Now now) const { return implementation_->forwardings(now); }
std::vector<PersistedForwarding> Secondary::persisted(Now now) const { return implementation_->persisted(now); }
bool Secondary::changed() const { return implementation_->changed(); }
void Secondary::clear_changed() { implementation_->clear_changed(); }

}  // namespace mipflow::home_agent
