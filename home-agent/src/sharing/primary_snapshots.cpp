// SPDX-License-Identifier: GPL-3.0-or-later
// What is shown, and what survives a restart.
#include "sharing/primary_implementation.hpp"

namespace mipflow::home_agent {

const char* to_string(AgentState state) {
  switch (state) {
    case AgentState::Unknown:
      return "unknown";
    case AgentState::Serving:
      return "serving";
    case AgentState::Draining:
      return "draining";
    case AgentState::Dead:
      return "dead";
  }
  return "unknown";
}

namespace {

AgentState state_of(const AgentOfPrimary& agent) {
  switch (agent.life) {
    case AgentOfPrimary::Life::Unknown:
      return AgentState::Unknown;
    case AgentOfPrimary::Life::Serving:
      return agent.drains() ? AgentState::Draining : AgentState::Serving;
    case AgentOfPrimary::Life::Dead:
      return AgentState::Dead;
  }
  return AgentState::Unknown;
}

}  // namespace

std::vector<AgentSnapshot> Primary::Implementation::agents(Now now) const {
  std::vector<AgentSnapshot> out;
  for (std::size_t index = 1; index < agents_.size(); ++index) {
    if (!agents_[index]) continue;
    const AgentOfPrimary& agent = *agents_[index];
    AgentSnapshot snapshot;
    snapshot.name = agent.configured.name;
    snapshot.address = agent.configured.address;
    snapshot.state = state_of(agent);
    snapshot.delegated = table_.counts(static_cast<AgentIndex>(index)).held;
    snapshot.in_exchange = agent.exchanges.size();
    snapshot.packets_per_second = agent.load.at(now.monotonic);
    snapshot.weight = agent.configured.weight;
    snapshot.round_trip = agent.liveness.round_trip();
    if (const auto last = agent.liveness.last_answer()) snapshot.silent_for = now.monotonic - *last;
    out.push_back(std::move(snapshot));
  }
  return out;
}

std::vector<DelegationSnapshot> Primary::Implementation::delegations(Now now) const {
  std::vector<DelegationSnapshot> out;
  out.reserve(table_.all().size());
  for (const auto& [home_address, delegation] : table_.all()) {
    DelegationSnapshot snapshot;
    snapshot.home_address = home_address;
    snapshot.agent = name_of(delegation.agent);
    snapshot.reason = delegation.reason;
    switch (delegation.state()) {
      case DelegationState::Own:
        snapshot.state = owes_stop(home_address) ? "recalling" : "own";
        break;
      case DelegationState::Starting:
        snapshot.state = "starting";
        break;
      case DelegationState::Delegated:
        snapshot.state = "delegated";
        break;
      case DelegationState::HandingOver:
        snapshot.state = "handing-over";
        break;
    }
    if (const auto refusal = refusals_.find(home_address); refusal != refusals_.end() && snapshot.reason == "refused")
      snapshot.reason = std::string("refused: ") + wire::to_string(refusal->second.status);
    if (const auto traffic = traffic_.find(home_address); traffic != traffic_.end()) {
      snapshot.packets_per_second = traffic->second.rate.at(now.monotonic);
      snapshot.packets = traffic->second.packets;
      snapshot.octets = traffic->second.octets;
    }
    snapshot.remaining = delegation.ends - now.monotonic;
    out.push_back(std::move(snapshot));
  }
  return out;
}

// Each with the highest number that was used: what counts is that the next ones are above it.
std::vector<PersistedDelegation> Primary::Implementation::persisted() const {
  std::vector<PersistedDelegation> out;
  for (const auto& [home_address, delegation] : table_.all()) {
    const bool is_wanted_here = delegation.by_operator && delegation.destination() == kOwn;
    if (is_wanted_here) out.push_back({home_address, Address{}, last_number_, true, true});
    if (delegation.agent != kOwn)
      out.push_back({home_address, agent(delegation.agent).configured.address, last_number_,
                     delegation.by_operator && delegation.next == kOwn, true});
    if (delegation.next != kOwn)
      out.push_back({home_address, agent(delegation.next).configured.address, last_number_, delegation.by_operator, false});
  }
  for (const auto& agent : agents_) {
    if (!agent) continue;
    for (const auto& [home_address, word] : agent->exchanges.words())
      if (word.kind == Exchanges::Kind::Stop) out.push_back({home_address, agent->configured.address, last_number_, false, false});
  }
  for (const auto& [agent, home_addresses] : orphans_)
    for (const Address& home_address : home_addresses)
      if (const DelegationNode* node = table_.find(home_address); node != nullptr && node->second.over_until != TimePoint{})
        out.push_back({home_address, agent, last_number_, false, false});
  // Nobody has asked for them yet.
  for (const auto& [home_address, delegations] : restored_) out.insert(out.end(), delegations.begin(), delegations.end());
  return out;
}

}  // namespace mipflow::home_agent
