// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>

#include "mipflow/base/time.hpp"

namespace mipflow::home_agent {

// Packets per second, exponentially weighted: what was is half forgotten after kHalfLife. It falls by itself when the next count
// does not come, so nobody has to look at what is quiet. The first count is believed as it is.
class Rate {
 public:
  static constexpr Duration kHalfLife = std::chrono::seconds{2};

  // `packets` in the `interval` that ends now. Counts over less than a millisecond say nothing.
  void add(double packets, Duration interval, TimePoint now) {
    if (interval < std::chrono::milliseconds{1}) return;
    const double sample = packets / seconds(interval);
    value_ = last_ ? value_ * kept_over(now - *last_) + sample * (1 - kept_over(interval)) : sample;
    last_ = now;
    interval_ = interval;
  }
  // A home address with this rate comes, or goes (negative).
  void shift(double packets_per_second, TimePoint now) {
    value_ = std::max(0.0, at(now) + packets_per_second);
    last_ = now;
  }
  double at(TimePoint now) const {
    const Duration overdue = last_ ? now - *last_ - interval_ * 3 / 2 : Duration::zero();
    return overdue > Duration::zero() ? value_ * kept_over(overdue) : value_;
  }

 private:
  static double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
  static double kept_over(Duration duration) { return std::exp2(-seconds(duration) / seconds(kHalfLife)); }

  double value_ = 0;
  std::optional<TimePoint> last_;
  Duration interval_{};  // that the last count was over
};

// What was tunnelled for one home address since it is where it is, and lately.
struct Traffic {
  Rate rate;
  std::uint64_t packets = 0, octets = 0;
  // As the secondary counts, since the delegation began.
  std::uint64_t reported_packets = 0;
  TimePoint reported_at{};
};

}  // namespace mipflow::home_agent
