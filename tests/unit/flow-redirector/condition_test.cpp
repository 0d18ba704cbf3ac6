// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <algorithm>

#include "support.hpp"

namespace mipflow::flow_redirector {

using namespace test;

namespace {

InterfaceIndex choose(const InterfaceTable& table, const InterfaceWish& wish, InterfaceIndex current = 0) {
  return choose_interface(table, {.class_name = "voice", .wish = wish, .current = current, .now = kStart}).interface;
}

std::string why(const InterfaceTable& table, const InterfaceWish& wish, const char* name, InterfaceIndex current = 0) {
  const auto verdicts = explain_choice(table, {.class_name = "voice", .wish = wish, .current = current, .now = kStart});
  const auto found = std::find_if(verdicts.begin(), verdicts.end(), [&](const auto& verdict) { return verdict.name == name; });
  return found == verdicts.end() ? "not told of" : found->reason;
}

}  // namespace

TEST_CASE("a kind stands for every interface of it", "[choose_interface]") {
  InterfaceTable table = all_usable();
  CHECK(choose(table, {.preferences = {of_kind(InterfaceKind::Cellular), of_kind(InterfaceKind::Wifi)}}) == kWwan0);
  CHECK(choose(table, {.preferences = {of_kind(InterfaceKind::Wifi)}}) == kWlan0);
  CHECK(choose(table, {.preferences = {of_kind(InterfaceKind::Wifi)}}, kWlan1) == kWlan1);
  CHECK(choose(table, {.preferences = {of_kind(InterfaceKind::Other)}}) == 0);
}

TEST_CASE("what fits a never is not used, whatever else is said", "[choose_interface]") {
  InterfaceTable table = all_usable();
  InterfaceWish wish{.preferences = {named("*")}, .never = {of_kind(InterfaceKind::Wired), named("wlan?", {.metered = true})}};
  CHECK(choose(table, wish, kEth0) == kWlan0);
  CHECK(why(table, wish, "eth0") == "never (policy class 'voice')");
  CHECK(why(table, wish, "wlan0") == "policy class 'voice'");
  set_quality(table, kWlan0, kStart, [](auto& quality) { quality.metered = true; });
  CHECK(choose(table, wish) == kWlan1);
  CHECK(why(table, wish, "wlan0") == "never (policy class 'voice')");
  wish.preferences = {named("eth0")};
  CHECK(choose_interface(table, {.class_name = "voice", .wish = wish, .now = kStart}).reason ==
        "no usable interface for policy class 'voice': eth0 is never used");
}

TEST_CASE("a preference counts while its condition is fulfilled", "[choose_interface]") {
  struct Row {
    const char* what;
    InterfaceCondition condition;
    InterfaceQuality quality;
    std::string why_not;  // empty: fulfilled
  };
  const Row row = GENERATE(values<Row>({
      {"online", {.online = true}, {.online = true}, ""},
      {"online, not known", {.online = true}, {}, "is not known to be online yet"},
      {"not online, but it is", {.online = false}, {.online = true}, "is online"},
      {"metered", {.metered = true}, {.metered = true}, ""},
      {"not metered, but it is", {.metered = false}, {.metered = true}, "is metered"},
      {"metered, but it is not", {.metered = true}, {.metered = false}, "is not metered"},
      {"round trip", {.round_trip_below = 100ms}, {.round_trip = 99ms}, ""},
      {"round trip, at the bound", {.round_trip_below = 100ms}, {.round_trip = 100ms}, "round trip 100 ms is not below 100 ms"},
      {"round trip, above", {.round_trip_below = 100ms}, {.round_trip = 180ms}, "round trip 180 ms is not below 100 ms"},
      {"round trip, not measured", {.round_trip_below = 100ms}, {}, "its round trip is not measured yet"},
      {"loss", {.loss_below = 50}, {.loss = 49}, ""},
      {"loss, above", {.loss_below = 50}, {.loss = 205}, "loss 20.5 % is not below 5 %"},
      {"loss, not measured", {.loss_below = 50}, {}, "its loss is not measured yet"},
      {"two, one fulfilled", {.online = true, .round_trip_below = 1s}, {.online = true}, "its round trip is not measured yet"},
      {"two, both fulfilled", {.metered = false, .loss_below = 1}, {.loss = 0}, ""},
  }));
  INFO(row.what);
  InterfaceTable table = all_usable();
  table.set_quality(kWlan0, row.quality, kStart);
  const InterfaceWish alone{.preferences = {named("wlan0", row.condition)}};
  const InterfaceWish before_others{.preferences = {named("wlan0", row.condition), named("wwan0")}};
  if (row.why_not.empty()) {
    CHECK(choose(table, alone) == kWlan0);
    CHECK(choose(table, before_others, kWwan0) == kWlan0);
    CHECK(why(table, before_others, "wwan0") == "less preferred");
  } else {
    CHECK(choose(table, alone) == 0);
    CHECK(choose(table, before_others, kWlan0) == kWwan0);
    CHECK(why(table, before_others, "wlan0") == row.why_not);
    CHECK(choose_interface(table, {.class_name = "voice", .wish = alone, .now = kStart}).reason ==
          "no usable interface for policy class 'voice': wlan0 " + row.why_not);
  }
}

TEST_CASE("an interface that is not online is taken only when the class permits none that may be", "[choose_interface]") {
  InterfaceTable table = all_usable();
  const InterfaceWish wish = by_names({"eth0", "wlan0"});
  CHECK(choose(table, wish) == kEth0);  // nothing is known of either: up is what counts
  set_online(table, kWlan0, true);
  CHECK(choose(table, wish) == kWlan0);  // as soon as something is, it does no more
  CHECK(choose(table, wish, kWlan0) == kWlan0);
  CHECK(why(table, wish, "eth0", kWlan0) == "is not known to be online yet");
  CHECK(choose(table, wish, kEth0) == kEth0);  // but nothing leaves its interface for that
  set_online(table, kEth0, true);
  CHECK(choose(table, wish, kWlan0) == kEth0);
  set_online(table, kEth0, false);
  CHECK(choose(table, wish) == kWlan0);
  CHECK(choose(table, wish, kEth0) == kWlan0);  // a flow leaves it, too
  CHECK(why(table, wish, "eth0") == "is not online: the home agent does not answer over it");
  CHECK(choose(table, by_names({"eth0"})) == kEth0);
  CHECK(why(table, by_names({"eth0"}), "eth0") == "policy class 'voice', though the home agent does not answer over it");
  set_online(table, kWlan0, false);  // the home agent itself is down: nothing is gained by moving
  CHECK(choose(table, wish) == kEth0);
  CHECK(choose(table, by_names({"*"}), kEth0) == kWlan1);
}

TEST_CASE("a command decides also against never and without a way to the home agent", "[choose_interface]") {
  InterfaceTable table = all_usable();
  set_online(table, kWwan0, false);
  const InterfaceWish wish{.preferences = {named("eth0")}, .never = {named("wwan0")}};
  const ChoiceRequest request{.class_name = "voice", .wish = wish, .commanded = kWwan0, .current = kEth0, .now = kStart};
  CHECK(choose_interface(table, request).interface == kWwan0);
  const auto verdicts = explain_choice(table, request);
  REQUIRE(verdicts.size() == 4);
  CHECK(verdicts[0].name == "eth0");
  CHECK(verdicts[0].reason == "the flow was moved by command");
  CHECK(verdicts[3].chosen);
  CHECK(verdicts[3].reason == "moved by command");
}

TEST_CASE("every interface is explained, exactly one as chosen", "[choose_interface]") {
  InterfaceTable table = all_usable();
  set_carrier(table, kWlan1, false);
  set_round_trip(table, kEth0, 180ms);
  const InterfaceWish wish{.preferences = {named("eth0", {.round_trip_below = 100ms}), named("wlan*"), named("eth0")}};
  const auto verdicts = explain_choice(table, {.class_name = "voice", .wish = wish, .now = kStart});
  REQUIRE(verdicts.size() == 4);
  CHECK(verdicts[0].reason == "less preferred: round trip 180 ms is not below 100 ms");
  CHECK(verdicts[1].reason == "policy class 'voice'");
  CHECK(verdicts[2].reason == "has no carrier");
  CHECK(verdicts[3].reason == "is not named by policy class 'voice'");
  CHECK(std::count_if(verdicts.begin(), verdicts.end(), [](const auto& verdict) { return verdict.chosen; }) == 1);
  CHECK(verdicts[1].chosen);
}

}  // namespace mipflow::flow_redirector
