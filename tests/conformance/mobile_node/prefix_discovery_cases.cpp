// SPDX-License-Identifier: GPL-3.0-or-later
// Mobile prefix discovery. Advertisements are authenticated by mipflow's own option, which others skip: RFC 4285 covers the
// Mobility Header only.
#include "conformance/mobile_node/groups.hpp"
#include "conformance/mobile_node/home_agent_tester.hpp"

namespace mipflow::conformance::mobile {

namespace {

// Registered and asked; the question that is to be answered.
PrefixSolicitation asked(HomeAgentTester& tester) {
  tester.registered();
  return tester.expect_solicitation();
}

void before_the_prefix_ends(HomeAgentTester& tester) {
  const auto first = asked(tester);
  tester.answer(first, {.valid = 90s});
  const auto again = tester.expect_solicitation(90s);
  require(again.seen.at < first.seen.at + 90s, "the home address has ended");
  require(again.message.identifier != first.message.identifier, "the identifier is the one of before");
}

void unsolicited(HomeAgentTester& tester) {
  tester.bench().quietly([&] { tester.answer(asked(tester)); });
  tester.bench().wait(5s);
  tester.bench().clear();
  tester.advertise(0x4711, {.valid = 100s});
  tester.saw("unsolicited MPA of 100 s");
  tester.expect_solicitation();
  tester.expect_none(20s, "an unsolicited advertisement");
}

void backoff(HomeAgentTester& tester) {
  constexpr unsigned kUntilLongestGap = 5;
  constexpr Duration kLongestGap = 32s, kTolerance = 20ms;
  auto last = asked(tester);
  Duration gap = 3s;  // INITIAL_SOLICIT_TIMER
  for (unsigned i = 0; i < kUntilLongestGap; ++i, gap = std::min<Duration>(2 * gap, kLongestGap)) {
    const auto again = tester.expect_solicitation(gap + 1s);
    const Duration passed = again.seen.at - last.seen.at;
    require(passed > gap - kTolerance && passed < gap + kTolerance,
            "repeated after " + std::to_string(passed / 1ms) + " ms, wanted " + std::to_string(gap / 1ms));
    last = again;
  }
  tester.saw("gaps doubling from 3 s to 32 s");
}

std::function<void(HomeAgentTester&)> taken(const Advertisement& advertisement) {
  return [advertisement](HomeAgentTester& tester) {
    tester.answer(asked(tester), advertisement);
    tester.saw("MPA");
    tester.expect_no_solicitation(5min, "its answer");
  };
}

// The question is repeated, and what the answer said is not believed.
std::function<void(HomeAgentTester&)> dropped(const Advertisement& advertisement) {
  return [advertisement](HomeAgentTester& tester) {
    Advertisement wrong = advertisement;
    wrong.valid = 100s;
    auto question = asked(tester);
    for (int i = 0; i < 3; ++i) {
      if (advertisement.identifier) wrong.identifier = static_cast<std::uint16_t>(question.message.identifier ^ 0x5555);
      tester.answer(question, wrong);
      question = tester.expect_solicitation(20s);
    }
    tester.expect_none(1s, "a wrong advertisement");
  };
}

void ends_sooner(HomeAgentTester& tester) {
  const auto question = asked(tester);
  tester.answer(question, {.valid = 100s});
  tester.saw("MPA of 100 s");
  const auto update = tester.expect(kLinkX);
  require(update.seen.at + update.message.lifetime_units * kUnit <= question.seen.at + 101s, "the lifetime asked for is too long");
}

// Route optimisation with tokens that have grown old, then a home prefix that ends before the correspondent registration.
void prefix_ends_under_correspondent_registration(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  tester.answer_by_itself();
  bench.optimized();
  bench.quietly([&] {
    tester.answer(tester.expect_solicitation(40s));
    for (int i = 0; i < 2; ++i) {
      bench.wait(110s);
      bench.traffic_is_direct();
    }
  });
  bench.clear();
  tester.advertise(0x4711);
  const auto question = tester.expect_solicitation();
  tester.leave_to_case();
  tester.answer(question, {.valid = 100s});
  tester.saw("MPA of 100 s");
  tester.acknowledge(tester.expect(kLinkX));
  const TimePoint end = bench.clock.now() + 100s;
  const auto home = bench.expect_home_test_init();
  const auto care_of = bench.expect_care_of_test_init();
  bench.answer(home, {.index = 12, .token = 0x1213141516171819});
  bench.answer(care_of, {.index = 22, .token = 0x2223242526272829});
  const auto update = bench.expect_update();
  require(update.seen.at + update.message.lifetime_units * kUnit <= end, "the correspondent registration outlives the home prefix");
}

}  // namespace

Group shrinking_prefix_cases() {
  return {"Correspondent registration when the home prefix ends sooner",
          {home_case("MN-2-1-1-2-017", "Home Test Init", "11.4.2, 11.7.2", prefix_ends_under_correspondent_registration),
           home_case("MN-2-1-2-2-017", "Care-of Test Init", "11.4.2, 11.7.2", prefix_ends_under_correspondent_registration),
           home_case("MN-3-1-2-2-001", "Binding Update", "11.4.2, 11.7.2", prefix_ends_under_correspondent_registration)}};
}

Group prefix_discovery_cases() {
  return {"Mobile prefix discovery",
          {home_case("MN-4-1-1-1-001", "a solicitation before the home address ends", "11.4.2, 6.7", before_the_prefix_ends),
           home_case("MN-4-1-1-1-002", "a solicitation for an unsolicited advertisement", "11.4.3", unsolicited),
           home_case("MN-4-1-1-1-004", "nobody answers", "11.8, 12", backoff),
           home_case("MN-4-2-1-1-001", "an advertisement", "11.4.3, 6.8", taken({})),
           home_case("MN-4-2-1-1-015", "reserved bits", "6.8, 11.4.3", taken({.reserved = 0x3fff})),
           home_case("MN-4-2-1-1-004", "lifetimes that end sooner", "11.4.2, 11.4.3", ends_sooner),
           home_case("MN-4-2-1-1-012", "of somebody else", "11.4.3", dropped({.source = kStranger})),
           home_case("MN-4-2-1-1-013", "without type 2 routing header", "11.4.3", dropped({.routing_header = false})),
           home_case("MN-4-2-1-1-014", "with another identifier", "11.4.3", dropped({.identifier = 0})),
           home_case("MN-4-2-1-1-019", "with an unknown option", "6.8", taken({.unknown_option = true}))}};
}

}  // namespace mipflow::conformance::mobile
