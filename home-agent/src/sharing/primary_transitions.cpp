// SPDX-License-Identifier: GPL-3.0-or-later
// How a home address goes from one agent to another. Whoever has it goes on until the next one has said that it does, and
// is told to stop only then.
#include <algorithm>
#include <chrono>
#include <limits>

#include "sharing/primary_implementation.hpp"

namespace mipflow::home_agent {

namespace {

// An agent that lives and yet does not acknowledge a Start for that long does not get the home address.
constexpr Duration kLongestStart = std::chrono::seconds{5};
// A secondary stops by itself when the duration is over, which was rounded down to seconds: we are there before.
constexpr Duration kBeforeEnd = std::chrono::seconds{2};
// Rounding, two clocks, the way there.
constexpr Duration kBehindEnd = std::chrono::seconds{2};
// A home address that an agent did not take is not offered again so soon.
constexpr Duration kRestAfterFailure = std::chrono::minutes{1};

}  // namespace

void Primary::Implementation::take_up(DelegationNode& node, TimePoint first_announcement, Now now) {
  const bool as_before = take_up_again(node, now);
  if (node.second.agent == kOwn) intercept(node, first_announcement, now);
  if (as_before || !has_agents()) return;
  const auto target = static_cast<AgentIndex>(choose_agent(parts_.configuration, division_agents(now)));
  if (target != kOwn) move(node, target, "equal", now);
}

bool Primary::Implementation::take_up_again(DelegationNode& node, Now now) {
  auto restored = restored_.extract(node.first);
  if (restored.empty()) return false;
  Delegation& delegation = node.second;
  for (const PersistedDelegation& persisted : restored.mapped()) {
    const AgentIndex index = index_of(persisted.agent);
    if (persisted.by_operator) {
      delegation.by_operator = index != kOwn || persisted.agent.is_unspecified();
      delegation.reason = "operator";
    }
    if (index == kOwn) {
      // Nobody can tell it to stop any more; it does when the duration is over.
      if (persisted.agent.is_unspecified()) continue;
      delegation.over_until = delegation.ends;
      orphans_[persisted.agent].push_back(node.first);
    } else if (persisted.acknowledged && delegation.agent == kOwn) {
      relocate(node, index, delegation.next, now);
      delegation.given_until = delegation.ends;
    } else {
      // It may have heard the Start of before: until it hears another one it is owed a Stop.
      owe_stop(index, node.first, delegation.ends, now);
      if (persisted.by_operator && delegation.next == kOwn) relocate(node, delegation.agent, index, now);
    }
  }
  // What it was asked before the restart it may have heard: it is owed a Stop, should it not answer.
  if (delegation.next != kOwn)
    agent(delegation.next).exchanges.start(node.first, next_number(now), true, delegation.ends + kBehindEnd, kLongestStart, now.monotonic);
  refresh(node, now);
  return true;
}

void Primary::Implementation::refresh(DelegationNode& node, Now now) {
  const Delegation& delegation = node.second;
  if (delegation.agent != kOwn)
    agent(delegation.agent)
        .exchanges.start(node.first, next_number(now), true, delegation.given_until + kBehindEnd, kLongestHold, now.monotonic);
  if (delegation.next != kOwn)
    agent(delegation.next).exchanges.start(node.first, next_number(now), false, TimePoint{}, kLongestStart, now.monotonic);
  watch_end(node);
}

void Primary::Implementation::move(DelegationNode& node, AgentIndex target, const char* reason, Now now) {
  Delegation& delegation = node.second;
  const bool is_worth_while = delegation.ends - now.monotonic >= kShortestRemaining;
  if (target != delegation.agent && target != kOwn && !is_worth_while) target = kOwn;
  if (target == delegation.destination()) return;
  delegation.reason = reason;
  withdraw(node, now);
  if (target == delegation.agent) return;
  if (target == kOwn)
    take_back(node, reason, now.monotonic, now);
  else
    ask(node, target, now);
}

void Primary::Implementation::ask(DelegationNode& node, AgentIndex target, Now now) {
  relocate(node, node.second.agent, target, now);
  agent(target).exchanges.start(node.first, next_number(now), false, TimePoint{}, kLongestStart, now.monotonic);
  watch_end(node);
}

void Primary::Implementation::take_back(DelegationNode& node, const char* reason, TimePoint first_announcement, Now now) {
  Delegation& delegation = node.second;
  const AgentIndex from = delegation.agent;
  if (from == kOwn) return;
  relocate(node, kOwn, delegation.next, now);
  delegation.reason = reason;
  ++parts_.counters.taken_back;
  owe_stop(from, node.first, delegation.given_until, now);
  intercept(node, first_announcement, now);
  watch_end(node);
}

void Primary::Implementation::withdraw(DelegationNode& node, Now now) {
  const Delegation& delegation = node.second;
  const AgentIndex asked = delegation.next;
  if (asked == kOwn) return;
  relocate(node, delegation.agent, kOwn, now);
  watch_end(node);
  Exchanges& exchanges = agent(asked).exchanges;
  const Exchanges::Word* word = exchanges.find(node.first);
  if (word == nullptr || word->kind == Exchanges::Kind::Stop) return;
  if (word->may_have || word->backoff.transmissions() > 0)
    owe_stop(asked, node.first, delegation.ends, now);
  else
    exchanges.finish(node.first);
}

void Primary::Implementation::owe_stop(AgentIndex index, const Address& home_address, TimePoint given_until, Now now) {
  agent(index).exchanges.stop(home_address, next_number(now), given_until + kBehindEnd, now.monotonic);
  changed_ = true;
}

void Primary::Implementation::start_accepted(AgentIndex from, const Address& home_address, Now now) {
  DelegationNode* node = table_.find(home_address);
  if (node == nullptr) return;
  Delegation& delegation = node->second;
  if (delegation.next == from) {
    const AgentIndex before = delegation.agent;
    relocate(*node, from, kOwn, now);
    if (before == kOwn)
      parts_.interception.stop(home_address);
    else
      owe_stop(before, home_address, delegation.given_until, now);
    delegation.over_until = TimePoint{};
    lingering_.cancel(home_address);
    if (const auto traffic = traffic_.find(home_address); traffic != traffic_.end())
      traffic->second = Traffic{.rate = traffic->second.rate, .reported_at = now.monotonic};
  }
  if (delegation.agent == from) delegation.given_until = delegation.ends;
  refusals_.erase(home_address);
  watch_end(*node);
  release_answer(home_address);
}

void Primary::Implementation::start_failed(AgentIndex from, const Address& home_address, Now now) {
  DelegationNode* node = table_.find(home_address);
  if (node == nullptr) return agent(from).exchanges.finish(home_address);
  Delegation& delegation = node->second;
  delegation.rests_until = now.monotonic + kRestAfterFailure;
  // The operator's word was that it has it.
  delegation.by_operator = false;
  if (delegation.next == from) {
    withdraw(*node, now);
    delegation.reason = "no-acknowledgement";
  } else if (delegation.agent == from) {
    take_back(*node, "no-acknowledgement", now.monotonic, now);
  }
  release_answer(home_address);
}

void Primary::Implementation::stop_finished(AgentIndex from, const Address& home_address, Now now) {
  agent(from).exchanges.finish(home_address);
  changed_ = true;
  DelegationNode* node = table_.find(home_address);
  if (node != nullptr && node->second.agent == kOwn && !owes_stop(home_address)) {
    node->second.over_until = now.monotonic + parts_.configuration.linger;
    lingering_.set(home_address, node->second.over_until);
    // It may have announced itself until just now.
    parts_.interception.announce_again(home_address, now.monotonic);
  }
  release_answer(home_address);
}

void Primary::Implementation::relocate(DelegationNode& node, AgentIndex where, AgentIndex next, Now now) {
  const AgentIndex before = node.second.destination();
  table_.relocate(node, where, next);
  changed_ = true;
  const AgentIndex after = node.second.destination();
  const auto traffic = traffic_.find(node.first);
  if (before == after || traffic == traffic_.end()) return;
  // What will be measured in a moment, so that nothing else moves because of it meanwhile.
  const double packets_per_second = traffic->second.rate.at(now.monotonic);
  const auto load_of = [this](AgentIndex index) -> Rate& { return index == kOwn ? own_load_ : agent(index).load; };
  load_of(before).shift(-packets_per_second, now.monotonic);
  load_of(after).shift(packets_per_second, now.monotonic);
}

void Primary::Implementation::intercept(DelegationNode& node, TimePoint first_announcement, Now now) {
  const Delegation& delegation = node.second;
  const bool over = owes_stop(node.first) || now.monotonic < delegation.over_until;
  if (now.monotonic < delegation.over_until) lingering_.set(node.first, delegation.over_until);
  parts_.interception.start(node.first, delegation.link_local_address_compatibility,
                            over ? Interception::Preference::OverHostRoute : Interception::Preference::CoveringPrefix,
                            first_announcement);
}

void Primary::Implementation::watch_end(DelegationNode& node) {
  const Delegation& delegation = node.second;
  TimePoint end = kNever;
  if (delegation.next != kOwn) end = delegation.ends;
  if (delegation.agent != kOwn) end = std::min(end, delegation.given_until);
  if (end == kNever)
    ends_.cancel(node.first);
  else
    ends_.set(node.first, end - kBeforeEnd);
}

wire::DelegationNumber Primary::Implementation::next_number(Now now) {
  const auto clock = std::chrono::duration_cast<std::chrono::microseconds>(now.wall).count();
  return last_number_ = std::max(last_number_ + 1, static_cast<wire::DelegationNumber>(std::max<std::int64_t>(clock, 0)));
}

wire::StartForwarding Primary::Implementation::start_of(const Address& home_address, wire::DelegationNumber number, Now now) const {
  wire::StartForwarding start;
  start.home_address = home_address;
  start.number = number;
  if (parts_.configuration.tunnel_from_primary) start.tunnel_source = parts_.own.address;
  const DelegationNode* node = table_.find(home_address);
  if (node == nullptr) return start;
  const auto remaining = std::chrono::duration_cast<std::chrono::seconds>(node->second.ends - now.monotonic).count();
  start.duration = static_cast<std::uint32_t>(std::clamp<std::int64_t>(remaining, 0, std::numeric_limits<std::uint32_t>::max()));
  start.care_of_address = node->second.care_of_address;
  start.link_local_address_compatibility = node->second.link_local_address_compatibility;
  return start;
}

bool Primary::Implementation::owes_stop(const Address& home_address) const {
  return std::any_of(agents_.begin(), agents_.end(), [&](const auto& agent) {
    const Exchanges::Word* word = agent ? agent->exchanges.find(home_address) : nullptr;
    return word != nullptr && word->kind == Exchanges::Kind::Stop;
  });
}

bool Primary::Implementation::waits(const Address& home_address) const {
  const auto is_asked = [&](const AgentOfPrimary& agent, Exchanges::Kind kind) {
    const Exchanges::Word* word = agent.exchanges.find(home_address);
    return agent.life != AgentOfPrimary::Life::Dead && word != nullptr && word->kind == kind;
  };
  if (const DelegationNode* node = table_.find(home_address)) {
    const AgentIndex asked = node->second.agent != kOwn ? node->second.agent : node->second.next;
    return parts_.configuration.answer == AnswerMoment::AfterSecondary && asked != kOwn &&
           is_asked(agent(asked), Exchanges::Kind::Start);
  }
  // RFC 6275 §10.3.2: when the acknowledgement is there, the mobile node uses its address on the home link.
  return std::any_of(agents_.begin(), agents_.end(),
                     [&](const auto& agent) { return agent && is_asked(*agent, Exchanges::Kind::Stop); });
}

void Primary::Implementation::release_answer(const Address& home_address) {
  if (answers_.holds(home_address) && !waits(home_address)) answers_.release(home_address);
}

}  // namespace mipflow::home_agent
