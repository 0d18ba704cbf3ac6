// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "mipflow/base/time.hpp"

namespace mipflow::simulation {

// Virtual time: what happens, in order of time, and in order of planning where times are equal. An hour of protocol costs
// as much real time as the packets in it.
class EventQueue {
 public:
  using Action = std::function<void()>;

  TimePoint now() const { return now_; }
  void at(TimePoint when, Action action) {
    events_.emplace(std::pair{std::max(when, now_), ++planned_}, std::move(action));
  }
  void after(Duration wait, Action action) { at(now_ + wait, std::move(action)); }

  // Runs everything until `until` has come, that instant included.
  void run_until(TimePoint until) {
    while (run_one(until)) {
    }
    now_ = std::max(now_, until);
  }
  // Until the condition holds, looked at behind each event; false when it does not before `limit` is over.
  bool run_until(const std::function<bool()>& condition, Duration limit) {
    const TimePoint end = now_ + limit;
    while (!condition())
      if (!run_one(end)) {
        run_until(end);
        return condition();
      }
    return true;
  }
  // The next event, when it is not after `limit`; false when there is none.
  bool run_one(TimePoint limit) {
    if (events_.empty() || events_.begin()->first.first > limit) return false;
    auto event = events_.extract(events_.begin());
    now_ = event.key().first;
    event.mapped()();
    return true;
  }

 private:
  TimePoint now_{std::chrono::hours{1}};
  std::uint64_t planned_ = 0;
  std::map<std::pair<TimePoint, std::uint64_t>, Action> events_;
};

}  // namespace mipflow::simulation
