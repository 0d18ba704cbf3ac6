// SPDX-License-Identifier: GPL-3.0-or-later
// Whom to ask, and when to go on: RFC 6275 §11.4.1.
#include <catch2/catch.hpp>

#include "agent_choice.hpp"
#include "agent_discovery.hpp"
#include "mipflow/wire/home_agents_anycast.hpp"
#include "support.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

using Phase = AgentChoice::Phase;
using Step = AgentChoice::Step;

namespace {

const Address kFirst = address("2001:db8:1::a");
const Address kSecond = address("2001:db8:1::b");
const Address kThird = address("2001:db8:1::c");

Configuration discovering() {
  Configuration out = test::configuration();
  out.home_agent = {};
  return out;
}

struct Choice {
  Configuration configuration = discovering();
  AgentChoice choice{configuration};
  TimePoint now{std::chrono::hours{1}};

  // Up to the reply with these home agents.
  void discover(const std::vector<Address>& named) {
    REQUIRE(choice.on_deadline(now) == Step::Discover);
    REQUIRE(choice.named(named, now));
  }
  // asked() fails a moment after it was asked; the step behind that.
  Step fail() {
    choice.failed(now, now);
    now = std::max(now, std::min(choice.next_deadline(), now + 2s));
    return choice.on_deadline(now);
  }
};

}  // namespace

TEST_CASE("a home agent that stands alone is asked for ever") {
  Configuration configuration = test::configuration();
  AgentChoice choice(configuration);
  const TimePoint now{std::chrono::hours{1}};
  CHECK_FALSE(choice.has_choice());
  CHECK(choice.asked() == kHomeAgent);
  CHECK(choice.serving() == kHomeAgent);
  choice.failed(now, now);
  CHECK(choice.next_deadline() == kNever);
  CHECK(choice.on_deadline(now) == Step::Wait);
  CHECK_FALSE(choice.recovered(kSecond));
  CHECK(choice.asked() == kHomeAgent);
}

TEST_CASE("a list is asked in its order, each one 1.5 s behind the one before at the earliest, and after a pause from the top") {
  Configuration configuration = test::configuration();
  configuration.other_home_agents = {kSecond, kThird};
  AgentChoice choice(configuration);
  TimePoint now{std::chrono::hours{1}};
  CHECK(choice.next_deadline() == kNever);  // the first one is asked without ado
  const TimePoint first_asked = now;
  now += 100ms;
  choice.failed(first_asked, now);
  CHECK(choice.next_deadline() == first_asked + 1500ms);
  CHECK(choice.on_deadline(choice.next_deadline() - 1ns) == Step::Wait);
  CHECK(choice.on_deadline(first_asked + 1500ms) == Step::Ask);
  CHECK(choice.asked() == kSecond);
  CHECK(choice.serving() == kHomeAgent);  // until another one has accepted
  // Silent for longer than that: at once.
  now += 20s;
  choice.failed(first_asked + 1500ms, now);
  CHECK(choice.on_deadline(now) == Step::Ask);
  CHECK(choice.asked() == kThird);

  choice.failed(now, now);
  CHECK(choice.on_deadline(now) == Step::Wait);
  CHECK(choice.phase() == Phase::Pausing);
  CHECK(choice.next_deadline() == now + AgentChoice::kFirstPause);
  now = choice.next_deadline();
  CHECK(choice.on_deadline(now) == Step::Ask);
  CHECK(choice.asked() == kHomeAgent);
}

TEST_CASE("pauses get longer up to 64 s, and a success makes them short again") {
  Configuration configuration = test::configuration();
  configuration.other_home_agents = {kSecond};
  AgentChoice choice(configuration);
  TimePoint now{std::chrono::hours{1}};
  const auto round = [&] {
    while (choice.phase() != Phase::Pausing) {
      choice.failed(now, now);
      now = choice.next_deadline();
      choice.on_deadline(now);
    }
    const Duration pause = choice.next_deadline() - now;
    now = choice.next_deadline();
    REQUIRE(choice.on_deadline(now) == Step::Ask);
    return pause;
  };
  for (const Duration expected : {8s, 16s, 32s, 64s, 64s}) CHECK(round() == expected);
  choice.accepted(now);
  CHECK(round() == 8s);
}

TEST_CASE("discovery names whom to ask, best first") {
  Choice test;
  auto& choice = test.choice;
  CHECK(choice.asked().is_unspecified());
  test.discover({kSecond, kFirst});
  CHECK(choice.phase() == Phase::Asking);
  CHECK(choice.on_deadline(test.now) == Step::Ask);
  CHECK(choice.asked() == kSecond);
  CHECK(choice.serving().is_unspecified());
  choice.accepted(test.now);
  CHECK(choice.serving() == kSecond);
  CHECK(choice.serving_since() == test.now);
  CHECK(choice.origin() == HomeAgentOrigin::Discovered);
  // It accepts again: it serves since then all the same.
  choice.accepted(test.now + 1min);
  CHECK(choice.serving_since() == test.now);
}

TEST_CASE("who served and fails: the others that are known, then whoever discovery names new, then the pause") {
  Choice test;
  auto& choice = test.choice;
  test.discover({kFirst, kSecond});
  REQUIRE(choice.on_deadline(test.now) == Step::Ask);
  choice.accepted(test.now);
  test.now += 10min;

  CHECK(test.fail() == Step::Ask);
  CHECK(choice.asked() == kSecond);
  CHECK(test.fail() == Step::Discover);
  // Both have just failed; the one that has not is asked.
  CHECK(choice.named({kFirst, kThird, kSecond}, test.now));
  test.now = choice.next_deadline();
  CHECK(choice.on_deadline(test.now) == Step::Ask);
  CHECK(choice.asked() == kThird);
  CHECK(test.fail() == Step::Wait);
  CHECK(choice.phase() == Phase::Pausing);
  test.now = choice.next_deadline();
  // RFC 6275 §11.4.1: a new attempt begins with the home agent that has the current registration.
  CHECK(choice.on_deadline(test.now) == Step::Ask);
  CHECK(choice.asked() == kFirst);
  CHECK(choice.serving() == kFirst);
}

TEST_CASE("a reply can not turn the node away from who serves, nor from who is asked") {
  Choice test;
  auto& choice = test.choice;
  test.discover({kFirst});
  REQUIRE(choice.on_deadline(test.now) == Step::Ask);
  // The next reply to the same request only adds.
  CHECK(choice.named({kThird, kFirst, kSecond}, test.now));
  CHECK(choice.asked() == kFirst);
  CHECK(choice.candidates() == std::vector<Address>{kFirst, kThird, kSecond});
  CHECK(choice.on_deadline(test.now) == Step::Wait);
  choice.accepted(test.now);
  CHECK_FALSE(choice.named({kSecond}, test.now));
  CHECK(choice.asked() == kFirst);
  CHECK(choice.next_deadline() == kNever);
}

TEST_CASE("nobody is asked who can not be a home agent of ours") {
  Choice test;
  auto& choice = test.choice;
  REQUIRE(choice.on_deadline(test.now) == Step::Discover);
  const Address anycast = wire::home_agents_anycast(test.configuration.home_prefix);
  CHECK_FALSE(choice.named({}, test.now));
  CHECK_FALSE(choice.named({address("::"), address("::1"), address("ff02::1"), address("fe80::1"), kPrimary, anycast,
                            address("2001:db8:2::1")}, test.now));
  CHECK(choice.phase() == Phase::Discovering);  // it may still be answered rightly
  CHECK(choice.named({address("2001:db8:2::1"), kSecond, kSecond}, test.now));
  CHECK(choice.candidates() == std::vector<Address>{kSecond});
}

TEST_CASE("the configuration's list decides who may serve, in the home prefix or not") {
  Choice test;
  test.configuration.other_home_agents = {address("2001:db8:2::1")};
  AgentChoice choice(test.configuration);
  REQUIRE(choice.on_deadline(test.now) == Step::Discover);
  CHECK_FALSE(choice.named({kFirst}, test.now));
  CHECK(choice.named({kFirst, address("2001:db8:2::1")}, test.now));
  CHECK(choice.candidates() == std::vector<Address>{address("2001:db8:2::1")});
}

TEST_CASE("replies do not fill the memory") {
  Choice test;
  std::vector<Address> named;
  for (unsigned i = 1; i <= 77; ++i) {
    named.push_back(kFirst);
    named.back().octets[13] = static_cast<std::uint8_t>(i);
  }
  test.discover(named);
  CHECK(test.choice.candidates().size() == AgentChoice::kMostPerReply);
  for (unsigned reply = 0; reply < 100; ++reply) {
    for (auto& each : named) each.octets[12] = static_cast<std::uint8_t>(reply + 1);
    test.choice.named(named, test.now);
  }
  CHECK(test.choice.candidates().size() == AgentChoice::kMostCandidates);
}

TEST_CASE("nobody answers: a pause; a new interface ends it, but no more often than one request takes") {
  Choice test;
  auto& choice = test.choice;
  REQUIRE(choice.on_deadline(test.now) == Step::Discover);
  choice.discovery_failed(test.now);
  CHECK(choice.phase() == Phase::Pausing);
  choice.way_changed(test.now);
  CHECK(choice.on_deadline(test.now) == Step::Discover);
  choice.discovery_failed(test.now);
  const TimePoint began = test.now;
  test.now += 1s;
  choice.way_changed(test.now);
  CHECK(choice.next_deadline() == began + 3s);
}

TEST_CASE("the daemon before this one was served: that one first") {
  Choice test;
  auto& choice = test.choice;
  CHECK_FALSE(choice.recovered(address("2001:db8:2::1")));  // the configuration would not believe it any more
  CHECK(choice.recovered(kSecond));
  CHECK_FALSE(choice.recovered(kThird));
  CHECK(choice.asked() == kSecond);
  CHECK(choice.serving() == kSecond);
  CHECK(choice.origin() == HomeAgentOrigin::Recovered);
  CHECK(choice.on_deadline(test.now) == Step::Wait);
  CHECK(test.fail() == Step::Discover);
}

TEST_CASE("requests: after 3, 6, 12 and 24 s the same again, then an end") {
  SeededRandom random{7};
  AgentDiscovery discovery(random);
  TimePoint now{std::chrono::hours{1}};
  CHECK(discovery.next_deadline() == kNever);
  discovery.start(now);
  std::vector<Duration> gaps;
  std::optional<std::uint16_t> identifier;
  TimePoint last = now;
  while (!discovery.has_failed(discovery.next_deadline())) {
    now = discovery.next_deadline();
    CHECK_FALSE(discovery.on_deadline(now - 1ns));
    const auto request = discovery.on_deadline(now);
    REQUIRE(request);
    CHECK(identifier.value_or(request->identifier) == request->identifier);
    if (identifier) gaps.push_back(now - last);
    identifier = request->identifier;
    last = now;
  }
  CHECK(gaps == std::vector<Duration>{3s, 6s, 12s, 24s});
  CHECK(discovery.next_deadline() == now + 48s);
  CHECK_FALSE(discovery.on_deadline(now + 48s));
  CHECK(discovery.answers({.identifier = *identifier}));

  discovery.stop();
  CHECK_FALSE(discovery.answers({.identifier = *identifier}));
  CHECK(discovery.next_deadline() == kNever);
  discovery.start(now);
  CHECK_FALSE(discovery.answers({.identifier = *identifier}));  // a new request has a new one
}

TEST_CASE("an answer ends the repetitions, and further ones are heard still") {
  SeededRandom random{7};
  AgentDiscovery discovery(random);
  const TimePoint now{std::chrono::hours{1}};
  discovery.start(now);
  const auto request = discovery.on_deadline(now);
  REQUIRE(request);
  discovery.answered();
  CHECK(discovery.next_deadline() == kNever);
  CHECK(discovery.answers({.identifier = request->identifier}));
  CHECK_FALSE(discovery.answers({.identifier = static_cast<std::uint16_t>(request->identifier + 1)}));
}

TEST_CASE("without an interface a request waits for one") {
  SeededRandom random{7};
  AgentDiscovery discovery(random);
  const TimePoint now{std::chrono::hours{1}};
  discovery.start(now);
  discovery.postpone();
  CHECK(discovery.next_deadline() == kNever);
  discovery.resume(now + 1min);
  CHECK(discovery.on_deadline(now + 1min));
  CHECK(discovery.next_deadline() == now + 1min + 3s);
  discovery.resume(now + 1min);
  CHECK(discovery.next_deadline() == now + 1min + 3s);
}
