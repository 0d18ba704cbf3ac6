// SPDX-License-Identifier: GPL-3.0-or-later
// How secondaries come, fall silent, come back and go.
#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "sharing/primary_implementation.hpp"

namespace mipflow::home_agent {

namespace {

// Between the first announcements of what a dead agent had: late caches have to heal at once, and a link has to bear it.
constexpr Duration kBetweenAnnouncements = std::chrono::microseconds{50};

}  // namespace

void Primary::Implementation::beat(AgentIndex index, Now now, Outputs& outputs) {
  AgentOfPrimary& other = agent(index);
  if (other.life != AgentOfPrimary::Life::Dead && other.liveness.dead(now.monotonic)) died(index, "does not answer", now, outputs);
  if (const auto number = other.liveness.take_due(now.monotonic)) {
    if (auto packet = other.association.seal(std::vector{wire::Heartbeat{.number = *number}})) {
      ++parts_.counters.heartbeats_sent;
      outputs.packets.push_back(std::move(*packet));
    }
  }
  end_words(index, now);
}

void Primary::Implementation::end_words(AgentIndex index, Now now) {
  Exchanges& exchanges = agent(index).exchanges;
  while (const auto home_address = exchanges.take_over(now.monotonic)) {
    const Exchanges::Word* word = exchanges.find(*home_address);
    if (word == nullptr) continue;
    switch (word->kind) {
      case Exchanges::Kind::Start:
        start_failed(index, *home_address, now);
        break;
      case Exchanges::Kind::Stop:
        stop_finished(index, *home_address, now);
        break;
    }
  }
}

void Primary::Implementation::died(AgentIndex index, const char* how, Now now, Outputs& outputs) {
  AgentOfPrimary& dead = agent(index);
  const std::size_t held = table_.counts(index).held;
  if (dead.life == AgentOfPrimary::Life::Serving || held > 0) ++parts_.counters.agents_died;
  dead.life = AgentOfPrimary::Life::Dead;
  dead.probation.died(now.monotonic);
  outputs.notices.push_back({Severity::Warning, "agent-dead",
                             "secondary " + dead.configured.name + " (" + to_string(dead.configured.address) + ") " + how + "; " +
                                 std::to_string(held) + " home addresses are taken back"});

  std::vector<Address> asked;
  for (const auto& [home_address, word] : dead.exchanges.words())
    if (word.kind == Exchanges::Kind::Start) asked.push_back(home_address);
  for (const Address& home_address : asked)
    if (DelegationNode* node = table_.find(home_address); node != nullptr && node->second.next == index) {
      node->second.by_operator = false;
      withdraw(*node, now);
    }
  take_back_all(index, now);
  for (const Address& home_address : answers_.home_addresses()) release_answer(home_address);
  dead.load = Rate{};
  dead.packets_at.reset();
  dead.is_retiring = false;
  divide_soon(now);
}

void Primary::Implementation::take_back_all(AgentIndex index, Now now) {
  auto nodes = table_.all_of(index);
  // Those that somebody misses are announced first.
  std::stable_partition(nodes.begin(), nodes.end(), [this](const DelegationNode* node) { return traffic_.contains(node->first); });
  TimePoint first_announcement = now.monotonic;
  for (DelegationNode* node : nodes) {
    node->second.by_operator = false;
    node->second.rests_until = TimePoint{};
    take_back(*node, "agent-dead", first_announcement, now);
    first_announcement += kBetweenAnnouncements;
  }
}

void Primary::Implementation::returned(AgentIndex index, Now now, Outputs& outputs) {
  AgentOfPrimary& agent = *agents_[index];
  const bool was_dead = agent.life == AgentOfPrimary::Life::Dead;
  agent.life = AgentOfPrimary::Life::Serving;
  const std::string who = "secondary " + agent.configured.name + " (" + to_string(agent.configured.address) + ")";
  if (was_dead) {
    agent.probation.returned(now.monotonic);
    ++parts_.counters.agents_returned;
    outputs.notices.push_back({Severity::Info, "agent-returned", who + " answers again"});
  } else {
    outputs.notices.push_back({Severity::Info, "agent-found", who + " answers"});
  }
  divide_soon(now);
}

void Primary::Implementation::restarted(AgentIndex index, Outputs& outputs) {
  AgentOfPrimary& agent = *agents_[index];
  ++parts_.counters.agents_restarted;
  agent.may_have_forgotten = true;
  outputs.notices.push_back({Severity::Info, "agent-restarted",
                             "secondary " + agent.configured.name + " (" + to_string(agent.configured.address) + ") has restarted; " +
                                 std::to_string(table_.counts(index).held) + " home addresses stay with it, should it know them"});
}

void Primary::Implementation::tell_emptied(AgentIndex index, Outputs& outputs) {
  AgentOfPrimary& agent = *agents_[index];
  if (!agent.drains() || agent.empty_is_told || table_.counts(index).held + table_.counts(index).arriving > 0 ||
      agent.exchanges.size() > 0)
    return;
  agent.empty_is_told = true;
  outputs.notices.push_back({Severity::Info, "agent-drained", "secondary " + agent.configured.name + " has no home address any more"});
}

void Primary::Implementation::remove_if_done(AgentIndex index) {
  const AgentOfPrimary& agent = *agents_[index];
  // What a dead one is owed ends with the durations that it was given.
  if (agent.is_removed && table_.counts(index).held + table_.counts(index).arriving == 0 && agent.exchanges.size() == 0)
    agents_[index].reset();
}

void Primary::Implementation::add_agent(const SecondaryAgent& configured) {
  auto added = std::make_unique<AgentOfPrimary>(configured, parts_.own, parts_.configuration);
  const auto free = std::find(agents_.begin() + 1, agents_.end(), nullptr);
  if (free != agents_.end())
    *free = std::move(added);
  else if (agents_.size() <= std::numeric_limits<AgentIndex>::max())
    agents_.push_back(std::move(added));
}

void Primary::Implementation::apply_configuration(Now now) {
  const LoadSharing& configuration = parts_.configuration;
  for (std::size_t index = 1; index < agents_.size(); ++index) {
    AgentOfPrimary* const agent = agents_[index].get();
    if (agent == nullptr) continue;
    const auto configured = std::find_if(configuration.secondaries.begin(), configuration.secondaries.end(),
                                         [&](const SecondaryAgent& other) { return other.address == agent->configured.address; });
    agent->is_removed = configured == configuration.secondaries.end();
    agent->liveness.set_times(configuration.heartbeat, configuration.dead_after);
    agent->exchanges.set_retransmission(configuration.retransmission);
    if (!agent->is_removed) {
      if (configured->key != agent->configured.key) {
        agent->association.set_key(configured->key);
        agent->is_met = false;
        agent->may_have_forgotten = true;
        // In a new conversation all that is to go on has to be said again.
        for (DelegationNode* node : table_.all_of(static_cast<AgentIndex>(index))) refresh(*node, now);
      }
      agent->configured = *configured;
    }
    agent->empty_is_told = !agent->drains();
  }
  for (const SecondaryAgent& configured : configuration.secondaries)
    if (index_of(configured.address) == kOwn) {
      add_agent(configured);
      if (const AgentIndex added = index_of(configured.address); added != kOwn) stop_orphans(added, now);
    }

  const Address tunnel_source = configuration.tunnel_from_primary ? parts_.own.address : Address{};
  if (std::exchange(tunnel_source_, tunnel_source) != tunnel_source)
    // Also those that are here as long as a Start is under way.
    for (std::size_t index = kOwn; index < agents_.size(); ++index)
      for (DelegationNode* node : table_.all_of(static_cast<AgentIndex>(index))) refresh(*node, now);
  next_division_ = kNever;
  if (has_agents()) divide_soon(now);
}

bool Primary::Implementation::has_agents() const {
  return std::any_of(agents_.begin(), agents_.end(), [](const auto& agent) { return agent != nullptr; });
}

AgentIndex Primary::Implementation::index_of(const Address& address) const {
  const auto found = std::find_if(agents_.begin(), agents_.end(),
                                  [&](const auto& agent) { return agent && agent->configured.address == address; });
  return found == agents_.end() ? kOwn : static_cast<AgentIndex>(found - agents_.begin());
}

AgentIndex Primary::Implementation::index_of_name(const std::string& name) const {
  const auto found =
      std::find_if(agents_.begin(), agents_.end(), [&](const auto& agent) { return agent && agent->configured.name == name; });
  return found == agents_.end() ? kOwn : static_cast<AgentIndex>(found - agents_.begin());
}

}  // namespace mipflow::home_agent
