// SPDX-License-Identifier: GPL-3.0-or-later
#include "sharing/liveness.hpp"

#include <catch2/catch.hpp>
#include <chrono>

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace std::chrono_literals;

namespace {

const TimePoint kStart = TimePoint{} + 1h;

}  // namespace

TEST_CASE("heartbeats are due at once, then at the interval and not 1 ms earlier") {
  Liveness liveness(100ms, 500ms);
  CHECK(liveness.next_deadline() <= kStart);
  CHECK(liveness.take_due(kStart) == 1u);
  CHECK(liveness.next_deadline() == kStart + 100ms);
  CHECK_FALSE(liveness.take_due(kStart + 99ms));
  CHECK(liveness.take_due(kStart + 100ms) == 2u);
  // Who is late does not make up for it by a burst.
  CHECK(liveness.take_due(kStart + 450ms) == 3u);
  CHECK_FALSE(liveness.take_due(kStart + 450ms));
  CHECK_FALSE(liveness.take_due(kStart + 549ms));
  CHECK(liveness.take_due(kStart + 550ms) == 4u);
}

TEST_CASE("dead after the silence and not 1 ms earlier, and the deadline says when") {
  Liveness liveness(100ms, 450ms);
  TimePoint now = kStart;
  CHECK_FALSE(liveness.dead(now));
  liveness.take_due(now);
  SECTION("since the first heartbeat, when it never answered") { CHECK_FALSE(liveness.last_answer()); }
  SECTION("since the last answer") {
    for (std::uint64_t number = 1; number <= 20; ++number) {
      CHECK(liveness.answered(number, now += 3ms));
      CHECK(liveness.last_answer() == now);
      if (number < 20) REQUIRE(liveness.take_due(now += 97ms) == number + 1);
    }
  }
  const TimePoint silent_since = now;
  while (true) {
    const TimePoint next = liveness.next_deadline();
    REQUIRE(next > now);  // nobody turns in circles
    REQUIRE(next <= now + 100ms);
    now = next;
    if (liveness.dead(now)) break;
    liveness.take_due(now);
  }
  CHECK(now == silent_since + 450ms);
  CHECK_FALSE(liveness.dead(now - 1ms));

  // The dead are asked as well, and an answer brings them back.
  std::uint64_t latest = 0;
  for (int i = 0; i < 20; ++i) {
    if (const auto number = liveness.take_due(now)) latest = *number;
    REQUIRE(liveness.dead(now));
    REQUIRE(liveness.next_deadline() > now);
    now = liveness.next_deadline();
  }
  CHECK(liveness.answered(latest, now));
  CHECK_FALSE(liveness.dead(now));
}

TEST_CASE("only answers that are waited for count: none twice, none from before, none that is too old") {
  Liveness liveness(100ms, 500ms);
  CHECK_FALSE(liveness.answered(0, kStart));
  CHECK_FALSE(liveness.answered(1, kStart));
  for (int i = 0; i < 5; ++i) liveness.take_due(kStart + i * 100ms);
  const TimePoint now = kStart + 400ms;
  CHECK_FALSE(liveness.answered(6, now));
  CHECK_FALSE(liveness.answered(0, now));
  CHECK(liveness.answered(3, now + 20ms));
  CHECK(liveness.round_trip() == 220ms);  // longer than the interval
  CHECK_FALSE(liveness.answered(3, now + 30ms));
  CHECK_FALSE(liveness.answered(2, now + 30ms));
  CHECK(liveness.last_answer() == now + 20ms);
  CHECK(liveness.answered(5, now + 50ms));
  CHECK(liveness.round_trip() == 50ms);
  CHECK_FALSE(liveness.answered(4, now + 50ms));
}

TEST_CASE("answers that somebody held back do not keep a dead agent alive") {
  Liveness liveness(100ms, 500ms);
  TimePoint now = kStart;
  std::uint64_t sent = 0;
  for (; now < kStart + 5s; now += 100ms) sent = liveness.take_due(now).value_or(sent);
  // It died at kStart + 5 s, having answered everything; the answers come one by one from now on.
  const TimePoint died = now;
  for (std::uint64_t number = 1; number <= sent; ++number) {
    liveness.take_due(now += 100ms);
    liveness.answered(number, now);
  }
  CHECK(liveness.dead(now));
  CHECK((!liveness.last_answer() || *liveness.last_answer() <= died + 500ms));
}

TEST_CASE("a pause of our own is not the silence of the other one") {
  Liveness liveness(100ms, 500ms);
  liveness.take_due(kStart);
  REQUIRE(liveness.answered(1, kStart + 1ms));
  const TimePoint resumed = kStart + 1h;
  CHECK_FALSE(liveness.dead(resumed));
  const auto number = liveness.take_due(resumed);
  REQUIRE(number);
  CHECK_FALSE(liveness.dead(resumed));
  SECTION("it answers") {
    CHECK(liveness.answered(*number, resumed + 10ms));
    CHECK_FALSE(liveness.dead(resumed + 400ms));
  }
  SECTION("it is dead indeed") {
    for (TimePoint now = resumed + 100ms; now < resumed + 500ms; now += 100ms) {
      liveness.take_due(now);
      CHECK_FALSE(liveness.dead(now));
    }
    CHECK(liveness.dead(resumed + 500ms));
    // And stays so over the next pause.
    liveness.take_due(resumed + 500ms);
    CHECK(liveness.dead(resumed + 2h));
    liveness.take_due(resumed + 2h);
    CHECK(liveness.dead(resumed + 2h));
  }
}

TEST_CASE("an interval longer than the patience, and times that change") {
  Liveness liveness(1s, 100ms);
  liveness.take_due(kStart);
  CHECK(liveness.next_deadline() == kStart + 100ms);
  CHECK(liveness.dead(kStart + 100ms));
  liveness.set_times(50ms, 300ms);
  CHECK(liveness.take_due(kStart + 100ms) == 2u);
  CHECK_FALSE(liveness.dead(kStart + 100ms));
  CHECK(liveness.answered(2, kStart + 110ms));
  CHECK(liveness.dead(kStart + 410ms) == false);  // nobody asked it for so long
  CHECK(liveness.next_deadline() == kStart + 150ms);
}
