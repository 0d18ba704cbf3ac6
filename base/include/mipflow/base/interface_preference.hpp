// SPDX-License-Identifier: GPL-3.0-or-later
// Which interfaces the flows of a class like best, as the operator's policy says it and the choice of interface uses it.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/base/time.hpp"

namespace mipflow {

// In the order in which a preference that several interfaces fit takes them.
enum class InterfaceKind : std::uint8_t { Wired, Wifi, Cellular, Other };

// What has to be true of an interface besides being usable. What is not given does not matter.
struct InterfaceCondition {
  // Reached the home agent lately: "up" alone is not enough behind a captive portal.
  std::optional<bool> online = std::nullopt;
  std::optional<bool> metered = std::nullopt;            // traffic on it costs money
  std::optional<Duration> round_trip_below = std::nullopt;  // to the home agent; not true while nothing was measured
  std::optional<unsigned> loss_below = std::nullopt;     // of probes to the home agent, per mille; likewise
  friend bool operator==(const InterfaceCondition&, const InterfaceCondition&) = default;
};

// One step of a list of preferences: the interfaces that the pattern, or else the kind, fits.
struct InterfacePreference {
  std::string pattern = "*";                             // of names; `*` and `?` as in a shell
  std::optional<InterfaceKind> kind = std::nullopt;      // when given, every interface of the kind and no other
  InterfaceCondition condition{};
  friend bool operator==(const InterfacePreference&, const InterfacePreference&) = default;
};

// As people write it: "wifi", "ww*", "name:wifi", "cellular (online, round trip below 100 ms)".
std::string to_string(const InterfacePreference& preference);
const char* to_string(InterfaceKind kind);  // "wired", "wifi", "cellular", "other"

struct InterfaceWish {
  std::vector<InterfacePreference> preferences{InterfacePreference{}};  // most preferred first, never empty
  std::vector<InterfacePreference> never{};              // interfaces that fit one of these are not used at all
  // How long a more preferred interface has to have been good before flows that run elsewhere move to it. Not waited for
  // when theirs is no longer usable, and not for new flows.
  Duration return_after{};
  friend bool operator==(const InterfaceWish&, const InterfaceWish&) = default;
};

}  // namespace mipflow
