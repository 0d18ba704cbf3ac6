// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <random>

#include "mipflow/flow-redirector/interface_table.hpp"
#include "support/seed.hpp"

namespace mipflow::flow_redirector {
namespace {

Address address(const char* text) { return Address::parse(text).value(); }

constexpr TimePoint kNow{std::chrono::hours{1}};
const Address kFirst = address("2001:db8:a::1");
const Address kSecond = address("2001:db8:a::2");
const Address kRouter = address("fe80::1");
const Address kOtherRouter = address("fe80::2");

void make_usable(InterfaceTable& table, InterfaceIndex index, const char* name, InterfaceKind kind = InterfaceKind::Other) {
  table.set_link(index, name, kind, true, true, 1500, kNow);
  Address own = kFirst;
  own.octets[7] = static_cast<std::uint8_t>(index);
  table.set_address(index, {.address = own}, kNow);
  table.set_router(index, kRouter, true, kNow);
  REQUIRE(table.find(index)->usable());
}

}  // namespace

TEST_CASE("an interface becomes usable step by step and says what is missing", "[interface_table]") {
  InterfaceTable table;
  CHECK(table.find(InterfaceIndex{3}) == nullptr);
  CHECK(table.set_link(3, "wlan0", InterfaceKind::Wifi, false, false, 1500, kNow));
  CHECK(table.find(InterfaceIndex{3})->why_not() == "is down");
  CHECK(table.set_link(3, "wlan0", InterfaceKind::Wifi, true, false, 1500, kNow));
  CHECK(table.find(InterfaceIndex{3})->why_not() == "has no carrier");
  CHECK(table.set_link(3, "wlan0", InterfaceKind::Wifi, true, true, 1500, kNow));
  CHECK(table.find(InterfaceIndex{3})->why_not() == "has no global IPv6 address");
  CHECK(table.set_address(3, {.address = kFirst, .tentative = true}, kNow));
  CHECK(table.find(InterfaceIndex{3})->why_not() == "has only addresses under duplicate address detection");
  CHECK(table.set_address(3, {.address = kFirst}, kNow));
  CHECK(table.find(InterfaceIndex{3})->why_not() == "has no default router");
  CHECK(table.set_router(3, kRouter, false, kNow));
  CHECK(table.find(InterfaceIndex{3})->why_not() == "has no reachable default router");
  CHECK(table.set_router(3, kRouter, true, kNow));
  CHECK(table.find(InterfaceIndex{3})->usable());
  CHECK(table.find(InterfaceIndex{3})->care_of_address == kFirst);
  CHECK(table.find(InterfaceIndex{3})->router() == kRouter);
}

TEST_CASE("the same report twice changes nothing, a relevant one does", "[interface_table]") {
  InterfaceTable table;
  make_usable(table, 3, "wlan0");
  const Address own = table.find(InterfaceIndex{3})->care_of_address;
  CHECK_FALSE(table.set_link(3, "wlan0", InterfaceKind::Other, true, true, 1500, kNow));
  CHECK_FALSE(table.set_address(3, {.address = own}, kNow));
  CHECK_FALSE(table.set_router(3, kRouter, true, kNow));
  CHECK_FALSE(table.set_address(3, {.address = kSecond}, kNow));  // a second address moves nothing
  CHECK_FALSE(table.set_router(3, kOtherRouter, true, kNow));     // nor does a second router
  CHECK_FALSE(table.remove_address(3, kSecond, kNow));
  CHECK_FALSE(table.remove_router(3, kOtherRouter, kNow));
  CHECK(table.set_link(3, "wlan0", InterfaceKind::Other, true, true, 1400, kNow));
  CHECK(table.set_link(3, "wifi0", InterfaceKind::Other, true, true, 1400, kNow));
  CHECK(table.set_link(3, "wifi0", InterfaceKind::Other, true, false, 1400, kNow));
  CHECK(table.remove_link(3));
  CHECK_FALSE(table.remove_link(3));
  CHECK_FALSE(table.remove_address(3, own, kNow));
  CHECK_FALSE(table.remove_router(3, kRouter, kNow));
}

TEST_CASE("the care-of address stays as long as it can", "[interface_table]") {
  InterfaceTable table;
  table.set_link(3, "wlan0", InterfaceKind::Wifi, true, true, 1500, kNow);
  table.set_address(3, {.address = kFirst}, kNow);
  table.set_address(3, {.address = kSecond}, kNow);
  const auto care_of_address = [&] { return table.find(InterfaceIndex{3})->care_of_address; };
  CHECK(care_of_address() == kFirst);
  CHECK(table.set_address(3, {.address = kFirst, .deprecated = true}, kNow));
  CHECK(care_of_address() == kSecond);
  CHECK_FALSE(table.set_address(3, {.address = kFirst}, kNow));
  CHECK(care_of_address() == kSecond);
  CHECK_FALSE(table.set_address(3, {.address = kFirst, .deprecated = true}, kNow));
  CHECK_FALSE(table.set_address(3, {.address = kSecond, .deprecated = true}, kNow));  // deprecated beats none
  CHECK(care_of_address() == kSecond);
  CHECK(table.remove_address(3, kSecond, kNow));
  CHECK(care_of_address() == kFirst);
  CHECK(table.remove_address(3, kFirst, kNow));
  CHECK(care_of_address().is_unspecified());
}

TEST_CASE("temporary, tentative and unroutable addresses are never care-of addresses", "[interface_table]") {
  InterfaceTable table;
  table.set_link(3, "wlan0", InterfaceKind::Wifi, true, true, 1500, kNow);
  for (const char* text : {"fe80::5", "::1", "ff02::1", "::", "::ffff:192.0.2.1"}) {
    INFO(text);
    CHECK_FALSE(table.set_address(3, {.address = address(text)}, kNow));
  }
  CHECK(table.find(InterfaceIndex{3})->addresses.empty());
  CHECK(table.set_address(3, {.address = kFirst, .temporary = true}, kNow));
  CHECK(table.find(InterfaceIndex{3})->why_not() == "has only temporary addresses");
  CHECK(table.find(InterfaceIndex{3})->care_of_address.is_unspecified());
  CHECK(table.set_address(3, {.address = kSecond}, kNow));
  CHECK(table.find(InterfaceIndex{3})->care_of_address == kSecond);
}

TEST_CASE("a reachable router is preferred to the one before it", "[interface_table]") {
  InterfaceTable table;
  make_usable(table, 3, "wlan0");
  table.set_router(3, kOtherRouter, true, kNow);
  CHECK(table.set_router(3, kRouter, false, kNow));
  CHECK(table.find(InterfaceIndex{3})->router() == kOtherRouter);
  CHECK(table.find(InterfaceIndex{3})->usable());
  CHECK(table.remove_router(3, kOtherRouter, kNow));
  CHECK_FALSE(table.find(InterfaceIndex{3})->usable());
  CHECK(table.find(InterfaceIndex{3})->router() == kRouter);
}

TEST_CASE("interfaces are found by name and listed by kind, then by name", "[interface_table]") {
  InterfaceTable table;
  make_usable(table, 5, "wwan0", InterfaceKind::Cellular);
  make_usable(table, 2, "wlan1", InterfaceKind::Wifi);
  make_usable(table, 9, "eth0", InterfaceKind::Wired);
  make_usable(table, 4, "wlan0", InterfaceKind::Wifi);
  make_usable(table, 1, "usb0", InterfaceKind::Other);
  table.set_link(7, "eth1", InterfaceKind::Wired, true, false, 1500, kNow);
  std::string order;
  for (const Interface* each : table.usable()) order += each->name + ' ';
  CHECK(order == "eth0 wlan0 wlan1 wwan0 usb0 ");
  CHECK(table.find("wlan1")->index == 2);
  CHECK(table.find("") == nullptr);
  CHECK(table.find("wlan2") == nullptr);
}

// The kernel's dumps and reports may come in any order: what counts is what was said, not when.
TEST_CASE("the order of the reports does not matter", "[interface_table][random]") {
  std::mt19937_64 random(test::seed("interface_table_test"));
  for (int run = 0; run < 500; ++run) {
    std::vector<std::function<void(InterfaceTable&)>> reports{
        [](InterfaceTable& t) { t.set_link(3, "wlan0", InterfaceKind::Wifi, true, true, 1500, kNow); },
        [](InterfaceTable& t) { t.set_address(3, {.address = kFirst}, kNow); },
        [](InterfaceTable& t) { t.set_address(3, {.address = kSecond, .temporary = true}, kNow); },
        [](InterfaceTable& t) { t.set_router(3, kRouter, true, kNow); },
        [](InterfaceTable& t) { t.set_router(3, kOtherRouter, false, kNow); }};
    std::shuffle(reports.begin(), reports.end(), random);
    InterfaceTable table;
    for (const auto& report : reports) report(table);
    REQUIRE(table.find("wlan0") != nullptr);
    CHECK(table.find("wlan0")->usable());
    CHECK(table.find("wlan0")->care_of_address == kFirst);
    CHECK(table.find("wlan0")->router() == kRouter);
  }
}

TEST_CASE("an interface that was not reported itself is not usable", "[interface_table]") {
  InterfaceTable table;
  table.set_address(3, {.address = kFirst}, kNow);
  table.set_router(3, kRouter, true, kNow);
  CHECK_FALSE(table.find(InterfaceIndex{3})->usable());
  CHECK(table.usable().empty());
}

}  // namespace mipflow::flow_redirector
