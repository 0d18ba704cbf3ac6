// SPDX-License-Identifier: GPL-3.0-or-later
// Once a second: what should move, by the rules of division.hpp. Looked at is what had traffic, and of what there is
// otherwise as much as could move at once, in turns, so that a million home addresses cost no more than some thousand.
#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "sharing/primary_implementation.hpp"

namespace mipflow::home_agent {

namespace {

constexpr Duration kBetweenDivisions = std::chrono::seconds{1};
// While there is more to do than may be done at once.
constexpr Duration kBetweenSteps = std::chrono::milliseconds{100};
constexpr std::size_t kMostMoves = 2'000;
constexpr std::size_t kMostLookedAt = 2 * kMostMoves;
// As long as so many words were not acknowledged, nothing is added to them.
constexpr std::size_t kMostOutstanding = 10'000;

}  // namespace

std::vector<DivisionAgent> Primary::Implementation::division_agents(Now now) const {
  std::vector<DivisionAgent> out(agents_.size());
  out[kOwn] = {parts_.configuration.own_weight, true, SIZE_MAX, table_.counts(kOwn).settled(), own_load_.at(now.monotonic)};
  for (std::size_t index = 1; index < agents_.size(); ++index) {
    const AgentOfPrimary* agent = agents_[index].get();
    const std::size_t held = table_.counts(static_cast<AgentIndex>(index)).settled();
    const bool takes = agent != nullptr && agent->takes(now.monotonic);
    // Who neither has nor takes anything has no share.
    if (agent == nullptr || (!takes && held == 0)) {
      out[index] = {0, false, 0, 0, 0};
      continue;
    }
    out[index] = {agent->drains() ? 0 : agent->configured.weight, takes, agent->capacity > held ? agent->capacity - held : 0, held,
                  agent->load.at(now.monotonic)};
  }
  return out;
}

bool Primary::Implementation::may_move(const DelegationNode& node, Now now) const {
  const Delegation& delegation = node.second;
  if (delegation.next != kOwn || delegation.ends - now.monotonic < kShortestRemaining) return false;
  if (delegation.agent != kOwn && agent(delegation.agent).drains()) return true;
  const bool is_in_exchange = std::any_of(agents_.begin(), agents_.end(), [&](const auto& other) {
    const Exchanges::Word* word = other && other->can_be_told() ? other->exchanges.find(node.first) : nullptr;
    return word != nullptr && word->kind == Exchanges::Kind::Stop;
  });
  return !delegation.by_operator && now.monotonic >= delegation.rests_until && !is_in_exchange;
}

void Primary::Implementation::gather(AgentIndex index, std::vector<DivisionHomeAddress>& out, Now now) {
  std::size_t looks = std::min(table_.counts(index).held, kMostLookedAt);
  std::size_t found = 0;
  DelegationNode* node = table_.first_of(index);
  while (looks-- > 0 && found < kMostMoves && node != nullptr) {
    DelegationNode* const behind = node->second.behind;
    if (may_move(*node, now)) {
      const auto traffic = traffic_.find(node->first);
      out.push_back({node->first, index, traffic == traffic_.end() ? 0 : traffic->second.rate.at(now.monotonic), true});
      ++found;
    } else {
      table_.put_last(*node);
    }
    node = behind;
  }
}

void Primary::Implementation::divide_now(Now now) {
  next_division_ = has_agents() ? now.monotonic + kBetweenDivisions : kNever;
  std::size_t outstanding = 0;
  for (const auto& agent : agents_)
    if (agent && agent->can_be_told()) outstanding += agent->exchanges.size();
  if (!has_agents() || outstanding > kMostOutstanding) {
    if (has_agents()) next_division_ = now.monotonic + kBetweenSteps;
    return;
  }

  const auto agents = division_agents(now);
  std::vector<DivisionHomeAddress> home_addresses;
  const bool all_count = parts_.configuration.division == Division::Equal;
  for (std::size_t index = 0; index < agents.size(); ++index)
    if (all_count || (index != kOwn && agents[index].weight == 0)) gather(static_cast<AgentIndex>(index), home_addresses, now);
  if (parts_.configuration.division == Division::Load) {
    for (const Address& home_address : busy_) {
      const DelegationNode* node = table_.find(home_address);
      if (node == nullptr || !may_move(*node, now)) continue;
      const AgentIndex index = node->second.agent;
      if (index != kOwn && agents[index].weight == 0) continue;  // gathered
      home_addresses.push_back({home_address, index, traffic_[home_address].rate.at(now.monotonic), true});
    }
  }
  busy_.clear();

  const auto moves = divide(parts_.configuration, agents, home_addresses, kMostMoves);
  for (const DivisionMove& wanted : moves) {
    DelegationNode& node = *table_.find(wanted.home_address);
    auto target = static_cast<AgentIndex>(wanted.to);
    if (has_refused(target, wanted.home_address, now)) target = kOwn;
    if (target == node.second.agent) continue;
    if (node.second.agent != kOwn && agent(node.second.agent).drains()) node.second.by_operator = false;
    node.second.rests_until = now.monotonic + parts_.configuration.rest;
    if (wanted.reason == std::string_view{"load"}) ++parts_.counters.moved_by_load;
    if (wanted.reason == std::string_view{"equal"}) ++parts_.counters.moved_for_equality;
    move(node, target, wanted.reason, now);
  }
  if (moves.size() >= kMostMoves) next_division_ = now.monotonic + kBetweenSteps;
}

bool Primary::Implementation::has_refused(AgentIndex index, const Address& home_address, Now now) const {
  const auto found = refusals_.find(home_address);
  return index != kOwn && found != refusals_.end() && found->second.agent == index &&
         now.monotonic < found->second.remembered_until;
}

}  // namespace mipflow::home_agent
