// SPDX-License-Identifier: GPL-3.0-or-later
// The primary's side, EP 1134991: every arrow of the diagram above class Primary, and what loss, doubling, disorder, refusals,
// silence and restarts do to it.
#include <algorithm>
#include <catch2/catch.hpp>

#include "mipflow/wire/udp.hpp"
#include "primary_bench.hpp"

namespace mipflow::home_agent::test {
namespace {

using wire::ForwardingStatus;

bool is_start(const wire::ForwardingRecords& records) { return std::holds_alternative<std::vector<wire::StartForwarding>>(records); }
bool is_stop(const wire::ForwardingRecords& records) { return std::holds_alternative<std::vector<wire::StopForwarding>>(records); }

// One home address, delegated to "a" by hand.
Bench delegated(std::size_t agents = 2, const std::function<void(LoadSharing&)>& change = {}) {
  Bench bench(agents, change);
  bench.meet();
  bench.bind(1);
  REQUIRE(bench.delegate(1, "a"));
  bench.settle();
  REQUIRE(bench.state(1) == "delegated a");
  return bench;
}

// ---- the arrows ----

TEST_CASE("without secondaries a bound home address is intercepted here, and nothing is said or waited for") {
  Bench bench(0);
  bench.bind(1);
  CHECK(bench.intercepts(1));
  CHECK_FALSE(bench.metric(1));
  bench.answer(1);
  CHECK(bench.answers() == 1);
  CHECK(bench.next_deadline() == kNever);
  bench.unbind(1);
  bench.answer(1);
  CHECK(bench.answers() == 2);
  CHECK_FALSE(bench.intercepts(1));
}

TEST_CASE("delegation makes before it breaks: intercepted here until the Start is acknowledged, and then no longer") {
  Bench bench(1);
  bench.meet();
  bench.bind(1);
  REQUIRE(bench.delegate(1, "a"));
  CHECK(bench.state(1) == "starting");
  CHECK(bench.intercepts(1));
  bench.deliver();
  CHECK(bench.state(1) == "delegated a");
  CHECK_FALSE(bench.intercepts(1));
  const auto& start = bench.a().serving.at(home_address_of(1));
  CHECK(start.care_of_address == kCareOfHere);
  CHECK(start.tunnel_source == kPrimaryAgent);
  CHECK(start.duration == 3'600);
  CHECK(bench.counters.starts_sent == 1);
  CHECK(bench.counters.starts_acknowledged == 1);
  CHECK(bench.counters.retransmissions == 0);
}

TEST_CASE("with tunnels from their own addresses secondaries are told no other source") {
  auto bench = delegated(1, [](LoadSharing& configuration) { configuration.tunnel_from_primary = false; });
  CHECK(bench.a().serving.at(home_address_of(1)).tunnel_source == Address{});
  // Changed while it serves, it is told.
  bench.configuration.tunnel_from_primary = true;
  bench.reconfigure();
  bench.settle();
  CHECK(bench.a().serving.at(home_address_of(1)).tunnel_source == kPrimaryAgent);
  // Also when the Start is under way.
  bench.bind(2);
  bench.kept.emplace();
  REQUIRE(bench.delegate(2, "a"));
  bench.deliver();
  bench.configuration.tunnel_from_primary = false;
  bench.reconfigure();
  bench.kept.reset();
  bench.settle();
  CHECK(bench.state(2) == "delegated a");
  CHECK(bench.a().serving.at(home_address_of(2)).tunnel_source == Address{});
}

TEST_CASE("recall: intercepted here first, then the secondary stops; its announcement is overruled until it has lingered") {
  auto bench = delegated();
  REQUIRE(bench.recall(1));
  CHECK(bench.intercepts(1));
  CHECK(bench.a().serves(home_address_of(1)));
  CHECK(bench.state(1) == "recalling");
  CHECK(bench.metric(1) == 10U);
  bench.deliver();
  CHECK_FALSE(bench.a().serves(home_address_of(1)));
  CHECK(bench.state(1) == "own");
  bench.run(bench.configuration.linger - 1ms);
  CHECK(bench.metric(1) == 10U);
  bench.run(2ms);
  CHECK_FALSE(bench.metric(1));
  CHECK(bench.intercepts(1));
}

TEST_CASE("handing over: the old one goes on until the new one has it, and is stopped then") {
  auto bench = delegated();
  bench.lose = [](const auto& records, bool to_secondary) { return !to_secondary && std::holds_alternative<std::vector<wire::StartForwardingAcknowledgement>>(records); };
  REQUIRE(bench.delegate(1, "b"));
  bench.deliver();
  CHECK(bench.state(1) == "handing-over a");
  CHECK(bench.a().serves(home_address_of(1)));
  CHECK_FALSE(bench.intercepts(1));
  bench.lose = {};
  bench.run(60ms);
  CHECK(bench.state(1) == "delegated b");
  CHECK(bench.b().serves(home_address_of(1)));
  CHECK_FALSE(bench.a().serves(home_address_of(1)));
  CHECK_FALSE(bench.intercepts(1));
}

TEST_CASE("a recall meanwhile withdraws what was begun") {
  SECTION("of a Start that is under way") {
    Bench bench(1);
    bench.meet();
    bench.bind(1);
    bench.lose = [](const auto&, bool to_secondary) { return !to_secondary; };
    REQUIRE(bench.delegate(1, "a"));
    bench.deliver();
    REQUIRE(bench.a().serves(home_address_of(1)));
    REQUIRE(bench.recall(1));
    bench.lose = {};
    bench.settle();
    CHECK_FALSE(bench.a().serves(home_address_of(1)));
    CHECK(bench.state(1) == "own");
    CHECK(bench.intercepts(1));
  }
  SECTION("of a hand-over: both stop") {
    auto bench = delegated();
    bench.lose = [](const auto& records, bool to_secondary) { return !to_secondary && !std::holds_alternative<std::vector<wire::HeartbeatAcknowledgement>>(records); };
    REQUIRE(bench.delegate(1, "b"));
    bench.deliver();
    REQUIRE(bench.recall(1));
    CHECK(bench.intercepts(1));
    bench.lose = {};
    bench.run(100ms);
    CHECK_FALSE(bench.a().serves(home_address_of(1)));
    CHECK_FALSE(bench.b().serves(home_address_of(1)));
  }
}

TEST_CASE("a mobile node that moves is followed at once, and its later lifetime told") {
  auto bench = delegated();
  bench.run(10s);
  bench.bind(1, kCareOfThere);
  bench.deliver();
  CHECK(bench.a().serving.at(home_address_of(1)).care_of_address == kCareOfThere);
  CHECK(bench.a().serving.at(home_address_of(1)).duration == 3'600);
  CHECK(bench.state(1) == "delegated a");
  CHECK_FALSE(bench.intercepts(1));
}

TEST_CASE("a secondary that does not acknowledge where the mobile node is now loses the home address") {
  auto bench = delegated();
  bench.lose = [](const auto& records, bool to_secondary) { return to_secondary && is_start(records); };
  bench.bind(1, kCareOfThere);
  bench.run(Primary::kLongestHold - 1ms);
  CHECK(bench.state(1) == "delegated a");
  bench.run(2ms);
  CHECK(bench.intercepts(1));
  CHECK_FALSE(bench.a().serves(home_address_of(1)));
  CHECK(bench.show(1).reason == "no-acknowledgement");
}

TEST_CASE("the link-local address is defended by whoever has the home address") {
  Bench bench(1);
  bench.meet();
  bench.bind(1, kCareOfHere, 1h, true);
  REQUIRE(bench.delegate(1, "a"));
  bench.settle();
  CHECK(bench.a().serving.at(home_address_of(1)).link_local_address_compatibility);
  bench.bind(1);
  bench.settle();
  CHECK_FALSE(bench.a().serving.at(home_address_of(1)).link_local_address_compatibility);
}

// ---- the end of a binding ----

TEST_CASE("coming home: the secondary has stopped before the acknowledgement leaves, and nobody intercepts in between") {
  auto bench = delegated();
  bench.unbind(1);
  CHECK_FALSE(bench.intercepts(1));
  bench.answer(1);
  CHECK(bench.answers() == 0);
  CHECK(bench.primary->may_be_elsewhere(home_address_of(1)));
  bench.deliver();
  CHECK_FALSE(bench.a().serves(home_address_of(1)));
  CHECK(bench.answers() == 1);
  CHECK_FALSE(bench.intercepts(1));
  CHECK_FALSE(bench.primary->may_be_elsewhere(home_address_of(1)));
}

TEST_CASE("coming home while the secondary is silent: acknowledged when it counts as dead, and the Stop stays owed") {
  auto bench = delegated();
  bench.a().on = false;
  bench.unbind(1);
  bench.answer(1);
  bench.run(350ms);
  CHECK(bench.answers() == 0);
  bench.run(200ms);
  CHECK(bench.answers() == 1);
  CHECK_FALSE(bench.intercepts(1));
  bench.a().on = true;
  bench.run(500ms);
  CHECK_FALSE(bench.a().serves(home_address_of(1)));
}

TEST_CASE("no acknowledgement is held for longer than the mobile node waits") {
  auto bench = delegated();
  bench.lose = [](const auto& records, bool to_secondary) { return to_secondary && is_stop(records); };
  bench.unbind(1);
  bench.answer(1);
  bench.run(Primary::kLongestHold - 1ms);
  CHECK(bench.answers() == 0);
  bench.run(1ms);
  CHECK(bench.answers() == 1);
}

TEST_CASE("a duration is not used to its end: the home address comes back before the secondary stops by itself") {
  auto bench = delegated();
  bench.run(1h - 5s);
  CHECK(bench.state(1) == "delegated a");
  bench.run(4s);
  CHECK(bench.intercepts(1));
  CHECK_FALSE(bench.a().serves(home_address_of(1)));
  CHECK(bench.show(1).reason == "lifetime-ends");
}

TEST_CASE("a Stop is not owed for longer than the duration that was given") {
  auto bench = delegated(1);
  bench.a().on = false;
  bench.unbind(1);
  bench.run(1min);
  CHECK(bench.show("a").in_exchange == 1);
  bench.run(1h);
  CHECK(bench.show("a").in_exchange == 0);
  CHECK_FALSE(bench.primary->may_be_elsewhere(home_address_of(1)));
}

// ---- when the mobile node is answered ----

TEST_CASE("Figure 3: the registration is acknowledged behind the secondary's acknowledgement") {
  Bench bench(1, [](LoadSharing& configuration) {
    configuration.division = Division::Equal;
    configuration.own_weight = 0;
    configuration.answer = AnswerMoment::AfterSecondary;
  });
  bench.meet();
  bench.bind(1);
  bench.answer(1);
  CHECK(bench.answers() == 0);
  SECTION("which comes") {
    bench.deliver();
    CHECK(bench.answers() == 1);
    CHECK(bench.state(1) == "delegated a");
    SECTION("also of a move") {
      bench.bind(1, kCareOfThere);
      bench.answer(1);
      CHECK(bench.answers() == 1);
      bench.deliver();
      CHECK(bench.answers() == 2);
      CHECK(bench.a().serving.at(home_address_of(1)).care_of_address == kCareOfThere);
    }
  }
  SECTION("which says no: the primary serves, and answers at once") {
    bench.a().judge = [](const auto&) { return ForwardingStatus::NotPermitted; };
    bench.deliver();
    CHECK(bench.answers() == 1);
    CHECK(bench.intercepts(1));
  }
  SECTION("which never comes: given up in time") {
    bench.lose = [](const auto& records, bool to_secondary) { return to_secondary && is_start(records); };
    bench.run(Primary::kLongestHold - 1ms);
    CHECK(bench.answers() == 0);
    bench.run(1ms);
    CHECK(bench.answers() == 1);
    CHECK(bench.state(1) == "own");
    CHECK(bench.intercepts(1));
    CHECK(bench.a().count("stop") == 1);
  }
  SECTION("only the last of two answers leaves") {
    bench.bind(1, kCareOfThere);
    bench.answer(1);
    bench.deliver();
    CHECK(bench.answers() == 1);
  }
  SECTION("a mobile node that asks again and again does not wait for longer") {
    bench.lose = [](const auto& records, bool to_secondary) { return to_secondary && is_start(records); };
    bench.run(600ms);
    bench.bind(1);
    bench.answer(1);
    bench.run(99ms);
    CHECK(bench.answers() == 0);
    bench.run(1ms);
    CHECK(bench.answers() == 1);
  }
}

TEST_CASE("Figure 4: the primary forwards first, answers at once and delegates then") {
  Bench bench(1, [](LoadSharing& configuration) {
    configuration.division = Division::Equal;
    configuration.own_weight = 0;
  });
  bench.meet();
  bench.bind(1);
  bench.answer(1);
  CHECK(bench.answers() == 1);
  CHECK(bench.intercepts(1));
  bench.deliver();
  CHECK(bench.state(1) == "delegated a");
}

// ---- loss, doubling, disorder ----

TEST_CASE("every exchange succeeds, whatever is lost of its first messages") {
  const unsigned mask = GENERATE(range(0U, 16U));
  const bool doubled = GENERATE(false, true);
  auto bench = delegated();
  bench.doubled = doubled;
  unsigned message = 0;
  bench.lose = [&](const auto& records, bool) {
    if (std::holds_alternative<std::vector<wire::Heartbeat>>(records) || std::holds_alternative<std::vector<wire::HeartbeatAcknowledgement>>(records))
      return false;
    return message < 4 && (mask >> message++ & 1) != 0;
  };
  INFO("lost: " << mask);
  SECTION("hand-over") {
    REQUIRE(bench.delegate(1, "b"));
    bench.run(1s);
    CHECK(bench.state(1) == "delegated b");
    CHECK(bench.b().serves(home_address_of(1)));
    CHECK_FALSE(bench.intercepts(1));
  }
  SECTION("recall") {
    REQUIRE(bench.recall(1));
    bench.run(1s);
    CHECK(bench.state(1) == "own");
    CHECK_FALSE(bench.b().serves(home_address_of(1)));
    CHECK(bench.intercepts(1));
  }
  SECTION("end") {
    bench.unbind(1);
    bench.answer(1);
    bench.run(1s);
    CHECK(bench.answers() == 1);
    CHECK_FALSE(bench.intercepts(1));
  }
  CHECK_FALSE(bench.a().serves(home_address_of(1)));
  CHECK(bench.show("a").in_exchange == 0);
  CHECK(bench.show("b").in_exchange == 0);
}

TEST_CASE("Start and Stop are sent again after 50 ms, doubled each time up to a second, and not in between") {
  auto bench = delegated(1);
  std::vector<Duration> sent;
  const TimePoint begin = bench.now.monotonic;
  bench.lose = [&](const auto& records, bool) {
    if (!is_stop(records)) return false;
    sent.push_back(bench.now.monotonic - begin);
    return true;
  };
  REQUIRE(bench.recall(1));
  bench.run(4s);
  CHECK(sent == std::vector<Duration>{0ms, 50ms, 150ms, 350ms, 750ms, 1550ms, 2550ms, 3550ms});
  CHECK(bench.counters.stops_sent == 1);
  CHECK(bench.counters.retransmissions == 7);
}

TEST_CASE("an acknowledgement of an older word means nothing") {
  auto bench = delegated(1);
  bench.kept.emplace();
  REQUIRE(bench.recall(1));  // Stop, acknowledged late
  bench.deliver();
  REQUIRE(bench.delegate(1, "a"));  // takes the Stop's place
  bench.deliver();
  auto late = *std::exchange(bench.kept, std::nullopt);
  REQUIRE(late.size() == 2);
  bench.receive(late[0].second, late[0].first);
  CHECK(bench.state(1) == "starting");
  bench.receive(late[1].second, late[1].first);
  CHECK(bench.state(1) == "delegated a");
  CHECK(bench.a().serves(home_address_of(1)));
}

TEST_CASE("an agent that knows a later word is told again with a higher number") {
  auto bench = delegated(1);
  const auto higher = bench.a().numbers[home_address_of(1)] + 1'000'000'000'000;
  bench.a().numbers[home_address_of(1)] = higher;
  bench.bind(1, kCareOfThere);
  bench.settle();
  CHECK(bench.a().serving.at(home_address_of(1)).care_of_address == kCareOfThere);
  CHECK(bench.a().numbers[home_address_of(1)] > higher);

  bench.a().numbers[home_address_of(1)] += 1'000'000'000'000;
  REQUIRE(bench.recall(1));
  bench.settle();
  CHECK_FALSE(bench.a().serves(home_address_of(1)));
  SECTION("but not behind the last number that there is") {
    bench.a().numbers[home_address_of(1)] = ~wire::DelegationNumber{0};
    REQUIRE(bench.delegate(1, "a"));
    bench.settle();
    CHECK(bench.intercepts(1));
    CHECK(bench.counters.starts_refused == 1);
  }
}

TEST_CASE("what another key protects, or another agent says, changes nothing") {
  auto bench = delegated();
  const auto before = bench.counters.dropped_unauthenticated;
  const auto hello = wire::encode_forwarding_message({1, 2, 3, std::vector{wire::StopForwarding{home_address_of(1), 9}}},
                                                     Bytes(32, 0x77), bench.a().address, kPrimaryAgent);
  bench.receive({.packet = wire::build_udp_packet({.source = bench.a().address, .destination = kPrimaryAgent}, 6275, 6275, hello)},
                bench.a().address);
  CHECK(bench.counters.dropped_unauthenticated == before + 1);
  CHECK(bench.state(1) == "delegated a");

  // "b" can not speak for "a".
  for (const auto& report : bench.b().report(home_address_of(1), 500)) bench.receive(report, bench.b().address);
  CHECK(bench.show(1).packets == 0);
}

// ---- refusals ----

TEST_CASE("a secondary that says no leaves it with the primary, and is not asked again for a while") {
  const auto status = GENERATE(ForwardingStatus::NotPermitted, ForwardingStatus::NoResources, ForwardingStatus::BadCareOfAddress,
                               ForwardingStatus::DurationZero, ForwardingStatus::BadTunnelSource, ForwardingStatus::ServedForAnother);
  Bench bench(1, [](LoadSharing& configuration) {
    configuration.division = Division::Equal;
    configuration.own_weight = 0;
    configuration.rest = 0s;
  });
  bench.meet();
  bench.a().judge = [&](const auto&) { return status; };
  bench.bind(1);
  bench.settle();
  CHECK(bench.state(1) == "own");
  CHECK(bench.intercepts(1));
  CHECK(bench.show(1).reason == std::string("refused: ") + wire::to_string(status));
  CHECK(bench.counters.starts_refused == 1);
  CHECK(bench.notices("delegation-refused") == 1);
  CHECK(bench.a().count("stop") == 0);
  bench.run(55s);
  CHECK(bench.a().count("start") == 1);
  bench.a().judge = {};
  bench.run(10s);
  CHECK(bench.state(1) == "delegated a");
}

TEST_CASE("a full agent gets nothing for the moment, also no other home address") {
  Bench bench(1, [](LoadSharing& configuration) {
    configuration.division = Division::Equal;
    configuration.own_weight = 0;
  });
  bench.meet();
  bench.a().judge = [](const auto&) { return ForwardingStatus::NoResources; };
  bench.bind(1);
  bench.settle();
  bench.bind(2);
  bench.run(2s);
  CHECK(bench.a().count("start") == 1);
  bench.a().judge = {};
  bench.run(5s);
  CHECK(bench.state(2) == "delegated a");
}

TEST_CASE("no more is given to an agent than it says it takes") {
  Bench bench(1, [](LoadSharing& configuration) {
    configuration.division = Division::Equal;
    configuration.own_weight = 0;
  });
  bench.a().capacity = 3;
  bench.meet();
  for (unsigned number = 1; number <= 8; ++number) bench.bind(number);
  bench.run(5s);
  CHECK(bench.show("a").delegated == 3);
  CHECK(bench.counters.starts_refused == 0);
}

TEST_CASE("a refused hand-over leaves it where it is; a refused move of the mobile node brings it back") {
  auto bench = delegated();
  SECTION("hand-over") {
    bench.b().judge = [](const auto&) { return ForwardingStatus::NotPermitted; };
    REQUIRE(bench.delegate(1, "b"));
    bench.settle();
    CHECK(bench.state(1) == "delegated a");
    CHECK(bench.a().serves(home_address_of(1)));
  }
  SECTION("refresh") {
    bench.a().judge = [](const auto&) { return ForwardingStatus::BadCareOfAddress; };
    bench.bind(1, kCareOfThere);
    bench.settle();
    CHECK(bench.intercepts(1));
    CHECK_FALSE(bench.a().serves(home_address_of(1)));
  }
}

TEST_CASE("a Start that was sent twice and then refused is followed by a Stop: the first one may have been taken") {
  Bench bench(1);
  bench.meet();
  bench.bind(1);
  bool taken = false;
  bench.a().judge = [&](const auto&) { return std::exchange(taken, true) ? ForwardingStatus::NoResources : ForwardingStatus::Accepted; };
  bench.lose = [lost = false](const auto&, bool to_secondary) mutable { return !to_secondary && !std::exchange(lost, true); };
  REQUIRE(bench.delegate(1, "a"));
  bench.run(200ms);
  CHECK(bench.counters.starts_refused == 1);
  CHECK_FALSE(bench.a().serves(home_address_of(1)));
  CHECK(bench.state(1) == "own");
}

TEST_CASE("a Start that is never acknowledged is given up, though the agent lives") {
  Bench bench(1);
  bench.meet();
  bench.bind(1);
  bench.lose = [](const auto& records, bool to_secondary) { return to_secondary && is_start(records); };
  REQUIRE(bench.delegate(1, "a"));
  bench.run(5s - 1ms);
  CHECK(bench.state(1) == "starting");
  bench.run(1s);
  CHECK(bench.state(1) == "own");
  CHECK(bench.a().count("stop") == 1);
}

// ---- death and return ----

TEST_CASE("a secondary that falls silent loses everything within the time of death, and is told to stop when it comes back") {
  auto bench = delegated();
  bench.a().on = false;
  bench.run(400ms);
  CHECK(bench.state(1) == "delegated a");
  bench.run(200ms);
  CHECK(bench.intercepts(1));
  CHECK(bench.metric(1) == 10U);
  CHECK(bench.show("a").state == AgentState::Dead);
  CHECK(bench.show(1).reason == "agent-dead");
  CHECK(bench.counters.agents_died == 1);
  CHECK(bench.notices("agent-dead") == 1);
  REQUIRE_FALSE(bench.delegate(1, "a"));

  bench.run(10s);
  CHECK(bench.metric(1) == 10U);  // who knows what it still announces
  REQUIRE(bench.a().serves(home_address_of(1)));
  bench.a().on = true;
  bench.run(300ms);
  CHECK_FALSE(bench.a().serves(home_address_of(1)));
  CHECK(bench.show("a").state == AgentState::Serving);
  CHECK(bench.counters.agents_returned == 1);
  bench.run(6s);
  CHECK_FALSE(bench.metric(1));
}

TEST_CASE("what a dead secondary had goes to the living within a second") {
  Bench bench(2, [](LoadSharing& configuration) {
    configuration.division = Division::Equal;
    configuration.own_weight = 0;
  });
  bench.meet();
  for (unsigned number = 1; number <= 40; ++number) bench.bind(number);
  bench.settle();
  REQUIRE(bench.show("a").delegated == 20);
  bench.a().on = false;
  bench.run(1s);
  CHECK(bench.show("b").delegated == 40);
  CHECK(bench.b().serving.size() == 40);
}

TEST_CASE("dying during an exchange: whoever has it, keeps it or takes over") {
  auto bench = delegated();
  SECTION("the new one: the old one goes on") {
    bench.b().on = false;
    REQUIRE(bench.delegate(1, "b"));
    bench.run(1s);
    CHECK(bench.state(1) == "delegated a");
    CHECK(bench.a().serves(home_address_of(1)));
  }
  SECTION("the old one: the primary has it until the new one does") {
    bench.a().on = false;
    bench.lose = [](const auto& records, bool to_secondary) { return to_secondary && is_start(records); };
    REQUIRE(bench.delegate(1, "b"));
    bench.run(600ms);
    CHECK(bench.state(1) == "starting");
    CHECK(bench.intercepts(1));
    bench.lose = {};
    bench.run(1s);
    CHECK(bench.state(1) == "delegated b");
    CHECK_FALSE(bench.intercepts(1));
  }
}

TEST_CASE("a secondary that restarts before it counts as dead keeps what it knows") {
  auto bench = delegated();
  bench.a().restart(true);
  const std::size_t said = bench.a().count("start");
  for (int i = 0; i < 20; ++i) {
    bench.run(50ms);
    REQUIRE_FALSE(bench.intercepts(1));
    REQUIRE(bench.a().serves(home_address_of(1)));
  }
  CHECK(bench.state(1) == "delegated a");
  CHECK(bench.show(1).reason == "operator");
  CHECK(bench.show("a").state == AgentState::Serving);
  CHECK(bench.a().count("start") == said + 1);  // in the new conversation; what is not said again it would end
  CHECK(bench.a().count("stop") == 0);
  CHECK(bench.counters.agents_died == 0);
  CHECK(bench.counters.taken_back == 0);
  CHECK(bench.counters.agents_restarted == 1);
  CHECK(bench.notices("agent-restarted") == 1);
}

TEST_CASE("a secondary that restarts and has forgotten takes it again, or it is taken back") {
  auto bench = delegated();
  bench.a().restart(false);
  SECTION("it hears the Start of the new conversation") {
    bench.run(300ms);
    CHECK(bench.intercepts(1) != bench.a().serves(home_address_of(1)));
  }
  SECTION("no Start arrives: its answer to the first heartbeat says that it has nothing") {
    bench.lose = [](const auto& records, bool to_secondary) { return to_secondary && is_start(records); };
    bench.run(300ms);
    CHECK(bench.intercepts(1));
    CHECK(bench.counters.taken_back == 1);
  }
  CHECK(bench.show("a").state == AgentState::Serving);
  CHECK(bench.counters.agents_died == 0);
}

TEST_CASE("an agent that dies again and again gets something later each time") {
  Bench bench(1, [](LoadSharing& configuration) {
    configuration.division = Division::Equal;
    configuration.own_weight = 0;
    configuration.rest = 0s;
  });
  bench.meet();
  bench.bind(1);
  bench.settle();
  REQUIRE(bench.state(1) == "delegated a");
  std::vector<Duration> waited;
  for (int death = 0; death < 4; ++death) {
    bench.a().on = false;
    bench.run(700ms);
    bench.a().on = true;
    const TimePoint back = bench.now.monotonic;
    while (bench.state(1) != "delegated a" && bench.now.monotonic - back < 1min) bench.run(100ms);
    waited.push_back(bench.now.monotonic - back);
  }
  CHECK(waited[0] >= 2s);
  CHECK(waited[0] <= 4s);
  CHECK(waited[1] >= 4s);
  CHECK(waited[2] >= 8s);
  CHECK(waited[3] >= 16s);
  CHECK(waited[3] <= 18s);
}

TEST_CASE("a secondary that shuts down is emptied at once") {
  auto bench = delegated();
  bench.a().retiring = true;
  bench.run(300ms);
  CHECK(bench.show("a").state == AgentState::Draining);
  CHECK(bench.state(1) == "own");
  CHECK(bench.a().serving.empty());
  CHECK(bench.notices("agent-drained") == 1);
}

// ---- restart of the primary ----

TEST_CASE("a primary that restarts takes its secondary to serve, and tells it again at once under a higher number") {
  auto bench = delegated();
  const auto number = bench.a().numbers.at(home_address_of(1));
  const auto persisted = bench.primary->persisted();
  REQUIRE(persisted.size() == 1);
  CHECK(persisted[0].acknowledged);
  CHECK(persisted[0].agent == bench.a().address);
  bench.now.wall -= 10h;  // a clock that went back
  bench.restart(persisted);
  bench.bind(1, kCareOfThere);
  CHECK(bench.state(1) == "delegated a");
  CHECK_FALSE(bench.intercepts(1));
  bench.run(400ms);
  CHECK(bench.state(1) == "delegated a");
  CHECK(bench.a().numbers.at(home_address_of(1)) > number);
  CHECK(bench.a().serving.at(home_address_of(1)).care_of_address == kCareOfThere);
  CHECK(bench.show(1).reason == "operator");
  CHECK(bench.release(1));
}

TEST_CASE("a primary that restarts and does not hear its secondary takes everything back") {
  auto bench = delegated();
  const auto persisted = bench.primary->persisted();
  SECTION("it is silent") {
    bench.a().on = false;
    bench.restart(persisted);
    bench.bind(1);
    bench.run(450ms);
    CHECK_FALSE(bench.intercepts(1));
    bench.run(100ms);
    CHECK(bench.intercepts(1));
  }
  SECTION("it has forgotten") {
    bench.a().restart(false);
    bench.restart(persisted);
    bench.bind(1);
    bench.run(300ms);
    CHECK(bench.intercepts(1));
  }
}

TEST_CASE("owed Stops survive a restart, also of home addresses that are not bound any more") {
  auto bench = delegated();
  bench.a().on = false;
  bench.run(1s);
  bench.unbind(1);
  const auto persisted = bench.primary->persisted();
  REQUIRE(persisted.size() == 1);
  CHECK_FALSE(persisted[0].acknowledged);
  bench.restart(persisted);
  REQUIRE(bench.a().serves(home_address_of(1)));
  bench.a().on = true;
  bench.run(400ms);
  CHECK_FALSE(bench.a().serves(home_address_of(1)));
  CHECK(bench.primary->persisted().empty());
}

TEST_CASE("a restart amid an exchange begins it again, or ends it") {
  auto bench = delegated();
  bench.lose = [](const auto&, bool to_secondary) { return !to_secondary; };
  SECTION("a Start by the operator's word") {
    REQUIRE(bench.delegate(1, "b"));
    bench.deliver();
    bench.restart(bench.primary->persisted());
    bench.lose = {};
    bench.bind(1);
    bench.run(500ms);
    CHECK(bench.state(1) == "delegated b");
    CHECK_FALSE(bench.a().serves(home_address_of(1)));
  }
  SECTION("a Start that was heard, by who is not heard of any more") {
    REQUIRE(bench.delegate(1, "b"));
    bench.deliver();
    REQUIRE(bench.b().serves(home_address_of(1)));
    bench.restart(bench.primary->persisted());
    bench.bind(1);
    bench.run(1s);
    CHECK(bench.show("b").in_exchange == 1);
    bench.lose = {};
    bench.run(500ms);
    CHECK_FALSE(bench.b().serves(home_address_of(1)));
  }
  SECTION("a recall") {
    REQUIRE(bench.recall(1));
    bench.restart(bench.primary->persisted());
    bench.lose = {};
    bench.bind(1);
    CHECK(bench.intercepts(1));
    bench.run(500ms);
    CHECK(bench.state(1) == "own");
    CHECK_FALSE(bench.a().serves(home_address_of(1)));
    CHECK(bench.show(1).reason == "operator");
  }
}

TEST_CASE("a secondary that is not configured any more after a restart is overruled for as long as it may go on") {
  auto bench = delegated();
  const auto persisted = bench.primary->persisted();
  bench.configuration.secondaries.erase(bench.configuration.secondaries.begin());
  bench.restart(persisted);
  bench.bind(1);
  CHECK(bench.intercepts(1));
  CHECK(bench.metric(1) == 10U);
  CHECK(bench.primary->persisted().size() == 1);
  SECTION("the duration is over") {
    bench.bind(1, kCareOfHere, 3h);
    bench.run(1h + 1s);
    CHECK_FALSE(bench.metric(1));
    CHECK(bench.primary->persisted().empty());
  }
  SECTION("it is configured again, and told to stop") {
    bench.configuration.secondaries.push_back({"a", bench.a().address, bench.a().key, 1});
    bench.reconfigure();
    bench.run(1s);
    CHECK_FALSE(bench.a().serves(home_address_of(1)));
    bench.run(bench.configuration.linger);
    CHECK_FALSE(bench.metric(1));
  }
}

// ---- the operator, the configuration ----

TEST_CASE("what the operator says by hand is not undone by division, until he says so") {
  Bench bench(2, [](LoadSharing& configuration) {
    configuration.division = Division::Equal;
    configuration.rest = 0s;
    configuration.load_tolerance = 0;
  });
  bench.meet();
  for (unsigned number = 1; number <= 6; ++number) bench.bind(number);
  bench.settle();
  for (unsigned number = 1; number <= 6; ++number) REQUIRE(bench.delegate(number, "a"));
  bench.run(5s);
  CHECK(bench.show("a").delegated == 6);
  for (unsigned number = 1; number <= 6; ++number) REQUIRE(bench.release(number));
  bench.run(5s);
  CHECK(bench.show("a").delegated == 2);
  CHECK(bench.show("b").delegated == 2);
}

TEST_CASE("orders that can not be carried out say why, and change nothing") {
  auto bench = delegated(1);
  CHECK(bench.delegate(7, "a").error() == "2001:db8:100::a:0:7 is not bound: its mobile node has to be registered with this home agent");
  CHECK(bench.delegate(1, "z").error() == "there is no secondary 'z'; the configuration has a");
  CHECK_FALSE(bench.drain("z", true));
  CHECK(bench.release(1));
  CHECK(bench.release(1).error() == "2001:db8:100::a:0:1 was not delegated or recalled by hand: there is nothing to release");
  REQUIRE(bench.drain("a", true));
  bench.run(200ms);
  CHECK(bench.delegate(1, "a").error() == "secondary a is being drained and takes nothing: end that first, or give it a weight above 0");
  CHECK(bench.state(1) == "own");
}

TEST_CASE("drain empties an agent into the others by handing over, the operator's own delegations included") {
  Bench bench(2, [](LoadSharing& configuration) {
    configuration.division = Division::Equal;
    configuration.own_weight = 0;
  });
  bench.meet();
  for (unsigned number = 1; number <= 100; ++number) bench.bind(number);
  bench.settle();
  REQUIRE(bench.show("a").delegated == 50);
  REQUIRE(bench.delegate(1, "a"));
  bench.settle();
  bool primary_had_one = false;
  REQUIRE(bench.drain("a", true));
  for (int step = 0; step < 50; ++step) {
    bench.run(10ms);
    for (unsigned number = 1; number <= 100; ++number) primary_had_one |= bench.intercepts(number);
  }
  CHECK_FALSE(primary_had_one);
  CHECK(bench.show("a").delegated == 0);
  CHECK(bench.a().serving.empty());
  CHECK(bench.show("b").delegated == 100);
  CHECK(bench.notices("agent-drained") == 1);
  REQUIRE(bench.drain("a", false));
  bench.run(20s);
  CHECK(bench.show("a").delegated == 50);
}

TEST_CASE("secondaries are added and removed by the configuration while they serve") {
  Bench bench(2, [](LoadSharing& configuration) {
    configuration.division = Division::Equal;
    configuration.own_weight = 0;
    configuration.secondaries.pop_back();
  });
  bench.meet();
  for (unsigned number = 1; number <= 20; ++number) bench.bind(number);
  bench.settle();
  REQUIRE(bench.show("a").delegated == 20);

  bench.configuration.secondaries.push_back({"b", bench.b().address, bench.b().key, 1});
  bench.reconfigure();
  bench.run(2s);
  CHECK(bench.show("a").delegated == 10);
  CHECK(bench.show("b").delegated == 10);

  bench.configuration.secondaries.erase(bench.configuration.secondaries.begin());
  bench.reconfigure();
  CHECK(bench.primary->is_secondary(bench.a().address));  // until it has given everything back
  bench.run(1s);
  CHECK(bench.a().serving.empty());
  CHECK(bench.show("b").delegated == 20);
  CHECK_FALSE(bench.primary->is_secondary(bench.a().address));
  CHECK(bench.primary->agents(bench.now).size() == 1);
}

TEST_CASE("a key that is changed at both ends ends no delegation") {
  auto bench = delegated();
  bench.configuration.secondaries[0].key = bench.a().key = Bytes(32, 0x55);
  bench.reconfigure();
  bench.a().restart(true);
  bench.run(450ms);
  CHECK(bench.state(1) == "delegated a");
  CHECK(bench.a().count("start") == 2);  // said again in the new conversation
  bench.bind(1, kCareOfThere);
  bench.settle();
  CHECK(bench.a().serving.at(home_address_of(1)).care_of_address == kCareOfThere);
}

// ---- load ----

TEST_CASE("by load: home addresses with traffic leave the primary above the threshold, and rest where they are then") {
  Bench bench(2, [](LoadSharing& configuration) {
    configuration.division = Division::Load;
    configuration.load_threshold = 500;
  });
  bench.meet();
  for (unsigned number = 1; number <= 9; ++number) bench.bind(number);
  bench.run(1s);
  std::map<unsigned, std::uint64_t> packets;
  for (unsigned number = 1; number <= 6; ++number) packets[number] = 50;
  for (int second = 0; second < 5; ++second) {
    bench.activity(packets);
    bench.run(1s);
  }
  CHECK(bench.counters.moved_by_load == 0);  // 300 of 500
  for (auto& [number, count] : packets) count = 200;
  bench.activity(packets);
  bench.run(1100ms);
  CHECK(bench.counters.moved_by_load == 4);
  CHECK(bench.show("a").delegated == 2);
  CHECK(bench.show("b").delegated == 2);
  for (unsigned number = 7; number <= 9; ++number) CHECK(bench.state(number) == "own");

  // From there on the secondaries count, and there is nothing more to do.
  const auto moved = bench.counters.moved_by_load;
  std::map<unsigned, std::uint64_t> own;
  for (const auto& [number, count] : packets)
    if (bench.state(number) == "own") own[number] = count;
  std::uint64_t total = 0;
  for (int second = 0; second < 10; ++second) {
    total += 200;
    bench.activity(own);
    for (auto& secondary : bench.secondaries) {
      secondary->packets += 200 * secondary->serving.size();
      for (const auto& [home_address, start] : secondary->serving)
        for (const auto& report : secondary->report(home_address, total)) bench.receive(report, secondary->address);
    }
    bench.run(1s);
  }
  CHECK(bench.counters.moved_by_load == moved);
  CHECK(bench.show("a").packets_per_second == Approx(400).margin(150));
  for (const auto& [number, count] : packets)
    if (bench.state(number) != "own") {
      CHECK(bench.show(number).packets == total);
      CHECK(bench.show(number).packets_per_second == Approx(200).margin(40));
    }
}

// ---- many ----

TEST_CASE("10,000 home addresses are drained at a pace that a link can bear, many in one message") {
  Bench bench(2, [](LoadSharing& configuration) {
    configuration.division = Division::Equal;
    configuration.own_weight = 0;
  });
  bench.meet();
  for (unsigned number = 1; number <= 10'000; ++number) bench.bind(number);
  bench.run(5s);
  REQUIRE(bench.show("a").delegated + bench.show("b").delegated == 10'000);
  std::map<TimePoint, std::size_t> messages;  // per 10 ms
  std::size_t starts = 0, records = 0;
  bench.lose = [&](const auto& message, bool to_secondary) {
    if (to_secondary) ++messages[bench.now.monotonic - bench.now.monotonic.time_since_epoch() % 10ms];
    if (const auto* some = std::get_if<std::vector<wire::StartForwarding>>(&message)) {
      ++starts;
      records += some->size();
    }
    return false;
  };
  REQUIRE(bench.drain("a", true));
  bench.run(2s);
  CHECK(bench.show("a").delegated == 0);
  CHECK(bench.a().serving.empty());
  CHECK(bench.show("b").delegated == 10'000);
  CHECK(records == 5'000);
  CHECK(starts <= 400);
  for (const auto& [at, count] : messages) CHECK(count <= 2 * (16 + 10) + 2);
  CHECK(bench.counters.retransmissions == 0);
}

}  // namespace
}  // namespace mipflow::home_agent::test
