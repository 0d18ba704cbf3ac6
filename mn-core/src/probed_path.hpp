// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "care_of.hpp"
#include "mipflow/base/backoff.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/base/time.hpp"

namespace mipflow::mobile_node {

// One way to the home agent, from one care-of address: which probes are out, what their answers say, when the next is due.
//
//  when                                         | next probe
//  ---------------------------------------------+-----------------------------------------------------------
//  the interface became usable                  | four, 100 ms apart
//  one was lost and no other is out             | up to four in a row, 100 ms apart
//  four or more in a row were lost              | after 1, 2, 4, 8, 16, 30, 30, ... s
//  it answers again, or took more than twice or | four, 1 s apart
//    less than half of its usual time           |   (at most once in 30 s)
//  packets of flows within the last minute      | 30 s after the last proof
//  else, and while no probe is ever answered    | 300 s after it
//
// A proof is an answer, or a Binding Acknowledgement that came this way.
class ProbedPath {
 public:
  static constexpr unsigned kInARow = 4;  // lost probes that are no chance any more: 0.2 % of a link with 20 % loss
  static constexpr Duration kBurstGap = std::chrono::milliseconds{100};
  static constexpr unsigned kCloserProbes = 4;
  static constexpr Duration kCloserGap = std::chrono::seconds{1};
  static constexpr Duration kCloserLooks = std::chrono::seconds{30};  // from one to the next
  static constexpr Duration kBusyInterval = std::chrono::seconds{30};
  static constexpr Duration kIdleInterval = std::chrono::seconds{300};
  static constexpr Duration kLongestRetry = std::chrono::seconds{30};
  // A probe counts as lost after four times the usual round trip, within these bounds.
  static constexpr Duration kShortestTimeout = std::chrono::seconds{1};
  static constexpr Duration kLongestTimeout = std::chrono::seconds{4};
  static constexpr Duration kLateAnswer = std::chrono::seconds{10};  // an answer until then is still a proof
  static constexpr std::size_t kRemembered = 20;                     // probes that the loss is taken of

  using Payload = std::array<std::uint8_t, 16>;  // random: who is not on the path can not answer
  struct Probe {
    std::uint16_t sequence = 0;
    Payload payload{};
    TimePoint sent_at{};
    bool lost = false;
  };

  ProbedPath(const CareOf& care_of, TimePoint now) : care_of_(care_of), next_probe_(now) {}

  const CareOf& care_of() const { return care_of_; }

  // The probe to send now. `hopeless`: the home agent seems to answer none at all.
  const Probe& send(std::uint16_t sequence, RandomSource& random, bool hopeless, TimePoint now);
  bool is_due(TimePoint now) const { return next_probe_ <= now; }
  // Counts probes without an answer. True when one was lost by that.
  bool on_deadline(TimePoint now);
  TimePoint next_deadline() const;

  // False when no probe has this number and payload.
  bool answered(std::uint16_t sequence, BytesView payload, TimePoint now);
  // A Binding Acknowledgement came this way.
  void acknowledged(TimePoint now);
  // `interval`: the longest time without a proof from now on.
  void set_interval(Duration interval);
  // Probes now, unless one is out already.
  void probe_now(TimePoint now);

  bool failing() const { return lost_in_a_row_ >= kInARow; }
  // Nothing is known since `since`, but soon will be.
  bool undecided(TimePoint since) const { return !failing() && last_proof_ < since && awaits_answer(); }
  bool proven_since(TimePoint since) const { return last_proof_ >= since; }
  bool ever_proven() const { return last_proof_ != TimePoint::min(); }
  // Registrations succeed this way, and no probe ever did: something on it drops them.
  bool drops_probes() const { return ever_proven() && !round_trip_; }
  // When the first of the probes left that were lost in a row.
  TimePoint failing_since() const { return first_lost_sent_; }
  bool awaits_answer() const;

  std::optional<Duration> round_trip() const { return round_trip_; }
  std::optional<unsigned> loss() const;  // per mille

 private:
  Duration timeout() const;
  void look_closer(TimePoint now);
  void measure(Duration sample, TimePoint now);
  void remember(bool lost);
  void proof(TimePoint now);
  void schedule(TimePoint now);

  CareOf care_of_;
  std::deque<Probe> probes_;   // that may still be answered, oldest first
  std::deque<bool> outcomes_;  // true: lost; newest last
  std::optional<Duration> round_trip_;
  TimePoint last_proof_ = TimePoint::min();
  TimePoint last_sent_ = TimePoint::min();
  TimePoint next_probe_;
  unsigned burst_ = kInARow;  // probes that are still to be sent at the short gap
  unsigned closer_ = 0;       // and at the longer one
  unsigned lost_in_a_row_ = 0;
  TimePoint first_lost_sent_{};
  TimePoint looked_closer_at_ = TimePoint::min();
  Backoff retry_{std::chrono::seconds{1}, kLongestRetry};
  Duration interval_ = kIdleInterval;
};

}  // namespace mipflow::mobile_node
