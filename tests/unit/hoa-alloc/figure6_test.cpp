// SPDX-License-Identifier: GPL-3.0-or-later
// One case per path through the chart of WO 2004/057826, Figure 6, then its two extra rules and what is ours.
#include <catch2/catch.hpp>

#include "mipflow/hoa-alloc/figure6.hpp"

namespace mipflow::hoa_alloc {
namespace {

Address address(const char* text) { return Address::parse(text).value(); }

const Address kPrimary = address("2001:db8:1::1");
const Address kSecond = address("2001:db8:1::2");
const Address kThird = address("2001:db8:1::3");
const Address kHomeAgent = address("2001:db8:1::ff");
const Address kCorrespondent = address("2001:db8:c::1");
const Address kOther = address("2001:db8:c::2");
const Address kAnother = address("2001:db8:c::3");

constexpr bool kCanAllocate = true;
constexpr bool kCanNotAllocate = false;

bool every_one(const HomeAddressEntry&) { return true; }

// The figure's literal question: the same correspondent node.
constexpr SelectionRules kAsDrawn{.question = IndependenceQuestion::SameCorrespondentNode};

HomeAddressTable table_of(std::initializer_list<Address> behind_primary) {
  HomeAddressTable table({.home_address = kPrimary, .interface = 1, .origin = Origin::Configured});
  for (const Address& each : behind_primary) REQUIRE(table.append({.home_address = each, .interface = 1}));
  return table;
}

NewFlow tunnelled(const Address& correspondent) { return {correspondent, kHomeAgent}; }
NewFlow optimised(const Address& correspondent) { return {correspondent, correspondent}; }

void add(HomeAddressTable& table, const Address& home_address, const NewFlow& flow) {
  REQUIRE(table.flow_added(home_address, flow.correspondent, flow.binding_holder));
}

}  // namespace

// ---- the chart ----

TEST_CASE("Figure 6: 35, 36, 38 no flows, 39: the last home address has no flow and is taken", "[figure6]") {
  const HomeAddressTable table = table_of({kSecond, kThird});
  CHECK(assign_home_address(table, tunnelled(kCorrespondent), kAsDrawn, every_one, kCanAllocate) == kThird);
}

TEST_CASE("Figure 6: 36, 37 no, 38 no more, 39: one flow to another correspondent node does not matter", "[figure6]") {
  HomeAddressTable table = table_of({kSecond});
  add(table, kSecond, tunnelled(kOther));
  CHECK(assign_home_address(table, tunnelled(kCorrespondent), kAsDrawn, every_one, kCanAllocate) == kSecond);
}

TEST_CASE("Figure 6: 37 no, 38 more, 44, 37 no, 38 no more, 39: neither do several", "[figure6]") {
  HomeAddressTable table = table_of({kSecond});
  add(table, kSecond, tunnelled(kOther));
  add(table, kSecond, tunnelled(kAnother));
  CHECK(assign_home_address(table, tunnelled(kCorrespondent), kAsDrawn, every_one, kCanAllocate) == kSecond);
}

TEST_CASE("Figure 6: 37 yes at the first flow, 41 another one, 42, 39: the home address before it", "[figure6]") {
  HomeAddressTable table = table_of({kSecond, kThird});
  add(table, kThird, tunnelled(kCorrespondent));
  CHECK(assign_home_address(table, tunnelled(kCorrespondent), kAsDrawn, every_one, kCanAllocate) == kSecond);
}

TEST_CASE("Figure 6: 37 no, 44, 37 yes at a later flow, 41, 42: every flow of a home address is looked at", "[figure6]") {
  HomeAddressTable table = table_of({kSecond, kThird});
  add(table, kThird, tunnelled(kOther));
  add(table, kThird, tunnelled(kCorrespondent));
  CHECK(assign_home_address(table, tunnelled(kCorrespondent), kAsDrawn, every_one, kCanAllocate) == kSecond);
}

TEST_CASE("Figure 6: 41, 42 down to the Primary Home Address, which comes last", "[figure6]") {
  HomeAddressTable table = table_of({kSecond, kThird});
  add(table, kThird, tunnelled(kCorrespondent));
  add(table, kSecond, tunnelled(kCorrespondent));
  CHECK(assign_home_address(table, tunnelled(kCorrespondent), kAsDrawn, every_one, kCanAllocate) == kPrimary);
}

TEST_CASE("Figure 6: 37 yes for all, 41 no other, 43: a new one has to be allocated", "[figure6]") {
  HomeAddressTable table = table_of({kSecond});
  add(table, kSecond, tunnelled(kCorrespondent));
  add(table, kPrimary, tunnelled(kCorrespondent));
  CHECK(assign_home_address(table, tunnelled(kCorrespondent), kAsDrawn, every_one, kCanAllocate) == std::nullopt);
}

TEST_CASE("Figure 6: the new address is appended and the next flow to that node asks for one more", "[figure6]") {
  HomeAddressTable table = table_of({});
  add(table, kPrimary, tunnelled(kCorrespondent));
  REQUIRE(assign_home_address(table, tunnelled(kCorrespondent), kAsDrawn, every_one, kCanAllocate) == std::nullopt);
  REQUIRE(table.append({.home_address = kSecond}));
  REQUIRE(assign_home_address(table, tunnelled(kCorrespondent), kAsDrawn, every_one, kCanAllocate) == kSecond);
  add(table, kSecond, tunnelled(kCorrespondent));
  CHECK(assign_home_address(table, tunnelled(kCorrespondent), kAsDrawn, every_one, kCanAllocate) == std::nullopt);
}

// ---- the two extra rules ----

TEST_CASE("avoid the Primary Home Address: rather a new one", "[figure6]") {
  const HomeAddressTable table = table_of({});
  const SelectionRules rules{.question = IndependenceQuestion::SameCorrespondentNode, .avoid_primary = true};
  CHECK(assign_home_address(table, tunnelled(kCorrespondent), rules, every_one, kCanAllocate) == std::nullopt);
}

TEST_CASE("avoid the Primary Home Address: it serves when there can be no new one", "[figure6]") {
  const HomeAddressTable table = table_of({});
  const SelectionRules rules{.question = IndependenceQuestion::SameCorrespondentNode, .avoid_primary = true};
  CHECK(assign_home_address(table, tunnelled(kCorrespondent), rules, every_one, kCanNotAllocate) == kPrimary);
}

TEST_CASE("avoid the Primary Home Address: others are taken as before", "[figure6]") {
  const HomeAddressTable table = table_of({kSecond});
  const SelectionRules rules{.question = IndependenceQuestion::SameCorrespondentNode, .avoid_primary = true};
  CHECK(assign_home_address(table, tunnelled(kCorrespondent), rules, every_one, kCanAllocate) == kSecond);
}

TEST_CASE("strict: never the Primary Home Address, also when there can be no new one", "[figure6]") {
  const HomeAddressTable table = table_of({});
  const SelectionRules rules{.question = IndependenceQuestion::SameCorrespondentNode, .strict_primary = true};
  CHECK(assign_home_address(table, tunnelled(kCorrespondent), rules, every_one, kCanAllocate) == std::nullopt);
  CHECK(assign_home_address(table, tunnelled(kCorrespondent), rules, every_one, kCanNotAllocate) == std::nullopt);
}

// ---- the question made general ----

TEST_CASE("binding holder: two tunnelled flows to different correspondent nodes can not share", "[figure6]") {
  HomeAddressTable table = table_of({kSecond});
  add(table, kSecond, tunnelled(kOther));
  CHECK(assign_home_address(table, tunnelled(kCorrespondent), {}, every_one, kCanAllocate) == kPrimary);
}

TEST_CASE("binding holder: a tunnelled and a route-optimised flow can share, also with the same node", "[figure6]") {
  HomeAddressTable table = table_of({kSecond});
  add(table, kSecond, tunnelled(kCorrespondent));
  CHECK(assign_home_address(table, optimised(kCorrespondent), {}, every_one, kCanAllocate) == kSecond);
}

TEST_CASE("binding holder: route-optimised flows give the figure's own answers", "[figure6]") {
  HomeAddressTable table = table_of({kSecond});
  add(table, kSecond, optimised(kOther));
  CHECK(assign_home_address(table, optimised(kCorrespondent), {}, every_one, kCanAllocate) == kSecond);
  add(table, kSecond, optimised(kCorrespondent));
  CHECK(assign_home_address(table, optimised(kCorrespondent), {}, every_one, kCanAllocate) == kPrimary);
}

TEST_CASE("binding holder: a flow that becomes route-optimised makes room at the home agent", "[figure6]") {
  HomeAddressTable table = table_of({kSecond});
  add(table, kSecond, tunnelled(kOther));
  REQUIRE(table.holder_changed(kSecond, kHomeAgent, kOther));
  CHECK(assign_home_address(table, tunnelled(kCorrespondent), {}, every_one, kCanAllocate) == kSecond);
}

TEST_CASE("a home address that is not usable is passed over", "[figure6]") {
  const HomeAddressTable table = table_of({kSecond, kThird});
  const auto not_third = [](const HomeAddressEntry& entry) { return entry.home_address != kThird; };
  CHECK(assign_home_address(table, tunnelled(kCorrespondent), {}, not_third, kCanAllocate) == kSecond);
  const auto none = [](const HomeAddressEntry&) { return false; };
  CHECK(assign_home_address(table, tunnelled(kCorrespondent), {}, none, kCanAllocate) == std::nullopt);
}

// ---- sharing ----

TEST_CASE("sharing: the fewest flows that would move together", "[figure6][sharing]") {
  HomeAddressTable table = table_of({kSecond, kThird});
  for (int i = 0; i < 3; ++i) add(table, kThird, tunnelled(kOther));
  add(table, kSecond, tunnelled(kOther));
  for (int i = 0; i < 2; ++i) add(table, kPrimary, tunnelled(kOther));
  CHECK(least_harmful_sharing(table, tunnelled(kCorrespondent), {}, every_one, 1) ==
        Sharing{.home_address = kSecond, .shares_with = 1, .on_wanted_interface = true});
}

TEST_CASE("sharing: one on the wanted interface comes before one with fewer flows", "[figure6][sharing]") {
  HomeAddressTable table = table_of({kSecond, kThird});
  add(table, kThird, tunnelled(kOther));
  for (int i = 0; i < 5; ++i) add(table, kSecond, tunnelled(kOther));
  add(table, kPrimary, tunnelled(kOther));
  REQUIRE(table.set_care_of_address(kSecond, address("2001:db8:a::1"), 2));
  CHECK(least_harmful_sharing(table, tunnelled(kCorrespondent), {}, every_one, 2) ==
        Sharing{.home_address = kSecond, .shares_with = 5, .on_wanted_interface = true});
  CHECK(least_harmful_sharing(table, tunnelled(kCorrespondent), {}, every_one, 3) ==
        Sharing{.home_address = kThird, .shares_with = 1, .on_wanted_interface = false});
}

TEST_CASE("sharing: equal ones in the figure's order, the avoided primary behind all, the strict one never",
          "[figure6][sharing]") {
  HomeAddressTable table = table_of({kSecond, kThird});
  for (const Address& each : {kPrimary, kSecond, kThird}) add(table, each, tunnelled(kOther));
  CHECK(least_harmful_sharing(table, tunnelled(kCorrespondent), {}, every_one, 0)->home_address == kThird);

  const auto only_primary = [](const HomeAddressEntry& entry) { return entry.home_address == kPrimary; };
  add(table, kThird, tunnelled(kOther));
  add(table, kSecond, tunnelled(kOther));
  CHECK(least_harmful_sharing(table, tunnelled(kCorrespondent), {}, every_one, 0)->home_address == kPrimary);
  CHECK(least_harmful_sharing(table, tunnelled(kCorrespondent), {.avoid_primary = true}, every_one, 0)->home_address == kThird);
  CHECK(least_harmful_sharing(table, tunnelled(kCorrespondent), {.avoid_primary = true}, only_primary, 0)->home_address ==
        kPrimary);
  CHECK(least_harmful_sharing(table, tunnelled(kCorrespondent), {.strict_primary = true}, only_primary, 0) == std::nullopt);
}

}  // namespace mipflow::hoa_alloc
