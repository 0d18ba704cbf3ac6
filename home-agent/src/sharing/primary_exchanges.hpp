// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <unordered_map>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/backoff.hpp"
#include "mipflow/base/deadline_queue.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/home-agent/load_sharing.hpp"
#include "sharing/association.hpp"

namespace mipflow::home_agent {

// Not more than so many messages a second to one agent: each is work for its kernel, and a home agent that hands over 10,000
// home addresses shall not fill a queue on the way.
class Pace {
 public:
  static constexpr Duration kGap = std::chrono::milliseconds{1};
  static constexpr Duration kBurst = 16 * kGap;

  TimePoint next() const { return full_at_ - kBurst; }
  void sent(TimePoint now) { full_at_ = std::max(full_at_, now) + kGap; }

 private:
  TimePoint full_at_{};
};

// What a primary has to say to one secondary and has not heard the acknowledgement of: at most one word per home address, the
// last one. Start and Stop Forwarding are sent again, with doubled waits up to a second, until acknowledged or given up; those
// that are due at the same time travel in one message.
class Exchanges {
 public:
  // Words that were sent and not acknowledged. Others wait: a secondary that is told of thousands at once is busy with them for
  // longer than a heartbeat may be late, and would count as dead.
  static constexpr std::size_t kMostInFlight = 256;

  enum class Kind : std::uint8_t { Start, Stop };
  struct Word {
    Kind kind = Kind::Start;
    // The secondary may act on an earlier word; without this one it has to be told to stop.
    bool may_have = false;
    wire::DelegationNumber number = 0;
    TimePoint given_until{};  // end of the longest duration that it was given: what it does not acknowledge ends then
    Duration patience{};      // Start: given up that long after it was sent first
    Backoff backoff;
    bool is_in_flight = false;
  };

  explicit Exchanges(Duration retransmission) : retransmission_(retransmission) {}
  void set_retransmission(Duration retransmission) { retransmission_ = retransmission; }

  // Each takes the place of the word about the home address before it. `given_until`: as far as is known.
  void start(const Address& home_address, wire::DelegationNumber number, bool may_have, TimePoint given_until, Duration patience,
             TimePoint now);
  void stop(const Address& home_address, wire::DelegationNumber number, TimePoint given_until, TimePoint now);
  const Word* find(const Address& home_address) const;
  // Nothing has to be said any more.
  void finish(const Address& home_address);
  // The secondary knows a later word: says this one again under a higher number.
  void renumber(const Address& home_address, wire::DelegationNumber number, TimePoint now);

  using StartOf = std::function<wire::StartForwarding(const Address& home_address, wire::DelegationNumber number)>;
  // Sends what is due, as far as the pace allows.
  void send(Association& association, const StartOf& start_of, LoadSharingCounters& counters, TimePoint now, Outputs& outputs);
  TimePoint next_transmission() const {
    const TimePoint first = in_flight_ < kMostInFlight ? waiting_.next() : kNever;
    return std::max(std::min(first, due_.next()), pace_.next());
  }
  // A home address whose Start is to be given up, or whose Stop needs no acknowledgement any more.
  std::optional<Address> take_over(TimePoint now) { return ends_.take_due(now); }
  TimePoint next_end() const { return ends_.next(); }

  std::size_t size() const { return words_.size(); }
  const std::unordered_map<Address, Word>& words() const { return words_; }

 private:
  Word& put(const Address& home_address, Kind kind, wire::DelegationNumber number, TimePoint given_until, TimePoint now);
  // Before all that waits: somebody moves, or comes home.
  void hurry(const Address& home_address);
  std::optional<Address> take_due(TimePoint now);

  Duration retransmission_;
  std::unordered_map<Address, Word> words_;
  std::size_t in_flight_ = 0;       // of them
  DeadlineQueue<Address> waiting_;  // those that are not in flight, since when
  DeadlineQueue<Address> due_;      // of those in flight, the next transmission
  DeadlineQueue<Address> ends_;  // Start, once it was sent: of patience. Stop: given_until.
  Pace pace_;
};

}  // namespace mipflow::home_agent
