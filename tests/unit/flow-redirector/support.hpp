// SPDX-License-Identifier: GPL-3.0-or-later
// Four interfaces that can all be used, and wishes as short as a policy file's.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "mipflow/flow-redirector/choose_interface.hpp"

namespace mipflow::flow_redirector::test {

using namespace std::chrono_literals;

inline Address address(const char* text) { return Address::parse(text).value(); }

inline constexpr TimePoint kStart{std::chrono::hours{1}};
inline constexpr InterfaceIndex kEth0 = 2;
inline constexpr InterfaceIndex kWlan0 = 3;
inline constexpr InterfaceIndex kWlan1 = 4;
inline constexpr InterfaceIndex kWwan0 = 5;

inline void set_carrier(InterfaceTable& table, InterfaceIndex index, bool running, TimePoint now = kStart) {
  const Interface interface = *table.find(index);
  table.set_link(index, interface.name, interface.kind, true, running, 1500, now);
}

// `change` gets the quality that the interface has.
template <class Change>
void set_quality(InterfaceTable& table, InterfaceIndex index, TimePoint now, Change&& change) {
  InterfaceQuality quality = table.find(index)->quality;
  change(quality);
  table.set_quality(index, quality, now);
}
inline void set_online(InterfaceTable& table, InterfaceIndex index, std::optional<bool> online, TimePoint now = kStart) {
  set_quality(table, index, now, [&](auto& quality) { quality.online = online; });
}
inline void set_round_trip(InterfaceTable& table, InterfaceIndex index, Duration round_trip, TimePoint now = kStart) {
  set_quality(table, index, now, [&](auto& quality) { quality.round_trip = round_trip; });
}

inline InterfaceTable all_usable() {
  InterfaceTable table;
  const auto add = [&](InterfaceIndex index, const char* name, InterfaceKind kind) {
    table.set_link(index, name, kind, true, true, 1500, kStart);
    Address own = address("2001:db8::1");
    own.octets[7] = static_cast<std::uint8_t>(index);
    table.set_address(index, {.address = own}, kStart);
    table.set_router(index, address("fe80::1"), true, kStart);
  };
  add(kWwan0, "wwan0", InterfaceKind::Cellular);
  add(kWlan1, "wlan1", InterfaceKind::Wifi);
  add(kWlan0, "wlan0", InterfaceKind::Wifi);
  add(kEth0, "eth0", InterfaceKind::Wired);
  return table;
}

inline InterfacePreference named(const char* pattern, InterfaceCondition condition = {}) {
  return {.pattern = pattern, .condition = condition};
}
inline InterfacePreference of_kind(InterfaceKind kind, InterfaceCondition condition = {}) {
  return {.kind = kind, .condition = condition};
}

inline InterfaceWish by_names(const std::vector<std::string>& patterns) {
  InterfaceWish out;
  out.preferences.clear();
  for (const auto& pattern : patterns) out.preferences.push_back(named(pattern.c_str()));
  return out;
}

}  // namespace mipflow::flow_redirector::test
