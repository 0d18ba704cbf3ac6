// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "mipflow/base/time.hpp"

namespace mipflow {

// Limits the answers that a stranger can provoke (RFC 4443 §2.4 (f)): so many per second on average, short bursts at once.
class TokenBucket {
 public:
  explicit TokenBucket(unsigned per_second = 100, unsigned burst = 50)
      : interval_(Duration{std::chrono::seconds{1}} / per_second), capacity_(interval_ * burst), filled_(capacity_) {}

  bool take(TimePoint now) {
    // The first call may come at any time of the clock; the bucket starts full.
    if (last_) filled_ = std::min(capacity_, filled_ + (now - *last_));
    last_ = now;
    if (filled_ < interval_) return false;
    filled_ -= interval_;
    return true;
  }

 private:
  Duration interval_;  // time that one answer costs
  Duration capacity_;
  Duration filled_;
  std::optional<TimePoint> last_;
};

}  // namespace mipflow
