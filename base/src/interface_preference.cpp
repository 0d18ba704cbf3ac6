// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/base/interface_preference.hpp"

namespace mipflow {

const char* to_string(InterfaceKind kind) {
  switch (kind) {
    case InterfaceKind::Wired: return "wired";
    case InterfaceKind::Wifi: return "wifi";
    case InterfaceKind::Cellular: return "cellular";
    case InterfaceKind::Other: return "other";
  }
  return "unknown";
}

namespace {

// A pattern that is not to be taken for a kind.
std::string named(const std::string& pattern) {
  for (const InterfaceKind kind : {InterfaceKind::Wired, InterfaceKind::Wifi, InterfaceKind::Cellular, InterfaceKind::Other})
    if (pattern == to_string(kind)) return "name:" + pattern;
  return pattern;
}

}  // namespace

std::string to_string(const InterfacePreference& preference) {
  std::string out = preference.kind ? to_string(*preference.kind) : named(preference.pattern);
  const auto& condition = preference.condition;
  std::string conditions;
  const auto add = [&](const std::string& text) { conditions += (conditions.empty() ? "" : ", ") + text; };
  if (condition.online) add(*condition.online ? "online" : "not online");
  if (condition.metered) add(*condition.metered ? "metered" : "not metered");
  if (condition.round_trip_below) {
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(*condition.round_trip_below).count();
    add("round trip below " + std::to_string(milliseconds) + " ms");
  }
  if (condition.loss_below) {
    const unsigned whole = *condition.loss_below / 10;
    const unsigned tenth = *condition.loss_below % 10;
    add("loss below " + std::to_string(whole) + (tenth == 0 ? "" : "." + std::to_string(tenth)) + " %");
  }
  return conditions.empty() ? out : out + " (" + conditions + ")";
}

}  // namespace mipflow
