// SPDX-License-Identifier: GPL-3.0-or-later
// How one interface stands to the wish of a policy class.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "mipflow/base/interface_preference.hpp"
#include "mipflow/flow-redirector/interface_table.hpp"

namespace mipflow::flow_redirector {

struct Standing {
  enum class Kind : std::uint8_t {
    NotUsable,
    Never,         // InterfaceWish::never[preference]
    NotNamed,      // by no preference
    NotFulfilled,  // the condition of preferences[preference], the first that names it, and of no later one
    Fits,          // preferences[preference]
  };
  Kind kind = Kind::NotUsable;
  std::size_t preference = 0;
  TimePoint since{};  // Fits: when it began to do so
};

Standing standing_of(const Interface& interface, const InterfaceWish& wish);

// The pattern or the kind, whatever the condition says.
bool names(const InterfacePreference& preference, const Interface& interface);
// Known as not online; while nothing is known it counts as what the link says, up.
bool is_offline(const Interface& interface);

// Why the interface does not fulfil the condition, or nothing when it does: "round trip 180 ms is not below 100 ms".
std::string why_not_fulfilled(const Interface& interface, const InterfaceCondition& condition);
// Why the standing keeps flows away; empty for Fits. `class_name` for the rules that are its own.
std::string in_words(const Interface& interface, const InterfaceWish& wish, const Standing& standing, std::string_view class_name);

inline constexpr const char* kOffline = "is not online: the home agent does not answer over it";
inline constexpr const char* kNotKnown = "is not known to be online yet";

}  // namespace mipflow::flow_redirector
