// SPDX-License-Identifier: GPL-3.0-or-later
// Figure 6 against the chart carried out literally, flow by flow, on random tables.
#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <vector>

#include "mipflow/hoa-alloc/figure6.hpp"
#include "support/seed.hpp"

namespace mipflow::hoa_alloc {
namespace {

constexpr int kTables = 20'000;

struct Flow {
  Address home_address;
  Address correspondent;
  Address holder;
};

// The chart: boxes 33 to 44 with their numbers, over a plain list of home addresses and one of flows.
std::optional<Address> chart(const std::vector<Address>& home_addresses, const std::vector<Flow>& flow_mapping_table,
                             const NewFlow& flow, IndependenceQuestion question) {
  std::size_t ha = home_addresses.size() - 1;  // 35
  for (;;) {
    bool same = false;
    for (const Flow& f : flow_mapping_table) {  // 36, 38, 44
      if (f.home_address != home_addresses[ha]) continue;
      same = question == IndependenceQuestion::SameCorrespondentNode ? f.correspondent == flow.correspondent
                                                                     : f.holder == flow.binding_holder;  // 37
      if (same) break;
    }
    if (!same) return home_addresses[ha];  // 39
    if (ha == 0) return std::nullopt;      // 41, 43
    --ha;                                  // 42
  }
}

Address numbered(const char* prefix, unsigned number) {
  Address out = Address::parse(prefix).value();
  out.octets[14] = static_cast<std::uint8_t>(number >> 8);
  out.octets[15] = static_cast<std::uint8_t>(number);
  return out;
}

}  // namespace

TEST_CASE("Figure 6 gives the chart's answer on random tables", "[figure6][random]") {
  std::mt19937_64 random(test::seed("figure6_random_test"));
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  const Address home_agent = numbered("2001:db8:1::", 0xffff);
  int allocations = 0;
  int primaries = 0;

  for (int n = 0; n < kTables; ++n) {
    std::vector<Address> home_addresses;
    for (unsigned i = 0, count = 1 + below(8); i < count; ++i) home_addresses.push_back(numbered("2001:db8:1::", i + 1));
    HomeAddressTable table({.home_address = home_addresses.front(), .origin = Origin::Configured});
    for (std::size_t i = 1; i < home_addresses.size(); ++i) REQUIRE(table.append({.home_address = home_addresses[i]}));

    const unsigned correspondents = 1 + below(6);
    const auto random_flow = [&] {
      const Address correspondent = numbered("2001:db8:c::", below(correspondents));
      return Flow{home_addresses[below(static_cast<unsigned>(home_addresses.size()))], correspondent,
                  below(4) == 0 ? home_agent : correspondent};
    };
    // Flows come, go and change the holder, as in life: the counts have to follow.
    std::vector<Flow> flows;
    for (unsigned step = 0, steps = below(60); step < steps; ++step) {
      if (!flows.empty() && below(3) == 0) {
        const std::size_t which = below(static_cast<unsigned>(flows.size()));
        Flow& flow = flows[which];
        if (below(2) == 0) {
          REQUIRE(table.flow_removed(flow.home_address, flow.correspondent, flow.holder));
          flows.erase(flows.begin() + static_cast<std::ptrdiff_t>(which));
        } else {
          const Address holder = flow.holder == home_agent ? flow.correspondent : home_agent;
          REQUIRE(table.holder_changed(flow.home_address, flow.holder, holder));
          flow.holder = holder;
        }
      } else {
        flows.push_back(random_flow());
        REQUIRE(table.flow_added(flows.back().home_address, flows.back().correspondent, flows.back().holder));
      }
    }
    // A home address that no flow uses is freed now and then, from the middle too.
    if (home_addresses.size() > 1 && below(2) == 0) {
      const std::size_t which = 1 + below(static_cast<unsigned>(home_addresses.size() - 1));
      const bool used = std::any_of(flows.begin(), flows.end(),
                                    [&](const Flow& flow) { return flow.home_address == home_addresses[which]; });
      REQUIRE(table.remove(home_addresses[which]).has_value() == used);
      if (!used) home_addresses.erase(home_addresses.begin() + static_cast<std::ptrdiff_t>(which));
    }

    const Flow wanted = random_flow();
    const NewFlow flow{wanted.correspondent, wanted.holder};
    const auto all = [](const HomeAddressEntry&) { return true; };
    for (const auto question : {IndependenceQuestion::SameBindingHolder, IndependenceQuestion::SameCorrespondentNode}) {
      const auto expected = chart(home_addresses, flows, flow, question);
      INFO("table " << n << ", " << home_addresses.size() << " home addresses, " << flows.size() << " flows");
      REQUIRE(assign_home_address(table, flow, {.question = question}, all, true) == expected);

      // The extra rules only ever turn the primary home address into "allocate".
      const bool primary = expected == home_addresses.front();
      const auto without_primary = primary ? std::nullopt : expected;
      REQUIRE(assign_home_address(table, flow, {.question = question, .strict_primary = true}, all, false) == without_primary);
      REQUIRE(assign_home_address(table, flow, {.question = question, .avoid_primary = true}, all, true) == without_primary);
      REQUIRE(assign_home_address(table, flow, {.question = question, .avoid_primary = true}, all, false) == expected);
      allocations += expected ? 0 : 1;
      primaries += primary ? 1 : 0;
    }
  }
  // The tables are of a kind in which every outcome happens often.
  CHECK(allocations > kTables / 50);
  CHECK(primaries > kTables / 50);
  CHECK(allocations + primaries < kTables * 2);
}

}  // namespace mipflow::hoa_alloc
