// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "mipflow/base/time.hpp"
#include "mipflow/home-agent/load_sharing.hpp"
#include "sharing/association.hpp"
#include "sharing/primary_exchanges.hpp"
#include "sharing/primary_rate.hpp"

namespace mipflow::home_agent {

// How long an agent that came back gets nothing new: longer each time when it dies again soon, so that home addresses do not
// go to and fro with it.
class Probation {
 public:
  static constexpr Duration kShortest = std::chrono::seconds{2};
  static constexpr Duration kLongest = std::chrono::minutes{5};
  // Who lived that long had no reason to die that would still be there.
  static constexpr Duration kLongLife = std::chrono::minutes{1};

  void died(TimePoint now) {
    const bool soon = returned_ && now - *returned_ < kLongLife;
    length_ = soon ? std::min(2 * length_, kLongest) : kShortest;
    returned_.reset();
  }
  void returned(TimePoint now) {
    returned_ = now;
    ends_ = now + length_;
  }
  bool is_over(TimePoint now) const { return now >= ends_; }

 private:
  Duration length_ = kShortest;
  std::optional<TimePoint> returned_;
  TimePoint ends_{};
};

// A secondary as its primary knows it.
struct AgentOfPrimary {
  AgentOfPrimary(const SecondaryAgent& agent, const OwnEnd& own, const LoadSharing& configuration)
      : configured(agent),
        association(own, agent.address, agent.key),
        liveness(configuration.heartbeat, configuration.dead_after),
        exchanges(configuration.retransmission) {}

  // Believed to be there; draining is told apart by drains().
  enum class Life : std::uint8_t { Unknown, Serving, Dead };

  // Nothing goes to it, and what it has goes elsewhere.
  bool drains() const { return configured.weight == 0 || drained_by_operator || is_retiring || is_removed; }
  bool takes(TimePoint now) const { return can_be_told() && !drains() && probation.is_over(now) && now >= refuses_until; }
  bool can_be_told() const { return life == Life::Serving && association.knows_session(); }

  SecondaryAgent configured;
  Association association;
  Liveness liveness;
  Exchanges exchanges;
  Life life = Life::Unknown;
  bool is_met = false;  // its session is one of ours, so another one is a restart
  bool may_have_forgotten = true;  // the first question of a conversation is how many home addresses it has
  bool drained_by_operator = false;
  bool is_retiring = false;
  bool is_removed = false;  // from the configuration
  bool empty_is_told = true;
  std::size_t capacity = SIZE_MAX;
  Probation probation;
  TimePoint refuses_until{};
  Rate load;  // packets/s that it tunnels for us
  std::uint64_t packets = 0;  // as it said last
  std::optional<TimePoint> packets_at;
};

}  // namespace mipflow::home_agent
