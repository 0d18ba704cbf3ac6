// SPDX-License-Identifier: GPL-3.0-or-later
// Time for measurements. Stamps are wall-clock nanoseconds since 1970, because the kernel stamps packets and captures
// with the same clock; pacing uses absolute deadlines of the monotonic clock, so that it neither drifts nor jumps.
#pragma once

#include <cstdint>
#include <ctime>

namespace mipflow::lab {

std::int64_t wall_nanoseconds();
std::int64_t monotonic_nanoseconds();

// Deadlines at a fixed rate.
class Pace {
 public:
  // `per_second` > 0.
  explicit Pace(double per_second);

  // Sleeps until the next deadline; returns at once when it has passed already, so that the rate is kept on average.
  void wait();
  // Counts the deadlines from now: for senders that were blocked and shall not make up for it with a burst.
  void restart();
  // The worst that wait() came back behind its deadline.
  std::int64_t longest_delay_ns() const { return longest_delay_ns_; }

 private:
  double interval_ns_;
  std::int64_t start_ns_;
  std::uint64_t count_ = 0;
  std::int64_t longest_delay_ns_ = 0;
};

// Asks for a real-time priority and memory that stays resident: a sender at 1,000 packets/s has to be on time on a
// machine whose cores are busy. Without the right to it the program runs on, less precisely; returns false then.
bool prefer_this_process();

}  // namespace mipflow::lab
