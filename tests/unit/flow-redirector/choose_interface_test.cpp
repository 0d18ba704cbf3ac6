// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "mipflow/flow-redirector/choose_interface.hpp"

namespace mipflow::flow_redirector {
namespace {

Address address(const char* text) { return Address::parse(text).value(); }

constexpr InterfaceIndex kEth0 = 2;
constexpr InterfaceIndex kWlan0 = 3;
constexpr InterfaceIndex kWlan1 = 4;
constexpr InterfaceIndex kWwan0 = 5;

void set_carrier(InterfaceTable& table, InterfaceIndex index, bool running) {
  const Interface interface = *table.find(index);
  table.set_link(index, interface.name, interface.kind, true, running, 1500);
}

InterfaceTable all_usable() {
  InterfaceTable table;
  const auto add = [&](InterfaceIndex index, const char* name, InterfaceKind kind) {
    table.set_link(index, name, kind, true, true, 1500);
    Address own = address("2001:db8::1");
    own.octets[7] = static_cast<std::uint8_t>(index);
    table.set_address(index, {.address = own});
    table.set_router(index, address("fe80::1"), true);
  };
  add(kWwan0, "wwan0", InterfaceKind::Cellular);
  add(kWlan1, "wlan1", InterfaceKind::Wifi);
  add(kWlan0, "wlan0", InterfaceKind::Wifi);
  add(kEth0, "eth0", InterfaceKind::Wired);
  return table;
}

InterfaceIndex choose(const InterfaceTable& table, std::vector<std::string> patterns, InterfaceIndex current = 0) {
  return choose_interface(table, {.class_name = "c", .interfaces = patterns, .current = current}).interface;
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
  const std::vector<std::string> patterns{"wlan0"};
  const InterfaceChoice choice = choose_interface(table, {.class_name = "video", .interfaces = patterns});
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
  const std::vector<std::string> patterns{"wlan0", "eth0"};
  const ChoiceRequest request{.class_name = "c", .interfaces = patterns, .commanded = kWwan0, .current = kWlan0};
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
  const std::vector<std::string> patterns{"*"};
  const ChoiceRequest request{.class_name = "voice", .interfaces = patterns};
  CHECK(choose_interface(table, request).reason == "policy class 'voice'");
  for (const InterfaceIndex index : {kEth0, kWlan1, kWwan0}) set_carrier(table, index, false);
  CHECK(choose_interface(table, request).reason == "only usable interface");
  table.remove_router(kWlan0, address("fe80::1"));
  CHECK(choose_interface(table, request).reason ==
        "no usable interface for policy class 'voice': eth0 has no carrier, wlan0 has no default router, "
        "wlan1 has no carrier, wwan0 has no carrier");
  CHECK(choose_interface(InterfaceTable{}, request).interface == 0);
}

TEST_CASE("patterns", "[choose_interface]") {
  struct Row {
    const char* pattern;
    const char* name;
    bool matches;
  };
  const Row row = GENERATE(values<Row>({{"wlan0", "wlan0", true},   {"wlan0", "wlan01", false}, {"wlan0", "wlan", false},
                                        {"*", "", true},            {"*", "eth0", true},        {"", "", true},
                                        {"", "eth0", false},        {"ww*", "wwan0", true},     {"ww*", "ww", true},
                                        {"ww*", "w", false},        {"*0", "eth0", true},       {"*0", "eth01", false},
                                        {"*0", "eth00", true},      {"e*h*0", "eth10", true},   {"e*h*0", "eh0", true},
                                        {"e*h*0", "e0h", false},    {"wlan?", "wlan1", true},   {"wlan?", "wlan", false},
                                        {"wlan?", "wlan10", false}, {"??", "ab", true},         {"**a", "ba", true},
                                        {"[e]th0", "eth0", false},  {"*a*b", "aab", true},      {"*ab*", "xaxab", true}}));
  INFO(row.pattern << " against " << row.name);
  CHECK(matches_interface_pattern(row.pattern, row.name) == row.matches);
}

}  // namespace mipflow::flow_redirector
