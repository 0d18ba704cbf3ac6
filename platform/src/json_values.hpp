// SPDX-License-Identifier: GPL-3.0-or-later
// How single values stand in the answers of the control socket: docs/control-protocol.md.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "mipflow/base/address.hpp"
#include "mipflow/base/time.hpp"

namespace mipflow::platform {

inline nlohmann::json address_or_null(const Address& address) {
  return address.is_unspecified() ? nlohmann::json() : nlohmann::json(to_string(address));
}

inline nlohmann::json text_or_null(const std::string& text) { return text.empty() ? nlohmann::json() : nlohmann::json(text); }

template <class Value>
nlohmann::json or_null(const std::optional<Value>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

// To the millisecond: how long something has been so, or will be.
inline nlohmann::json seconds(Duration duration) {
  return std::round(std::chrono::duration<double, std::milli>(duration).count()) / 1e3;
}
inline nlohmann::json seconds_or_null(const std::optional<Duration>& duration) {
  return duration ? seconds(*duration) : nlohmann::json();
}

// To the microsecond: what was measured.
inline nlohmann::json measured_or_null(const std::optional<Duration>& duration) {
  if (!duration) return {};
  return std::round(std::chrono::duration<double, std::micro>(*duration).count()) / 1e6;
}

}  // namespace mipflow::platform
