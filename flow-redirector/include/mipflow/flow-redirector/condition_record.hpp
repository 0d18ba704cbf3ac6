// SPDX-License-Identifier: GPL-3.0-or-later
// Since when an interface has been fulfilling a condition, whatever the bounds are that a policy sets.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "mipflow/base/interface_preference.hpp"
#include "mipflow/base/time.hpp"

namespace mipflow::flow_redirector {

// What was measured of the way to the home agent over an interface, and what the operator says of it.
struct InterfaceQuality {
  std::optional<bool> online = std::nullopt;          // the home agent answered lately; nullopt: not known yet
  std::optional<Duration> round_trip = std::nullopt;  // smoothed
  std::optional<unsigned> loss = std::nullopt;        // of the last probes, per mille
  bool metered = false;
  friend bool operator==(const InterfaceQuality&, const InterfaceQuality&) = default;
};

// Since when a value has been below a bound, for every bound. Keeps of the past only what can still be an answer: the peaks
// that nothing later has reached.
template <class Value>
class PeakRecord {
 public:
  // nullopt stands for "not measured", which is below no bound.
  void set(std::optional<Value> value, TimePoint now) {
    if (value == value_) return;
    if (!value_) {
      peaks_.clear();
      unmeasured_until_ = now;
    } else if (value && *value < *value_) {
      while (!peaks_.empty() && peaks_.back().value <= *value_) peaks_.pop_back();
      peaks_.push_back({*value_, now});
      // Joined, two peaks count as the higher one for as long as both: a flow may return later than it could, never earlier.
      if (peaks_.size() > kMaxPeaks) {
        peaks_[1].value = peaks_[0].value;
        peaks_.erase(peaks_.begin());
      }
    }
    value_ = value;
  }

  // nullopt: it is not below the bound now.
  std::optional<TimePoint> below_since(const Value& bound) const {
    if (!value_ || *value_ >= bound) return std::nullopt;
    const auto last = std::find_if(peaks_.rbegin(), peaks_.rend(), [&](const Peak& peak) { return peak.value >= bound; });
    return last == peaks_.rend() ? unmeasured_until_ : last->until;
  }

  std::size_t peaks() const { return peaks_.size(); }
  static constexpr std::size_t kMaxPeaks = 64;

 private:
  struct Peak {
    Value value;
    TimePoint until;
  };
  std::optional<Value> value_;
  TimePoint unmeasured_until_{};
  std::vector<Peak> peaks_;  // oldest and highest first, strictly falling
};

// The past of one interface, as far as choices depend on it.
class ConditionRecord {
 public:
  // The interface became usable, or is another network's now: what was before does not count.
  void begin(TimePoint now) { good_since_ = now; }
  void set(const InterfaceQuality& quality, TimePoint now);

  // Since when it has been usable without being known as not online, and has been fulfilling the condition, all without a
  // break. nullopt: it does not fulfil the condition now. Asks nothing about usable() itself.
  std::optional<TimePoint> fulfilled_since(const InterfaceCondition& condition) const;

 private:
  InterfaceQuality quality_;
  TimePoint good_since_{};     // usable, and not known as not online
  TimePoint online_since_{};   // `online` has its present value
  TimePoint metered_since_{};  // likewise
  PeakRecord<Duration> round_trip_;
  PeakRecord<unsigned> loss_;
};

}  // namespace mipflow::flow_redirector
