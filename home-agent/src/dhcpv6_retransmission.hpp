// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "mipflow/base/random.hpp"
#include "mipflow/base/time.hpp"

namespace mipflow::home_agent {

// RFC 8415 §15: every wait is about twice the one before, up to about `longest`, each with a random share of a tenth, so
// that clients that lost their server together do not come back together. It is not base/backoff.hpp's, which has no
// random share.
class Dhcpv6Retransmission {
 public:
  struct Parameters {
    Duration initial{};              // IRT
    Duration longest{};              // MRT, 0 = no limit
    unsigned transmissions = 0;      // MRC, 0 = no limit
    bool never_early = false;        // the first wait is not shorter than IRT (Solicit, §18.2.1)
  };

  Dhcpv6Retransmission() = default;
  explicit Dhcpv6Retransmission(const Parameters& parameters) : parameters_(parameters) {}

  // The message was sent at `now`: returns when it is to be sent again, or given up.
  TimePoint sent_at(TimePoint now, RandomSource& random) {
    if (transmissions_++ == 0) {
      first_at_ = now;
      wait_ = parameters_.initial + share_of(parameters_.initial, random, parameters_.never_early);
    } else {
      wait_ = 2 * wait_ + share_of(wait_, random, false);
      if (parameters_.longest != Duration{0} && wait_ > parameters_.longest)
        wait_ = parameters_.longest + share_of(parameters_.longest, random, false);
    }
    return now + wait_;
  }

  unsigned transmissions() const { return transmissions_; }
  bool exhausted() const { return parameters_.transmissions != 0 && transmissions_ >= parameters_.transmissions; }

  // What the Elapsed Time option says of a message sent at `now`: hundredths of a second since the first one (§21.9).
  std::uint16_t elapsed(TimePoint now) const {
    if (transmissions_ == 0) return 0;
    const auto hundredths = (now - first_at_) / std::chrono::milliseconds{10};
    return static_cast<std::uint16_t>(std::clamp<std::int64_t>(hundredths, 0, 0xffff));
  }

 private:
  // RAND * wait, RAND in [-0.1, 0.1], or in (0, 0.1].
  static Duration share_of(Duration wait, RandomSource& random, bool positive) {
    constexpr std::uint64_t kSteps = 10'000;
    const auto step = static_cast<std::int64_t>(random.next_u64() % (positive ? kSteps : 2 * kSteps + 1));
    const std::int64_t share = positive ? step + 1 : step - static_cast<std::int64_t>(kSteps);
    return wait / (10 * static_cast<std::int64_t>(kSteps)) * share;
  }

  Parameters parameters_;
  Duration wait_{};
  TimePoint first_at_{};
  unsigned transmissions_ = 0;
};

}  // namespace mipflow::home_agent
