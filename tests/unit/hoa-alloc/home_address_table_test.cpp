// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include "mipflow/hoa-alloc/home_address_table.hpp"

namespace mipflow::hoa_alloc {
namespace {

Address address(const char* text) { return Address::parse(text).value(); }

const Address kPrimary = address("2001:db8:1::1");
const Address kSecond = address("2001:db8:1::2");
const Address kThird = address("2001:db8:1::3");
const Address kHomeAgent = address("2001:db8:1::ff");
const Address kCorrespondent = address("2001:db8:c::1");
const Address kOther = address("2001:db8:c::2");

HomeAddressTable table_with_primary() { return HomeAddressTable({.home_address = kPrimary, .origin = Origin::Configured}); }

}  // namespace

TEST_CASE("the Primary Home Address is the first element and can not be freed", "[home_address_table]") {
  HomeAddressTable table = table_with_primary();
  REQUIRE(table.append({.home_address = kSecond}));
  CHECK(table.primary() == kPrimary);
  CHECK(table.entries().front().home_address == kPrimary);
  CHECK_FALSE(table.removable(kPrimary));
  CHECK(table.remove(kPrimary) == RemovalRefusal::Primary);
  CHECK(table.size() == 2);
}

TEST_CASE("addresses stand in the order in which they came, each once", "[home_address_table]") {
  HomeAddressTable table = table_with_primary();
  REQUIRE(table.append({.home_address = kSecond}));
  REQUIRE(table.append({.home_address = kThird}));
  CHECK_FALSE(table.append({.home_address = kSecond, .interface = 9}));
  CHECK_FALSE(table.append({.home_address = kPrimary}));
  REQUIRE(table.size() == 3);
  CHECK(table.entries()[1].home_address == kSecond);
  CHECK(table.entries()[1].interface == 0);
  CHECK(table.entries()[2].home_address == kThird);
}

TEST_CASE("an address with flows stays, one without leaves, and the ones behind it move up", "[home_address_table]") {
  HomeAddressTable table = table_with_primary();
  REQUIRE(table.append({.home_address = kSecond}));
  REQUIRE(table.append({.home_address = kThird}));
  REQUIRE(table.flow_added(kSecond, kCorrespondent, kHomeAgent));
  REQUIRE(table.flow_added(kThird, kOther, kHomeAgent));
  CHECK(table.remove(kSecond) == RemovalRefusal::InUse);
  CHECK_FALSE(table.removable(kSecond));

  REQUIRE(table.flow_removed(kSecond, kCorrespondent, kHomeAgent));
  CHECK(table.removable(kSecond));
  CHECK(table.remove(kSecond) == std::nullopt);
  CHECK(table.remove(kSecond) == RemovalRefusal::Unknown);
  CHECK_FALSE(table.contains(kSecond));
  CHECK(table.find(kThird)->home_address == kThird);
  CHECK(table.flows_to_correspondent(kThird, kOther) == 1);
}

TEST_CASE("flows are counted by correspondent node and by binding holder", "[home_address_table]") {
  HomeAddressTable table = table_with_primary();
  REQUIRE(table.flow_added(kPrimary, kCorrespondent, kHomeAgent));
  REQUIRE(table.flow_added(kPrimary, kCorrespondent, kCorrespondent));
  REQUIRE(table.flow_added(kPrimary, kOther, kHomeAgent));
  CHECK(table.flows(kPrimary) == 3);
  CHECK(table.flows_to_correspondent(kPrimary, kCorrespondent) == 2);
  CHECK(table.flows_to_correspondent(kPrimary, kOther) == 1);
  CHECK(table.flows_with_holder(kPrimary, kHomeAgent) == 2);
  CHECK(table.flows_with_holder(kPrimary, kCorrespondent) == 1);

  REQUIRE(table.holder_changed(kPrimary, kHomeAgent, kOther));
  CHECK(table.flows(kPrimary) == 3);
  CHECK(table.flows_with_holder(kPrimary, kHomeAgent) == 1);
  CHECK(table.flows_with_holder(kPrimary, kOther) == 1);
}

TEST_CASE("a flow that was never added can not be taken away and changes no count", "[home_address_table]") {
  HomeAddressTable table = table_with_primary();
  CHECK_FALSE(table.flow_added(kSecond, kCorrespondent, kHomeAgent));
  REQUIRE(table.flow_added(kPrimary, kCorrespondent, kHomeAgent));
  CHECK_FALSE(table.flow_removed(kPrimary, kOther, kHomeAgent));
  CHECK_FALSE(table.flow_removed(kPrimary, kCorrespondent, kOther));
  CHECK_FALSE(table.flow_removed(kSecond, kCorrespondent, kHomeAgent));
  CHECK_FALSE(table.holder_changed(kPrimary, kOther, kHomeAgent));
  CHECK(table.flows(kPrimary) == 1);
  CHECK(table.flows_to_correspondent(kPrimary, kCorrespondent) == 1);
  CHECK(table.flows_with_holder(kPrimary, kHomeAgent) == 1);
}

TEST_CASE("care-of address and lifetimes are changed for known addresses only", "[home_address_table]") {
  HomeAddressTable table = table_with_primary();
  const Address care_of_address = address("2001:db8:a::1");
  const TimePoint soon{Duration(10)};
  const TimePoint later{Duration(20)};
  CHECK(table.set_care_of_address(kPrimary, care_of_address, 7));
  CHECK(table.set_lifetimes(kPrimary, soon, later));
  CHECK(table.find(kPrimary)->care_of_address == care_of_address);
  CHECK(table.find(kPrimary)->interface == 7);
  CHECK(table.find(kPrimary)->preferred_until == soon);
  CHECK(table.find(kPrimary)->valid_until == later);
  CHECK_FALSE(table.set_care_of_address(kSecond, care_of_address, 7));
  CHECK_FALSE(table.set_lifetimes(kSecond, soon, later));
  CHECK(table.find(kSecond) == nullptr);
}

}  // namespace mipflow::hoa_alloc
