// SPDX-License-Identifier: GPL-3.0-or-later
// Who gets what (EP 1134991, page 3): equal shares, shares of the load, and by hand; on figures and on random loads.
#include "sharing/division.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>

namespace mipflow::home_agent {
namespace {

Address home(std::uint16_t number) {
  Address out = *Address::parse("2001:db8:100::");
  out.octets[14] = static_cast<std::uint8_t>(number >> 8);
  out.octets[15] = static_cast<std::uint8_t>(number);
  return out;
}

// Agents and home addresses between which a division can be carried out.
struct Cluster {
  LoadSharing configuration{};
  std::vector<DivisionAgent> agents{};
  std::vector<DivisionHomeAddress> home_addresses{};

  void add(std::size_t agent, double packets_per_second = 0, bool may_move = true) {
    home_addresses.push_back({home(static_cast<std::uint16_t>(home_addresses.size() + 1)), agent, packets_per_second, may_move});
    ++agents[agent].held;
    agents[agent].packets_per_second += packets_per_second;
  }
  void add_many(std::size_t agent, std::size_t count, double packets_per_second = 0) {
    for (std::size_t n = 0; n < count; ++n) add(agent, packets_per_second);
  }
  std::vector<DivisionMove> divide(std::size_t most = 10'000) const {
    return home_agent::divide(configuration, agents, home_addresses, most);
  }
  void carry_out(const std::vector<DivisionMove>& moves) {
    for (const DivisionMove& move : moves) {
      auto& moved = *std::find_if(home_addresses.begin(), home_addresses.end(),
                                  [&](const auto& candidate) { return candidate.home_address == move.home_address; });
      --agents[moved.agent].held;
      agents[moved.agent].packets_per_second -= moved.packets_per_second;
      if (agents[moved.agent].room != SIZE_MAX) ++agents[moved.agent].room;
      moved.agent = move.to;
      ++agents[move.to].held;
      agents[move.to].packets_per_second += moved.packets_per_second;
      if (agents[move.to].room != SIZE_MAX) --agents[move.to].room;
    }
  }
  std::vector<std::size_t> held() const {
    std::vector<std::size_t> out;
    for (const auto& agent : agents) out.push_back(agent.held);
    return out;
  }
};

Cluster cluster(Division division, std::size_t agents) {
  Cluster out;
  out.configuration.division = division;
  out.agents.resize(agents);
  return out;
}

using Held = std::vector<std::size_t>;

TEST_CASE("equal: what the primary has alone is spread over all, by weight") {
  auto three = cluster(Division::Equal, 3);
  three.add_many(0, 9);
  three.carry_out(three.divide());
  CHECK(three.held() == Held{3, 3, 3});

  auto weighted = cluster(Division::Equal, 3);
  weighted.agents[1].weight = 2;
  weighted.agents[2].weight = 5;
  weighted.add_many(0, 80);
  weighted.carry_out(weighted.divide());
  CHECK(weighted.held() == Held{10, 20, 50});
}

TEST_CASE("equal: with an own weight of 0 the primary delegates all, and keeps it when nobody takes it") {
  auto all = cluster(Division::Equal, 3);
  all.agents[0].weight = 0;
  all.add_many(0, 10);
  SECTION("both take") {
    all.carry_out(all.divide());
    CHECK(all.held() == Held{0, 5, 5});
  }
  SECTION("nobody takes") {
    all.agents[1].takes = all.agents[2].takes = false;
    CHECK(all.divide().empty());
  }
}

TEST_CASE("equal: what does not differ by more than the tolerance stays where it is") {
  auto two = cluster(Division::Equal, 2);
  two.add_many(0, 109);
  two.add_many(1, 91);  // 18 of 100
  CHECK(two.divide().empty());
  two.configuration.load_tolerance = 10;
  two.carry_out(two.divide());
  CHECK(two.held() == Held{100, 100});
}

TEST_CASE("equal: a difference of one is none, whoever has it") {
  auto two = cluster(Division::Equal, 2);
  two.configuration.load_tolerance = 0;
  two.add_many(0, 2);
  two.add_many(1, 1);
  CHECK(two.divide().empty());
}

TEST_CASE("a drained agent's home addresses go to the others, in whatever way is divided") {
  const auto division = GENERATE(Division::Equal, Division::Load, Division::Manual);
  auto three = cluster(division, 3);
  three.agents[1].weight = 0;
  three.agents[1].takes = false;
  three.add_many(1, 4, 10);
  three.add_many(2, 1, 10);
  const auto moves = three.divide();
  for (const auto& move : moves) CHECK(move.reason == std::string("drained"));
  three.carry_out(moves);
  CHECK(three.held()[1] == 0);
  if (division == Division::Equal) {
    CHECK(three.held() == Held{3, 0, 2});
  } else {
    CHECK(three.held() == Held{4, 0, 1});  // by load: far below the threshold; by hand: nobody said otherwise
  }
}

TEST_CASE("by hand: nothing moves by itself") {
  auto two = cluster(Division::Manual, 2);
  two.add_many(0, 100, 100'000);
  CHECK(two.divide().empty());
  CHECK(choose_agent(two.configuration, two.agents) == 0);
}

TEST_CASE("load: the primary serves alone up to the threshold, and gives away above it") {
  auto two = cluster(Division::Load, 2);
  two.configuration.load_threshold = 1'000;
  two.add_many(0, 10, 100);  // 1,000
  CHECK(two.divide().empty());
  two.add(0, 100);
  two.carry_out(two.divide());
  CHECK(two.agents[0].packets_per_second == Approx(600).margin(0.1));
  CHECK(two.agents[1].packets_per_second == Approx(500).margin(0.1));
}

TEST_CASE("load: differences below what delegation begins with do not matter") {
  auto three = cluster(Division::Load, 3);
  three.configuration.load_threshold = 30'000;
  three.add(1, 10);
  three.add(1, 10);  // 20 to 0: a lot, of nothing
  CHECK(three.divide().empty());
}

TEST_CASE("load: secondaries are evened out among themselves while the primary is below the threshold") {
  auto three = cluster(Division::Load, 3);
  three.configuration.load_threshold = 1'000;
  three.add_many(0, 4, 200);
  three.add_many(1, 8, 200);
  three.carry_out(three.divide());
  for (const auto& agent : three.agents) CHECK(agent.packets_per_second == Approx(800).margin(0.1));
}

TEST_CASE("load: one flow that is the whole load does not go to and fro") {
  auto two = cluster(Division::Load, 2);
  two.configuration.load_threshold = 100;
  two.add(0, 10'000);
  CHECK(two.divide().empty());
}

TEST_CASE("a new home address goes to the agent with the smallest share, as long as it takes something") {
  auto three = cluster(Division::Equal, 3);
  three.agents[0].held = 3;
  three.agents[1].held = 1;
  three.agents[2].held = 2;
  CHECK(choose_agent(three.configuration, three.agents) == 1);
  three.agents[1].room = 0;
  CHECK(choose_agent(three.configuration, three.agents) == 2);
  three.agents[2].takes = false;
  CHECK(choose_agent(three.configuration, three.agents) == 0);
  three.agents[0].weight = 0;  // as there is nobody else
  CHECK(choose_agent(three.configuration, three.agents) == 0);
}

// What holds for every division, whatever the agents and their loads.
Cluster random_cluster(std::mt19937& random) {
  const auto below = [&](unsigned limit) { return std::uniform_int_distribution<unsigned>(0, limit - 1)(random); };
  auto out = cluster(std::array{Division::Equal, Division::Load, Division::Manual}[below(3)], 1 + below(6));
  out.configuration.load_tolerance = below(60);
  out.configuration.load_threshold = below(3) == 0 ? 0 : below(5'000);
  for (std::size_t agent = 0; agent < out.agents.size(); ++agent) {
    out.agents[agent].weight = below(5) == 0 ? 0 : 1 + below(4);
    if (agent != 0 && out.agents[agent].weight == 0) out.agents[agent].takes = false;
    if (agent != 0 && below(6) == 0) out.agents[agent].takes = false;
    if (below(4) == 0 && agent != 0) out.agents[agent].room = below(20);
  }
  const unsigned count = below(120);
  for (unsigned n = 0; n < count; ++n)
    out.add(below(static_cast<unsigned>(out.agents.size())), below(3) == 0 ? 0 : static_cast<double>(below(1'000)) / 7, below(5) != 0);
  return out;
}

TEST_CASE("divisions of random loads keep the rules, and a second one has nothing to do") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int run = 0; run < 3'000; ++run) {
    INFO("run " << run);
    auto random_one = random_cluster(random);
    const auto before = random_one;
    const std::size_t most = run % 4 == 0 ? 5 : 10'000;
    const auto moves = random_one.divide(most);
    REQUIRE(moves.size() <= most);

    std::vector<std::size_t> gained(before.agents.size());
    std::map<Address, int> moved;
    bool drains_are_over = false;
    for (const auto& move : moves) {
      const auto& home_address = *std::find_if(before.home_addresses.begin(), before.home_addresses.end(),
                                               [&](const auto& candidate) { return candidate.home_address == move.home_address; });
      REQUIRE(home_address.may_move);
      REQUIRE(home_address.agent != move.to);
      REQUIRE(++moved[move.home_address] == 1);
      REQUIRE((move.to == 0 || (before.agents[move.to].takes && before.agents[move.to].weight != 0)));
      ++gained[move.to];
      const bool drained = before.agents[home_address.agent].weight == 0 && move.reason == std::string("drained");
      REQUIRE_FALSE((drained && drains_are_over));
      drains_are_over |= !drained;
    }
    random_one.carry_out(moves);
    for (std::size_t agent = 1; agent < before.agents.size(); ++agent) {
      const auto lost = before.agents[agent].held + gained[agent] - random_one.agents[agent].held;
      if (before.agents[agent].room != SIZE_MAX) REQUIRE(gained[agent] <= before.agents[agent].room + lost);
    }
    // Nobody who drains keeps what may go.
    if (moves.size() < most) {
      for (const auto& home_address : random_one.home_addresses)
        if (home_address.agent != 0 && home_address.may_move) REQUIRE(random_one.agents[home_address.agent].weight != 0);
      const auto again = random_one.divide();
      REQUIRE(again.empty());
    } else {
      // Cut short, it gets there in some more steps.
      int steps = 0;
      for (auto further = random_one.divide(most); !further.empty(); further = random_one.divide(most)) {
        random_one.carry_out(further);
        REQUIRE(++steps < 200);
      }
    }
  }
}

TEST_CASE("when all may move and all take, equal division ends within one home address, load within the tolerance") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int run = 0; run < 300; ++run) {
    const std::size_t count = 2 + run % 5;
    auto equal = cluster(Division::Equal, count);
    equal.configuration.load_tolerance = 0;
    auto load = cluster(Division::Load, count);
    load.configuration.load_threshold = 0;
    for (int n = 0; n < 200; ++n) {
      const auto agent = std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
      equal.add(agent);
      load.add(agent, std::uniform_real_distribution<double>(1, 100)(random));
    }
    equal.carry_out(equal.divide());
    const auto held = equal.held();
    CHECK(*std::max_element(held.begin(), held.end()) - *std::min_element(held.begin(), held.end()) <= 1);

    load.carry_out(load.divide());
    double highest = 0, lowest = 1e9, sum = 0;
    for (const auto& agent : load.agents) {
      highest = std::max(highest, agent.packets_per_second);
      lowest = std::min(lowest, agent.packets_per_second);
      sum += agent.packets_per_second;
    }
    CHECK(highest - lowest <= 0.2 * sum / static_cast<double>(count) * (1 + 1e-6));
  }
}

}  // namespace
}  // namespace mipflow::home_agent
