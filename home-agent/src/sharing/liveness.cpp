// SPDX-License-Identifier: GPL-3.0-or-later
#include "sharing/liveness.hpp"

#include <algorithm>

namespace mipflow::home_agent {

// Not of who was dead already when we asked last.
bool Liveness::stood_still(TimePoint now) const {
  return last_sent_ && now - *last_sent_ >= std::max(dead_after_, 2 * interval_) && *last_sent_ - *silent_since_ < dead_after_;
}

std::optional<std::uint64_t> Liveness::take_due(TimePoint now) {
  looked_at_ = now;
  if (!silent_since_ || stood_still(now)) silent_since_ = now;
  if (last_sent_ && now < *last_sent_ + interval_) return std::nullopt;
  while (!waiting_.empty() && now - waiting_.front().at > dead_after_) waiting_.pop_front();
  waiting_.push_back({++last_number_, now});
  last_sent_ = now;
  return last_number_;
}

bool Liveness::answered(std::uint64_t number, TimePoint now) {
  const auto sent = std::ranges::find(waiting_, number, &Sent::number);
  if (sent == waiting_.end() || now - sent->at > dead_after_) return false;
  round_trip_ = now - sent->at;
  last_answer_ = silent_since_ = now;
  // Those before tell nothing newer.
  waiting_.erase(waiting_.begin(), sent + 1);
  return true;
}

TimePoint Liveness::next_deadline() const {
  if (!last_sent_) return TimePoint{};
  const TimePoint heartbeat = *last_sent_ + interval_;
  const TimePoint death = *silent_since_ + dead_after_;
  return death > looked_at_ ? std::min(heartbeat, death) : heartbeat;
}

bool Liveness::dead(TimePoint now) const {
  return silent_since_ && now - *silent_since_ >= dead_after_ && !stood_still(now);
}

void Liveness::set_times(Duration interval, Duration dead_after) {
  interval_ = interval;
  dead_after_ = dead_after;
}

}  // namespace mipflow::home_agent
