// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/backoff.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/mn-core/configuration.hpp"
#include "mipflow/mn-core/snapshot.hpp"

namespace mipflow::mobile_node {

// Which home agent is asked to register, and when the next one is: RFC 6275 §11.4.1, §11.7.1. State only.
//
//  phase       | is left when                                   | for
//  ------------+------------------------------------------------+----------------------------------------------------------
//  Served      | asked() refuses or is silent                   | Asking: the others, then whoever discovery names
//  Asking      | asked() accepts                                | Served
//              | asked() refuses or is silent                   | Asking the next one; without one Discovering, once a round,
//              |                                                | or Pausing
//  Discovering | a reply names somebody who has not failed yet  | Asking
//              | nobody answers, or nobody new is named         | Pausing
//  Pausing     | the pause is over                              | Asking from the beginning, who served last before the others
//  any         | asked() accepts after all                      | Served
//
// Between the first Binding Updates to two home agents lies InitialBindackTimeoutFirstReg at least; a pause lasts 8 s, and
// twice as long after every round without success up to 64 s. Who serves is left for nothing but its own refusal or silence:
// a reply that names others only adds to whom to ask then.
class AgentChoice {
 public:
  enum class Phase : std::uint8_t { Served, Asking, Discovering, Pausing };
  enum class Step : std::uint8_t { Wait, Ask, Discover };

  // `configuration` must outlive the object. A home agent that stands alone in it is asked for ever, whatever it does.
  explicit AgentChoice(const Configuration& configuration);

  // There may be another home agent than the one that is asked.
  bool has_choice() const { return discovers_ || candidates_.size() > 1; }
  bool discovers() const { return discovers_; }
  Phase phase() const { return phase_; }
  // Where the primary home address is registered next; `::` while nobody is known.
  const Address& asked() const { return asked_; }
  // Who accepted it last, or is trusted to because it stands in the configuration; `::` while there is none.
  const Address& serving() const { return serving_; }
  // Served: since when.
  TimePoint serving_since() const { return serving_since_; }
  HomeAgentOrigin origin() const { return origin_; }
  // All that are known, in the order in which they are asked.
  const std::vector<Address>& candidates() const { return candidates_; }

  // What is to be done now. Ask: asked() is another one than before, or is to be asked anew.
  Step on_deadline(TimePoint now);
  TimePoint next_deadline() const { return next_; }

  void accepted(TimePoint now);
  // asked() refused, or was silent for as long as one is patient. `asked_at`: when the exchange with it began.
  void failed(TimePoint asked_at, TimePoint now);
  // The home agents that a reply names, best first. True when there is somebody to ask among them.
  bool named(const std::vector<Address>& home_agents, TimePoint now);
  // No usable reply came.
  void discovery_failed(TimePoint now);
  // Asks who served last, whoever is asked now. False when nobody did.
  bool return_to_serving();
  // There is another way out than before: a pause has lost its reason.
  void way_changed(TimePoint now);
  // The data path of the daemon before this one had its tunnel there. True when it is the one that is asked now.
  bool recovered(const Address& home_agent);

  // A reply's further home agents, and those of further replies, are ignored.
  static constexpr std::size_t kMostPerReply = 16;
  static constexpr std::size_t kMostCandidates = 32;
  static constexpr Duration kFirstPause = std::chrono::seconds{8};
  static constexpr Duration kLongestPause = std::chrono::seconds{64};

 private:
  void enter(Phase phase, TimePoint next);
  void begin_round(TimePoint now);
  void pause(TimePoint now);
  bool may_serve(const Address& home_agent) const;
  bool has_failed(const Address& home_agent) const;

  const Configuration& configuration_;
  bool discovers_;
  Phase phase_ = Phase::Asking;
  TimePoint next_ = kNever;
  Address asked_;
  TimePoint next_may_be_asked_ = TimePoint::min();
  Address serving_;
  TimePoint serving_since_{};
  HomeAgentOrigin origin_;
  std::vector<Address> candidates_;
  std::vector<Address> queue_;   // who is asked in this round still
  std::vector<Address> failed_;  // in this round
  bool discovered_ = false;      // in this round
  TimePoint round_began_ = TimePoint::min();
  Backoff pauses_{kFirstPause, kLongestPause};
};

}  // namespace mipflow::mobile_node
