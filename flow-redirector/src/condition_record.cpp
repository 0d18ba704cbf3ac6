// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/flow-redirector/condition_record.hpp"

namespace mipflow::flow_redirector {

void ConditionRecord::set(const InterfaceQuality& quality, TimePoint now) {
  if (quality.online != quality_.online) {
    online_since_ = now;
    if (quality_.online == false) good_since_ = now;
  }
  if (quality.metered != quality_.metered) metered_since_ = now;
  round_trip_.set(quality.round_trip, now);
  loss_.set(quality.loss, now);
  quality_ = quality;
}

std::optional<TimePoint> ConditionRecord::fulfilled_since(const InterfaceCondition& condition) const {
  TimePoint since = good_since_;
  const auto require = [&since](std::optional<TimePoint> fulfilled) {
    if (fulfilled) since = std::max(since, *fulfilled);
    return fulfilled.has_value();
  };
  if (condition.online && (quality_.online != condition.online || !require(online_since_))) return std::nullopt;
  if (condition.metered && (quality_.metered != *condition.metered || !require(metered_since_))) return std::nullopt;
  if (condition.round_trip_below && !require(round_trip_.below_since(*condition.round_trip_below))) return std::nullopt;
  if (condition.loss_below && !require(loss_.below_since(*condition.loss_below))) return std::nullopt;
  return since;
}

}  // namespace mipflow::flow_redirector
