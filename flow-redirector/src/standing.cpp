// SPDX-License-Identifier: GPL-3.0-or-later
#include "standing.hpp"

#include <chrono>

#include "mipflow/base/shell_pattern.hpp"

namespace mipflow::flow_redirector {
namespace {

std::string milliseconds(Duration duration) {
  return std::to_string(std::chrono::round<std::chrono::milliseconds>(duration).count()) + " ms";
}

std::string percent(unsigned per_mille) {
  const std::string tenths = per_mille % 10 == 0 ? "" : "." + std::to_string(per_mille % 10);
  return std::to_string(per_mille / 10) + tenths + " %";
}

}  // namespace

bool names(const InterfacePreference& preference, const Interface& interface) {
  return preference.kind ? interface.kind == *preference.kind : matches_shell_pattern(preference.pattern, interface.name);
}

bool is_offline(const Interface& interface) { return interface.quality.online == false; }

Standing standing_of(const Interface& interface, const InterfaceWish& wish) {
  using Kind = Standing::Kind;
  if (!interface.usable()) return {.kind = Kind::NotUsable};
  for (std::size_t i = 0; i < wish.never.size(); ++i)
    if (names(wish.never[i], interface) && interface.record.fulfilled_since(wish.never[i].condition))
      return {.kind = Kind::Never, .preference = i};
  Standing out{.kind = Kind::NotNamed};
  for (std::size_t i = 0; i < wish.preferences.size(); ++i) {
    if (!names(wish.preferences[i], interface)) continue;
    if (const auto since = interface.record.fulfilled_since(wish.preferences[i].condition))
      return {.kind = Kind::Fits, .preference = i, .since = *since};
    if (out.kind == Kind::NotNamed) out = {.kind = Kind::NotFulfilled, .preference = i};
  }
  return out;
}

std::string why_not_fulfilled(const Interface& interface, const InterfaceCondition& condition) {
  const auto& quality = interface.quality;
  if (condition.online && quality.online != condition.online) {
    if (!quality.online) return kNotKnown;
    return *quality.online ? "is online" : kOffline;
  }
  if (condition.metered && quality.metered != *condition.metered) return quality.metered ? "is metered" : "is not metered";
  if (condition.round_trip_below) {
    if (!quality.round_trip) return "its round trip is not measured yet";
    if (*quality.round_trip >= *condition.round_trip_below)
      return "round trip " + milliseconds(*quality.round_trip) + " is not below " + milliseconds(*condition.round_trip_below);
  }
  if (condition.loss_below) {
    if (!quality.loss) return "its loss is not measured yet";
    if (*quality.loss >= *condition.loss_below)
      return "loss " + percent(*quality.loss) + " is not below " + percent(*condition.loss_below);
  }
  return {};
}

std::string in_words(const Interface& interface, const InterfaceWish& wish, const Standing& standing, std::string_view class_name) {
  const auto policy_class = [&] { return "policy class '" + std::string(class_name) + "'"; };
  switch (standing.kind) {
    case Standing::Kind::NotUsable: return interface.why_not();
    case Standing::Kind::Never: return "never (" + policy_class() + ")";
    case Standing::Kind::NotNamed: return "is not named by " + policy_class();
    case Standing::Kind::NotFulfilled: return why_not_fulfilled(interface, wish.preferences[standing.preference].condition);
    case Standing::Kind::Fits: break;
  }
  return {};
}

}  // namespace mipflow::flow_redirector
