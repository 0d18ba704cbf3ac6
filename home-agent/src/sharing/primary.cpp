// SPDX-License-Identifier: GPL-3.0-or-later
#include "sharing/primary.hpp"

#include <algorithm>
#include <utility>

#include "sharing/primary_implementation.hpp"

namespace mipflow::home_agent {

namespace {

// An agent that never came back, of which nothing else is known: the longest lifetime that a Binding Update can have.
constexpr Duration kLongestDuration = std::chrono::seconds{262'140};

}  // namespace

Primary::Implementation::Implementation(Parts parts, const std::vector<PersistedDelegation>& restored, Now now) : parts_(parts) {
  agents_.emplace_back();
  for (const SecondaryAgent& configured : parts_.configuration.secondaries) add_agent(configured);
  for (const PersistedDelegation& delegation : restored) {
    last_number_ = std::max(last_number_, delegation.number);
    restored_[delegation.home_address].push_back(delegation);
  }
  if (parts_.configuration.tunnel_from_primary) tunnel_source_ = parts_.own.address;
  if (has_agents()) divide_soon(now);
}

void Primary::Implementation::bound(const Registered& binding, TimePoint first_announcement, Now now) {
  DelegationNode* known = table_.find(binding.home_address);
  DelegationNode& node = known != nullptr ? *known : table_.insert(binding.home_address);
  Delegation& delegation = node.second;
  const bool link_local_changed = delegation.link_local_address_compatibility != binding.link_local_address_compatibility;
  delegation.care_of_address = binding.care_of_address;
  delegation.ends = binding.ends;
  delegation.link_local_address_compatibility = binding.link_local_address_compatibility;
  if (known == nullptr) return take_up(node, first_announcement, now);
  if (delegation.agent == kOwn && link_local_changed) intercept(node, first_announcement, now);
  refresh(node, now);
}

void Primary::Implementation::unbound(const Address& home_address, Now now) {
  DelegationNode* node = table_.find(home_address);
  if (node == nullptr) return;
  const Delegation& delegation = node->second;
  // Straight at the agent: to intercept it here for the moment in between would take the mobile node's own address from it
  // when it comes home.
  if (delegation.agent == kOwn)
    parts_.interception.stop(home_address);
  else
    owe_stop(delegation.agent, home_address, delegation.given_until, now);
  withdraw(*node, now);
  changed_ |= delegation.by_operator;
  table_.erase(*node);
  ends_.cancel(home_address);
  lingering_.cancel(home_address);
  traffic_.erase(home_address);
  refusals_.erase(home_address);
  busy_.erase(home_address);
}

void Primary::Implementation::answer(const Address& home_address, OutgoingPacket acknowledgement, Now now, Outputs& outputs) {
  if (waits(home_address)) return answers_.hold(home_address, std::move(acknowledgement), now.monotonic + kLongestHold);
  answers_.forget(home_address);
  outputs.packets.push_back(std::move(acknowledgement));
}

bool Primary::Implementation::may_be_elsewhere(const Address& home_address) const {
  const DelegationNode* node = table_.find(home_address);
  return (node != nullptr && (node->second.agent != kOwn || node->second.next != kOwn)) || owes_stop(home_address) ||
         restored_.contains(home_address);
}

void Primary::Implementation::stop_what_is_unbound(Now now) {
  for (const auto& [home_address, delegations] : std::exchange(restored_, {}))
    for (const PersistedDelegation& delegation : delegations)
      if (const AgentIndex index = index_of(delegation.agent); index != kOwn)
        owe_stop(index, home_address, now.monotonic + kLongestDuration, now);
}

void Primary::Implementation::stop_orphans(AgentIndex index, Now now) {
  auto orphans = orphans_.extract(agent(index).configured.address);
  if (orphans.empty()) return;
  for (const Address& home_address : orphans.mapped()) {
    const DelegationNode* node = table_.find(home_address);
    owe_stop(index, home_address, node != nullptr ? node->second.ends : now.monotonic + kLongestDuration, now);
  }
}

void Primary::Implementation::on_deadline(Now now, Outputs& outputs) {
  if (!restored_.empty()) stop_what_is_unbound(now);
  for (std::size_t index = 1; index < agents_.size(); ++index)
    if (agents_[index]) beat(static_cast<AgentIndex>(index), now, outputs);
  while (const auto home_address = ends_.take_due(now.monotonic)) {
    DelegationNode* node = table_.find(*home_address);
    if (node == nullptr) continue;
    withdraw(*node, now);
    take_back(*node, "lifetime-ends", now.monotonic, now);
  }
  while (const auto home_address = answers_.take_late(now.monotonic)) {
    // The mobile node is told that it is served, so it has to be: by whom we know of.
    if (DelegationNode* node = table_.find(*home_address)) {
      if (node->second.agent == kOwn)
        withdraw(*node, now);
      else
        take_back(*node, "no-acknowledgement", now.monotonic, now);
    }
    answers_.release(*home_address);
  }
  while (const auto home_address = lingering_.take_due(now.monotonic))
    if (DelegationNode* node = table_.find(*home_address); node != nullptr && node->second.agent == kOwn) {
      node->second.over_until = TimePoint{};
      intercept(*node, now.monotonic, now);
    }
  if (now.monotonic >= next_division_) divide_now(now);
  for (std::size_t index = 1; index < agents_.size(); ++index) {
    if (!agents_[index]) continue;
    tell_emptied(static_cast<AgentIndex>(index), outputs);
    remove_if_done(static_cast<AgentIndex>(index));
  }
  send(now, outputs);
}

void Primary::Implementation::send(Now now, Outputs& outputs) {
  const auto start = [&](const Address& home_address, wire::DelegationNumber number) { return start_of(home_address, number, now); };
  for (const auto& agent : agents_)
    if (agent && agent->can_be_told())
      agent->exchanges.send(agent->association, start, parts_.counters, now.monotonic, outputs);
  for (OutgoingPacket& answer : answers_.take_released()) outputs.packets.push_back(std::move(answer));
}

TimePoint Primary::Implementation::next_deadline() const {
  if (!restored_.empty()) return TimePoint{};
  TimePoint next = std::min({ends_.next(), lingering_.next(), answers_.next_deadline(), next_division_});
  for (const auto& agent : agents_) {
    if (!agent) continue;
    next = std::min({next, agent->liveness.next_deadline(), agent->exchanges.next_end()});
    if (agent->can_be_told()) next = std::min(next, agent->exchanges.next_transmission());
  }
  return next;
}

Primary::Primary(Parts parts, const std::vector<PersistedDelegation>& restored, Now now)
    : implementation_(std::make_unique<Implementation>(parts, restored, now)) {}
Primary::~Primary() = default;

void Primary::bound(const Registered& binding, TimePoint first_announcement, Now now, Outputs& outputs) {
  implementation_->bound(binding, first_announcement, now);
  implementation_->send(now, outputs);
}
void Primary::unbound(const Address& home_address, Now now, Outputs& outputs) {
  implementation_->unbound(home_address, now);
  implementation_->send(now, outputs);
}
void Primary::answer(const Address& home_address, OutgoingPacket acknowledgement, Now now, Outputs& outputs) {
  implementation_->answer(home_address, std::move(acknowledgement), now, outputs);
}
bool Primary::may_be_elsewhere(const Address& home_address) const { return implementation_->may_be_elsewhere(home_address); }
bool Primary::is_secondary(const Address& agent) const { return implementation_->is_secondary(agent); }
void Primary::handle(const Address& from, BytesView message, Now now, Outputs& outputs) {
  implementation_->handle(from, message, now, outputs);
  implementation_->on_deadline(now, outputs);
}
void Primary::handle(const TunnelActivity& activity, Now now, Outputs& outputs) {
  implementation_->handle(activity, now);
  implementation_->on_deadline(now, outputs);
}
Expected<void, std::string> Primary::delegate(const Address& home_address, const std::string& agent, Now now, Outputs& outputs) {
  auto done = implementation_->delegate(home_address, agent, now);
  implementation_->send(now, outputs);
  return done;
}
Expected<void, std::string> Primary::recall(const Address& home_address, Now now, Outputs& outputs) {
  auto done = implementation_->recall(home_address, now);
  implementation_->send(now, outputs);
  return done;
}
Expected<void, std::string> Primary::release(const Address& home_address, Now now, Outputs& outputs) {
  auto done = implementation_->release(home_address);
  implementation_->send(now, outputs);
  return done;
}
Expected<void, std::string> Primary::drain(const std::string& agent, bool on, Now now, Outputs& outputs) {
  auto done = implementation_->drain(agent, on, now);
  implementation_->on_deadline(now, outputs);
  return done;
}
void Primary::apply_configuration(Now now, Outputs& outputs) {
  implementation_->apply_configuration(now);
  implementation_->on_deadline(now, outputs);
}
void Primary::on_deadline(Now now, Outputs& outputs) { implementation_->on_deadline(now, outputs); }
TimePoint Primary::next_deadline() const { return implementation_->next_deadline(); }
std::vector<AgentSnapshot> Primary::agents(Now now) const { return implementation_->agents(now); }
std::vector<DelegationSnapshot> Primary::delegations(Now now) const { return implementation_->delegations(now); }
std::vector<PersistedDelegation> Primary::persisted() const { return implementation_->persisted(); }
bool Primary::changed() const { return implementation_->changed(); }
void Primary::clear_changed() { implementation_->clear_changed(); }

}  // namespace mipflow::home_agent
