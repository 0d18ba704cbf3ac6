// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "mipflow/base/time.hpp"

namespace mipflow::home_agent {

// Whether the other one lives: heartbeats at an interval, their answers, and the time since the last one.
class Liveness {
 public:
  Liveness(Duration interval, Duration dead_after) : interval_(interval), dead_after_(dead_after) {}

  // The number of a heartbeat that is due now; nullopt when none is. To be called at every deadline.
  std::optional<std::uint64_t> take_due(TimePoint now);
  // False: not one of those that are waited for. Those of longer ago than `dead_after` are not: who holds answers back and
  // gives them out one by one must not keep a dead agent alive.
  bool answered(std::uint64_t number, TimePoint now);
  TimePoint next_deadline() const;  // of a heartbeat, or of death
  // Silent for `dead_after` since the last answer, or since the first heartbeat. The time in which we did not ask, as our
  // own machine stood still, does not count.
  bool dead(TimePoint now) const;
  std::optional<Duration> round_trip() const { return round_trip_; }
  std::optional<TimePoint> last_answer() const { return last_answer_; }
  void set_times(Duration interval, Duration dead_after);

 private:
  bool stood_still(TimePoint now) const;

  struct Sent {
    std::uint64_t number;
    TimePoint at;
  };
  Duration interval_, dead_after_;
  std::uint64_t last_number_ = 0;
  std::deque<Sent> waiting_;  // for an answer; not longer than `dead_after`
  std::optional<TimePoint> last_sent_, last_answer_;
  std::optional<TimePoint> silent_since_;
  TimePoint looked_at_{};     // the latest take_due()
  std::optional<Duration> round_trip_;
};

}  // namespace mipflow::home_agent
