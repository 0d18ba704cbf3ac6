// SPDX-License-Identifier: GPL-3.0-or-later
// What becomes of the flows of a class, as the file writes it.
#include <catch2/catch.hpp>

#include "policy_support.hpp"

namespace mipflow::flow_separator {

using namespace testing;
using namespace std::chrono_literals;

namespace {

PolicyClass with(const std::string& action) { return parse("[[class]]\n" + action + "\n").classes()[0]; }

}  // namespace

TEST_CASE("interfaces: names, patterns, kinds", "[policy]") {
  const auto preferences = with("interfaces = [\"wlan0\", \"wifi\", \"wired\", \"cellular\", \"other\", \"name:wifi\", \"name:ww*\", \"*\"]")
                               .interfaces.preferences;
  REQUIRE(preferences.size() == 8);
  CHECK(preferences[0] == InterfacePreference{.pattern = "wlan0"});
  CHECK(preferences[1] == InterfacePreference{.kind = InterfaceKind::Wifi});
  CHECK(preferences[2] == InterfacePreference{.kind = InterfaceKind::Wired});
  CHECK(preferences[3] == InterfacePreference{.kind = InterfaceKind::Cellular});
  CHECK(preferences[4] == InterfacePreference{.kind = InterfaceKind::Other});
  CHECK(preferences[5] == InterfacePreference{.pattern = "wifi"});
  CHECK(preferences[6] == InterfacePreference{.pattern = "ww*"});
  CHECK(to_string(preferences[1]) == "wifi");
  CHECK(to_string(preferences[5]) == "name:wifi");
  CHECK(with("").interfaces == InterfaceWish{});
}

TEST_CASE("interfaces: conditions", "[policy]") {
  const auto wish = with(R"(interfaces = [{ kind = "cellular", when = { online = true, metered = false, round-trip-below = "100 ms", loss-below = "2 %" } },
                                        { name = "ww*", when = { online = false, round-trip-below = 2 } }, { when = { loss-below = "0.5%" } }, {}])")
                        .interfaces;
  REQUIRE(wish.preferences.size() == 4);
  CHECK(wish.preferences[0] == InterfacePreference{.kind = InterfaceKind::Cellular,
                                                   .condition = {.online = true, .metered = false, .round_trip_below = 100ms, .loss_below = 20}});
  CHECK(wish.preferences[1] == InterfacePreference{.pattern = "ww*", .condition = {.online = false, .round_trip_below = 2s}});
  CHECK(wish.preferences[2] == InterfacePreference{.condition = {.loss_below = 5}});
  CHECK(wish.preferences[3] == InterfacePreference{});
}

TEST_CASE("interfaces: never", "[policy]") {
  const auto wish = with("never = [\"usb*\", { kind = \"cellular\", when = { metered = true } }]").interfaces;
  CHECK(wish.preferences == std::vector{InterfacePreference{}});
  REQUIRE(wish.never.size() == 2);
  CHECK(wish.never[0] == InterfacePreference{.pattern = "usb*"});
  CHECK(wish.never[1] == InterfacePreference{.kind = InterfaceKind::Cellular, .condition = {.metered = true}});
}

TEST_CASE("durations: every unit, seconds as numbers, blanks or none", "[policy]") {
  struct Row {
    const char* text;
    Duration duration;
  };
  for (const Row& row : {Row{"\"1500 ms\"", 1500ms}, Row{"\"30 s\"", 30s}, Row{"\"30s\"", 30s}, Row{"\"5 min\"", 5min}, Row{"\"24 h\"", 24h},
                         Row{"0", 0s}, Row{"90", 90s}}) {
    INFO(row.text);
    CHECK(with("return-after = " + std::string(row.text)).interfaces.return_after == row.duration);
  }
}

TEST_CASE("one address for a class, and flows that are left alone", "[policy]") {
  CHECK(with("home-address = \"class\"").home_address == HomeAddressRule::Class);
  CHECK(with("bypass = true").bypass);
  CHECK_FALSE(with("bypass = false\ninterfaces = \"wlan0\"").bypass);
  CHECK(parse("[default]\nbypass = true\n").default_class().bypass);
}

}  // namespace mipflow::flow_separator
