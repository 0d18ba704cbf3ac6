// SPDX-License-Identifier: GPL-3.0-or-later
// What a home agent tells its operator about those that share its load.
#include <catch2/catch.hpp>

#include "load_sharing_problems.hpp"

using namespace mipflow;
using namespace mipflow::had;
using namespace mipflow::home_agent;
using namespace std::chrono_literals;

namespace {

AgentSnapshot agent(const char* name, AgentState state, bool secondary = true) {
  AgentSnapshot out;
  out.name = name;
  out.address = *Address::parse("2001:db8:1::3");
  out.secondary = secondary;
  out.state = state;
  out.delegated = 1;
  out.silent_for = 12'300ms;
  return out;
}

std::vector<std::string> problems(const std::vector<AgentSnapshot>& agents, std::uint64_t unauthenticated = 0) {
  LoadSharingCounters counters;
  counters.dropped_unauthenticated = unauthenticated;
  return load_sharing_problems({}, agents, counters, "");
}

}  // namespace

TEST_CASE("agents that serve or are emptied are no problem") {
  CHECK(problems({}).empty());
  CHECK(problems({agent("ha2", AgentState::Serving), agent("ha3", AgentState::Draining), agent("ha1", AgentState::Serving, false)}).empty());
  // Anybody can make up messages that are dropped.
  CHECK(problems({agent("ha2", AgentState::Serving)}, 5).empty());
}

TEST_CASE("an agent that was never heard of: what to look at, from either end") {
  const auto secondary = problems({agent("ha2", AgentState::Unknown)});
  REQUIRE(secondary.size() == 1);
  CHECK(secondary[0] ==
        "nothing was ever heard of the secondary ha2 (2001:db8:1::3): does mipflow-had run there, is this home agent a [[primary]] in its "
        "had.toml, do both have the same key, and do firewalls let UDP port 6275 through both ways?");
  const auto primary = problems({agent("ha1", AgentState::Unknown, false)}, 3);
  REQUIRE(primary.size() == 2);
  CHECK_THAT(primary[0], Catch::Contains("the primary ha1") && Catch::Contains("is this home agent a [[secondary]] in its had.toml"));
  CHECK(primary[1] ==
        "3 messages of other home agents were dropped as their authenticator is wrong: compare the keys of [[agent]] in "
        "security-associations.toml at both ends");
}

TEST_CASE("an agent that died: what became of its home addresses") {
  CHECK(problems({agent("ha2", AgentState::Dead)}) ==
        std::vector<std::string>{"the secondary ha2 (2001:db8:1::3) has not answered for 12 s; its home addresses were taken back"});
  CHECK_THAT(problems({agent("ha1", AgentState::Dead, false)}).at(0), Catch::Contains("is served on until the durations end"));
}

TEST_CASE("a port that could not be opened") {
  CHECK(load_sharing_problems({}, {}, {}, "another program has UDP port 6275") == std::vector<std::string>{"another program has UDP port 6275"});
}

TEST_CASE("agents in words") {
  auto many = agent("ha3", AgentState::Draining);
  many.delegated = 12;
  CHECK(agents_in_words({agent("ha1", AgentState::Serving, false), many}) ==
        std::vector<std::string>{"ha1: primary, serving, 1 home address", "ha3: draining, 12 home addresses"});
}
