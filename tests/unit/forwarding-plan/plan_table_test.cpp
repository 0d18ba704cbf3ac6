// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

#include "mipflow/forwarding-plan/forwarding_plan.hpp"
#include "support/seed.hpp"

namespace mipflow::forwarding {
namespace {

using Table = PlanTable<int, int>;

// Carries a difference out the way a runner does: what is set first, what is erased last.
template <class Key, class Item>
void carry_out(std::unordered_map<Key, Item>& kernel, const Difference<Key, Item>& difference) {
  for (const auto& [key, item] : difference.set) kernel.insert_or_assign(key, item);
  for (const auto& key : difference.erase) REQUIRE(kernel.erase(key) == 1);
}

}  // namespace

TEST_CASE("an item that was set is handed out once", "[plan_table]") {
  Table table;
  CHECK_FALSE(table.has_changes());
  table.set(1, 10);
  CHECK(table.has_changes());
  CHECK(*table.find(1) == 10);
  CHECK(table.find(2) == nullptr);
  const auto changes = table.take_changes();
  CHECK(changes.set == std::vector<std::pair<int, int>>{{1, 10}});
  CHECK(changes.erase.empty());
  CHECK_FALSE(table.has_changes());
  CHECK(table.take_changes().empty());
}

TEST_CASE("setting an item to what it is or erasing one that is not there is no change", "[plan_table]") {
  Table table;
  table.set(1, 10);
  table.take_changes();
  table.set(1, 10);
  table.erase(2);
  CHECK_FALSE(table.has_changes());
  table.set(1, 11);
  CHECK(table.take_changes().set == std::vector<std::pair<int, int>>{{1, 11}});
  table.erase(1);
  CHECK(table.take_changes().erase == std::vector<int>{1});
}

TEST_CASE("an item that the kernel lost is handed out again", "[plan_table]") {
  Table table;
  table.set(1, 10);
  table.take_changes();
  table.repeat(1);
  table.repeat(2);
  CHECK(table.take_changes().set == std::vector<std::pair<int, int>>{{1, 10}});
  CHECK(table.take_changes().empty());
  table.repeat(1);
  table.erase(1);
  CHECK(table.take_changes().erase == std::vector<int>{1});
}

TEST_CASE("the last of several changes between two takings counts", "[plan_table]") {
  Table table;
  table.set(1, 10);
  table.take_changes();
  table.set(1, 11);
  table.erase(1);
  table.set(1, 12);
  CHECK(table.take_changes().set == std::vector<std::pair<int, int>>{{1, 12}});
}

TEST_CASE("what came and went, or went and came back, between two takings is no change", "[plan_table]") {
  Table table;
  table.set(1, 10);
  table.take_changes();
  table.set(2, 20);
  table.erase(2);
  table.erase(1);
  table.set(1, 10);
  CHECK(table.has_changes());
  CHECK(table.take_changes().empty());
  CHECK_FALSE(table.has_changes());
}

TEST_CASE("diff: missing and different items are set, others' are erased, equal ones left alone", "[plan_table]") {
  const std::unordered_map<int, int> have{{1, 10}, {2, 20}, {3, 30}};
  const std::unordered_map<int, int> want{{1, 10}, {2, 21}, {4, 40}};
  auto difference = diff(have, want);
  std::sort(difference.set.begin(), difference.set.end());
  CHECK(difference.set == std::vector<std::pair<int, int>>{{2, 21}, {4, 40}});
  CHECK(difference.erase == std::vector<int>{3});
  CHECK(diff(want, want).empty());
}

TEST_CASE("diff of a real plan: moving a flow's binding touches the binding and no flow", "[plan_table]") {
  ForwardingPlan plan;
  BindingItem binding{.home_address = Address::parse("2001:db8:1::2").value(),
                      .care_of_address = Address::parse("2001:db8:a::1").value(),
                      .peer = Address::parse("2001:db8:1::ff").value(),
                      .uplink = 3};
  plan.bindings.set(1, binding);
  plan.flows.set(FlowKey{.source = {}, .correspondent = {}, .source_port = 1}, {.id = 1, .home_address = binding.home_address, .binding = 1});
  const auto have = plan.bindings.items();
  plan.bindings.take_changes();
  plan.flows.take_changes();

  binding.care_of_address = Address::parse("2001:db8:b::1").value();
  binding.uplink = 4;
  plan.bindings.set(1, binding);
  CHECK(diff(have, plan.bindings.items()).set == std::vector<std::pair<BindingId, BindingItem>>{{1, binding}});
  CHECK(plan.bindings.has_changes());
  CHECK_FALSE(plan.flows.has_changes());
}

TEST_CASE("changes taken now and then, and diff, both bring a kernel to what the table holds", "[plan_table][random]") {
  std::mt19937_64 random(test::seed("plan_table_test"));
  for (int run = 0; run < 200; ++run) {
    Table table;
    std::unordered_map<int, int> kernel;
    for (int step = 0; step < 300; ++step) {
      const int key = static_cast<int>(random() % 20);
      switch (random() % 5) {
        case 0:
        case 1: table.set(key, static_cast<int>(random() % 3)); break;
        case 2: table.erase(key); break;
        case 3: {
          // The same answer as diff, whatever came and went in between.
          auto expected = diff(kernel, table.items());
          auto changes = table.take_changes();
          for (auto* each : {&expected, &changes}) {
            std::sort(each->set.begin(), each->set.end());
            std::sort(each->erase.begin(), each->erase.end());
          }
          REQUIRE(changes.set == expected.set);
          REQUIRE(changes.erase == expected.erase);
          carry_out(kernel, changes);
          REQUIRE(kernel == table.items());
          break;
        }
        default: {
          // Somebody else touches the kernel; reading back and diff heals it.
          if (random() % 10 != 0) break;
          table.take_changes();
          kernel[key] = 99;
          kernel.erase(static_cast<int>(random() % 20));
          carry_out(kernel, diff(kernel, table.items()));
          REQUIRE(kernel == table.items());
        }
      }
    }
  }
}

}  // namespace mipflow::forwarding
