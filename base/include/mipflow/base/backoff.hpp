// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <optional>

#include "mipflow/base/time.hpp"

namespace mipflow {

// Doubling retransmission back-off of RFC 6275 §11.8: the first wait is `initial`, each later one twice the one before
// up to `maximum`. One value per outstanding exchange (Binding Update, HoTI, CoTI, agent discovery, prefix solicitation).
class Backoff {
 public:
  Backoff(Duration initial, Duration maximum) : initial_(initial), maximum_(maximum), wait_(initial) {}

  // Call when a message was sent at `now`: returns when to send it again, and doubles the wait behind that.
  TimePoint sent_at(TimePoint now) {
    const TimePoint next = now + wait_;
    at_maximum_ = wait_ >= maximum_;
    wait_ = std::min(wait_ * 2, maximum_);
    ++transmissions_;
    return next;
  }
  void reset() { wait_ = initial_; transmissions_ = 0; at_maximum_ = false; }

  // How often the message has been sent since the last reset.
  unsigned transmissions() const { return transmissions_; }
  // True when the last wait handed out was the longest one.
  bool at_maximum() const { return at_maximum_; }

 private:
  Duration initial_;
  Duration maximum_;
  Duration wait_;
  unsigned transmissions_ = 0;
  bool at_maximum_ = false;
};

}  // namespace mipflow
