// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "support.hpp"

namespace mipflow::flow_redirector {

using namespace test;

namespace {

InterfaceIndex choose(const InterfaceTable& table, const std::vector<std::string>& patterns, InterfaceIndex current = 0) {
  const InterfaceWish wish = by_names(patterns);
  return choose_interface(table, {.class_name = "c", .wish = wish, .current = current}).interface;
}

}  // namespace

TEST_CASE("the first pattern that a usable interface matches decides", "[choose_interface]") {
  InterfaceTable table = all_usable();
  CHECK(choose(table, {"wwan0", "wlan0"}) == kWwan0);
  CHECK(choose(table, {"ppp0", "ww*", "wlan0"}) == kWwan0);
  set_carrier(table, kWwan0, false);
  CHECK(choose(table, {"wwan0", "wlan0"}) == kWlan0);
  set_carrier(table, kWwan0, true);
  CHECK(choose(table, {"wwan0", "wlan0"}, kWlan0) == kWwan0);  // what is preferred is taken again
}

TEST_CASE("interfaces that no pattern names are not used", "[choose_interface]") {
  InterfaceTable table = all_usable();
  set_carrier(table, kWlan0, false);
  const InterfaceWish wish = by_names({"wlan0"});
  const InterfaceChoice choice = choose_interface(table, {.class_name = "video", .wish = wish});
  CHECK(choice.interface == 0);
  CHECK(choice.reason == "no usable interface for policy class 'video': wlan0 has no carrier");
}

TEST_CASE("among interfaces of one pattern: kind, then where the flow is, then the name", "[choose_interface]") {
  InterfaceTable table = all_usable();
  CHECK(choose(table, {"*"}) == kEth0);
  CHECK(choose(table, {"*"}, kWwan0) == kEth0);
  set_carrier(table, kEth0, false);
  CHECK(choose(table, {"*"}) == kWlan0);
  CHECK(choose(table, {"*"}, kWlan1) == kWlan1);
  CHECK(choose(table, {"*"}, kWwan0) == kWlan0);
  CHECK(choose(table, {"wlan?"}, kWlan1) == kWlan1);
  CHECK(choose(table, {"wlan0", "*"}, kWlan1) == kWlan0);
}

TEST_CASE("a command decides while its interface is usable", "[choose_interface]") {
  InterfaceTable table = all_usable();
  const InterfaceWish wish = by_names({"wlan0", "eth0"});
  const ChoiceRequest request{.class_name = "c", .wish = wish, .commanded = kWwan0, .current = kWlan0};
  InterfaceChoice choice = choose_interface(table, request);
  CHECK(choice.interface == kWwan0);  // also against the policy
  CHECK(choice.by_command);
  CHECK(choice.reason == "moved by command");
  set_carrier(table, kWwan0, false);
  choice = choose_interface(table, request);
  CHECK(choice.interface == kWlan0);
  CHECK_FALSE(choice.by_command);
  table.remove_link(kWwan0);
  CHECK(choose_interface(table, request).interface == kWlan0);
}

TEST_CASE("the reason names the class, or that there was no choice", "[choose_interface]") {
  InterfaceTable table = all_usable();
  const InterfaceWish wish = by_names({"*"});
  const ChoiceRequest request{.class_name = "voice", .wish = wish};
  CHECK(choose_interface(table, request).reason == "policy class 'voice'");
  for (const InterfaceIndex index : {kEth0, kWlan1, kWwan0}) set_carrier(table, index, false);
  CHECK(choose_interface(table, request).reason == "only usable interface");
  table.remove_router(kWlan0, address("fe80::1"), kStart);
  CHECK(choose_interface(table, request).reason ==
        "no usable interface for policy class 'voice': eth0 has no carrier, wlan0 has no default router, "
        "wlan1 has no carrier, wwan0 has no carrier");
  CHECK(choose_interface(InterfaceTable{}, request).interface == 0);
}

}  // namespace mipflow::flow_redirector
