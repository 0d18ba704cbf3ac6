// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent_choice.hpp"

#include <algorithm>

#include "mipflow/wire/constants.hpp"
#include "mipflow/wire/home_agents_anycast.hpp"

namespace mipflow::mobile_node {
namespace {

bool contains(const std::vector<Address>& list, const Address& address) {
  return std::find(list.begin(), list.end(), address) != list.end();
}

}  // namespace

AgentChoice::AgentChoice(const Configuration& configuration)
    : configuration_(configuration),
      discovers_(configuration.home_agent.is_unspecified()),
      origin_(discovers_ ? HomeAgentOrigin::Discovered : HomeAgentOrigin::Configured) {
  if (discovers_) {
    next_ = TimePoint::min();
    return;
  }
  candidates_.push_back(configuration.home_agent);
  for (const auto& other : configuration.other_home_agents)
    if (!contains(candidates_, other)) candidates_.push_back(other);
  asked_ = serving_ = candidates_.front();
  queue_.assign(candidates_.begin() + 1, candidates_.end());
}

void AgentChoice::enter(Phase phase, TimePoint next) {
  phase_ = phase;
  next_ = next;
}

bool AgentChoice::has_failed(const Address& home_agent) const { return contains(failed_, home_agent); }

AgentChoice::Step AgentChoice::on_deadline(TimePoint now) {
  if (now < next_) return Step::Wait;
  switch (phase_) {
    case Phase::Served:
    case Phase::Discovering: next_ = kNever; return Step::Wait;
    case Phase::Pausing: begin_round(now); break;
    case Phase::Asking: break;
  }
  if (!queue_.empty()) {
    asked_ = queue_.front();
    queue_.erase(queue_.begin());
    enter(Phase::Asking, kNever);
    return Step::Ask;
  }
  if (!discovers_ || discovered_) {
    pause(now);
    return Step::Wait;
  }
  discovered_ = true;
  enter(Phase::Discovering, kNever);
  return Step::Discover;
}

// RFC 6275 §11.4.1: a new attempt begins with the home agent that has the current registration.
void AgentChoice::begin_round(TimePoint now) {
  round_began_ = now;
  failed_.clear();
  discovered_ = false;
  queue_.clear();
  if (!serving_.is_unspecified()) queue_.push_back(serving_);
  for (const auto& candidate : candidates_)
    if (candidate != serving_) queue_.push_back(candidate);
  phase_ = Phase::Asking;
}

void AgentChoice::pause(TimePoint now) { enter(Phase::Pausing, pauses_.sent_at(now)); }

void AgentChoice::accepted(TimePoint now) {
  const bool goes_on = phase_ == Phase::Served && serving_ == asked_;
  if (serving_ != asked_ && discovers_) origin_ = HomeAgentOrigin::Discovered;
  serving_ = asked_;
  if (!goes_on) serving_since_ = now;
  queue_.clear();
  failed_.clear();
  pauses_.reset();
  enter(Phase::Served, kNever);
}

void AgentChoice::failed(TimePoint asked_at, TimePoint now) {
  if (!has_choice()) return;
  switch (phase_) {
    case Phase::Served:
      begin_round(now);
      std::erase(queue_, asked_);
      break;
    case Phase::Asking: break;
    // Others are looked for already.
    case Phase::Discovering:
    case Phase::Pausing: return;
  }
  if (!has_failed(asked_)) failed_.push_back(asked_);
  // RFC 6275 §11.4.1: the next home agent is asked InitialBindackTimeoutFirstReg after the one before it at the earliest.
  next_may_be_asked_ = asked_at + configuration_.initial_bindack_timeout_first_reg;
  enter(Phase::Asking, std::max(now, queue_.empty() ? now : next_may_be_asked_));
}

// Who is asked gets a signed Binding Update, so not everybody whom a stranger names is: who is on the list of the
// configuration, or else belongs to the home link as every home agent with one does.
bool AgentChoice::may_serve(const Address& home_agent) const {
  if (!home_agent.is_unicast_routable() || home_agent == configuration_.primary_home_address ||
      home_agent == wire::home_agents_anycast(configuration_.home_prefix))
    return false;
  const auto& acceptable = configuration_.other_home_agents;
  return acceptable.empty() ? configuration_.home_prefix.contains(home_agent) : contains(acceptable, home_agent);
}

bool AgentChoice::named(const std::vector<Address>& home_agents, TimePoint now) {
  // The first reply of a request says who there is; what comes behind it only adds, because it may be the one that is forged.
  const bool first = phase_ == Phase::Discovering;
  if (!first && phase_ != Phase::Asking) return false;
  std::vector<Address> usable;
  for (const auto& home_agent : home_agents) {
    if (usable.size() >= kMostPerReply) break;
    if (may_serve(home_agent) && !contains(usable, home_agent)) usable.push_back(home_agent);
  }
  if (usable.empty()) return false;
  if (first) {
    candidates_.clear();
    queue_.clear();
  }
  bool somebody = false;
  for (const auto& home_agent : usable) {
    if (contains(candidates_, home_agent) || candidates_.size() >= kMostCandidates) continue;
    candidates_.push_back(home_agent);
    if (has_failed(home_agent) || (!first && home_agent == asked_)) continue;
    queue_.push_back(home_agent);
    somebody = true;
  }
  if (!first) return somebody;
  if (somebody)
    enter(Phase::Asking, std::max(now, next_may_be_asked_));
  else
    pause(now);
  return somebody;
}

void AgentChoice::discovery_failed(TimePoint now) {
  if (phase_ == Phase::Discovering) pause(now);
}

bool AgentChoice::return_to_serving() {
  if (serving_.is_unspecified()) return false;
  asked_ = serving_;
  failed_.clear();
  discovered_ = false;
  queue_ = candidates_;
  std::erase(queue_, serving_);
  enter(Phase::Asking, kNever);
  return true;
}

void AgentChoice::way_changed(TimePoint now) {
  if (phase_ != Phase::Pausing) return;
  // An interface that comes and goes must not make us ask all the time.
  next_ = std::min(next_, std::max(now, round_began_ + wire::kInitialDhaadTimeout));
}

bool AgentChoice::recovered(const Address& home_agent) {
  if (!has_choice() || origin_ == HomeAgentOrigin::Recovered) return false;
  if (discovers_ ? !may_serve(home_agent) : !contains(candidates_, home_agent)) return false;
  if (!contains(candidates_, home_agent)) candidates_.push_back(home_agent);
  origin_ = HomeAgentOrigin::Recovered;
  serving_ = home_agent;
  return return_to_serving();
}

}  // namespace mipflow::mobile_node
