// SPDX-License-Identifier: GPL-3.0-or-later
// Hysteresis: when a flow goes back to a better interface, and when it does not yet.
#include <catch2/catch.hpp>

#include <algorithm>

#include "support.hpp"

namespace mipflow::flow_redirector {

using namespace test;

namespace {

InterfaceWish patient(std::vector<InterfacePreference> preferences, Duration return_after = 30s) {
  return {.preferences = std::move(preferences), .return_after = return_after};
}

InterfaceChoice choose(const InterfaceTable& table, const InterfaceWish& wish, InterfaceIndex current, TimePoint now) {
  return choose_interface(table, {.class_name = "voice", .wish = wish, .current = current, .now = now});
}

// The flow stays on `current` until exactly `moves_at`, is to be looked at then, and goes to `better`.
void moves_exactly_at(const InterfaceTable& table, const InterfaceWish& wish, InterfaceIndex current, InterfaceIndex better,
                      TimePoint moves_at) {
  const auto before = choose(table, wish, current, moves_at - 1ms);
  CHECK(before.interface == current);
  CHECK(before.look_again_at == moves_at);
  const auto after = choose(table, wish, current, moves_at);
  CHECK(after.interface == better);
  CHECK(after.look_again_at == kNever);
}

}  // namespace

TEST_CASE("a flow goes back when the better interface has been usable long enough", "[return_after]") {
  InterfaceTable table = all_usable();
  const auto wish = patient({named("wlan0"), named("wwan0")});
  moves_exactly_at(table, wish, kWwan0, kWlan0, kStart + 30s);

  SECTION("a break begins it anew") {
    set_carrier(table, kWlan0, false, kStart + 20s);
    CHECK(choose(table, wish, kWwan0, kStart + 20s).look_again_at == kNever);
    set_carrier(table, kWlan0, true, kStart + 21s);
    moves_exactly_at(table, wish, kWwan0, kWlan0, kStart + 51s);
  }
  SECTION("so does another network") {
    table.remove_address(kWlan0, table.find(kWlan0)->care_of_address, kStart + 10s);
    table.set_address(kWlan0, {.address = address("2001:db8:77::1")}, kStart + 10s);
    moves_exactly_at(table, wish, kWwan0, kWlan0, kStart + 40s);
  }
  SECTION("and an unreachable router") {
    table.set_router(kWlan0, address("fe80::1"), false, kStart + 10s);
    table.set_router(kWlan0, address("fe80::1"), true, kStart + 12s);
    moves_exactly_at(table, wish, kWwan0, kWlan0, kStart + 42s);
  }
  SECTION("and a time without an answer of the home agent") {
    set_online(table, kWlan0, false, kStart + 5s);
    CHECK(choose(table, wish, kWwan0, kStart + 60s).interface == kWwan0);
    set_online(table, kWlan0, true, kStart + 61s);
    moves_exactly_at(table, wish, kWwan0, kWlan0, kStart + 91s);
  }
  SECTION("but not that the home agent answers where nothing was known") {
    set_online(table, kWlan0, true, kStart + 5s);
    moves_exactly_at(table, wish, kWwan0, kWlan0, kStart + 30s);
  }
  SECTION("nor another router, name or second address") {
    table.set_router(kWlan0, address("fe80::2"), true, kStart + 5s);
    table.remove_router(kWlan0, address("fe80::1"), kStart + 6s);
    table.set_address(kWlan0, {.address = address("2001:db8:77::1")}, kStart + 7s);
    moves_exactly_at(table, wish, kWwan0, kWlan0, kStart + 30s);
  }
}

TEST_CASE("the condition of a preference has to be fulfilled all the time", "[return_after]") {
  InterfaceTable table = all_usable();
  const auto wish = patient({named("wlan0", {.round_trip_below = 100ms}), named("wwan0")});
  CHECK(choose(table, wish, kWwan0, kStart + 60s).look_again_at == kNever);
  set_round_trip(table, kWlan0, 50ms, kStart + 60s);
  moves_exactly_at(table, wish, kWwan0, kWlan0, kStart + 90s);
  set_round_trip(table, kWlan0, 99ms, kStart + 70s);
  set_round_trip(table, kWlan0, 20ms, kStart + 75s);
  moves_exactly_at(table, wish, kWwan0, kWlan0, kStart + 90s);
  set_round_trip(table, kWlan0, 100ms, kStart + 80s);
  set_round_trip(table, kWlan0, 90ms, kStart + 85s);
  moves_exactly_at(table, wish, kWwan0, kWlan0, kStart + 115s);
  // Another class with another bound has not seen that break.
  moves_exactly_at(table, patient({named("wlan0", {.round_trip_below = 101ms}), named("wwan0")}), kWwan0, kWlan0, kStart + 90s);
}

TEST_CASE("nothing is waited for by who can not stay", "[return_after]") {
  InterfaceTable table = all_usable();
  const auto wish = patient({named("wlan0", {.round_trip_below = 100ms}), named("wwan0")});
  set_round_trip(table, kWlan0, 50ms, kStart);
  CHECK(choose(table, wish, 0, kStart).interface == kWlan0);      // a new flow
  CHECK(choose(table, wish, kEth0, kStart).interface == kWlan0);  // its interface is not permitted any more
  set_carrier(table, kWwan0, false, kStart + 1s);
  CHECK(choose(table, wish, kWwan0, kStart + 1s).interface == kWlan0);  // its interface is lost
  set_carrier(table, kWwan0, true, kStart + 2s);
  set_online(table, kWwan0, false, kStart + 3s);
  CHECK(choose(table, wish, kWwan0, kStart + 3s).interface == kWlan0);  // or reaches the home agent no more
  set_online(table, kWwan0, true, kStart + 4s);
  set_round_trip(table, kWlan0, 150ms, kStart + 5s);
  CHECK(choose(table, wish, kWlan0, kStart + 34s).interface == kWwan0);  // nor does its own fulfil its condition
  // The best that one may have at once, when something better is to be waited for: wwan0 has been good since 4 s.
  const auto three = patient({named("wlan0", {.round_trip_below = 100ms}), named("wwan0"), named("wlan0")});
  CHECK(choose(table, three, kWlan0, kStart + 33s).interface == kWlan0);
  CHECK(choose(table, three, kWlan0, kStart + 33s).look_again_at == kStart + 34s);
  CHECK(choose(table, three, kWlan0, kStart + 34s).interface == kWwan0);
}

TEST_CASE("the second best is taken while the best is waited for", "[return_after]") {
  InterfaceTable table = all_usable();
  set_carrier(table, kEth0, false, kStart + 10s);
  set_carrier(table, kEth0, true, kStart + 40s);
  const auto wish = patient({named("eth0"), named("wlan0"), named("wwan0")});
  const auto choice = choose(table, wish, kWwan0, kStart + 41s);
  CHECK(choice.interface == kWlan0);
  CHECK(choice.look_again_at == kStart + 70s);
  CHECK(choice.reason == "policy class 'voice', until eth0 has been good for 30 s");
  moves_exactly_at(table, wish, kWlan0, kEth0, kStart + 70s);
  const auto verdicts =
      explain_choice(table, {.class_name = "voice", .wish = wish, .current = kWlan0, .now = kStart + 52s + 900ms});
  CHECK(verdicts[0].reason == "good for 12 s of 30 s");
  CHECK(verdicts[1].chosen);
}

TEST_CASE("who does not want to wait does not", "[return_after]") {
  InterfaceTable table = all_usable();
  const auto wish = patient({named("wlan0"), named("wwan0")}, {});
  const auto choice = choose(table, wish, kWwan0, kStart);
  CHECK(choice.interface == kWlan0);
  CHECK(choice.look_again_at == kNever);
}

}  // namespace mipflow::flow_redirector
