// SPDX-License-Identifier: GPL-3.0-or-later
// Binding Updates to the home agent: the first one, later ones, and when nobody answers.
#include "conformance/mobile_node/groups.hpp"
#include "conformance/mobile_node/home_agent_tester.hpp"

namespace mipflow::conformance::mobile {

namespace {

constexpr Duration kGap = 1s;  // INITIAL_BINDACK_TIMEOUT
constexpr unsigned kUntilLongestGap = 7;

void link_local_bit(HomeAgentTester& tester) {
  const Address other = *Address::parse("fe80::10"), same = *Address::parse("fe80::100");
  auto& bench = tester.bench();
  bench.node.happens(mobile_node::AddressChanged{.interface = kWlan, .address = other});
  const auto first = tester.first_update();
  require(!first.message.link_local_address_compatibility, "L is set for another interface identifier");
  bench.saw("L = 0");
  tester.acknowledge(first);
  bench.node.happens(mobile_node::AddressChanged{.interface = kWlan, .address = same});
  bench.go(kLinkY);
  require(tester.expect(kLinkY).message.link_local_address_compatibility, "L is not set for the same interface identifier");
  bench.saw("L = 1");
}

// Lifetimes count from sending, which is a moment before it was seen.
void outlives_nothing(const Registration& update, TimePoint end) {
  constexpr Duration kOnTheWay = 50ms;
  require(update.seen.at + update.message.lifetime_units * kUnit <= end + kOnTheWay,
          "the lifetime asked for is " + std::to_string(update.message.lifetime_units * 4) + " s, which is too long");
}

void care_of_prefix_ends(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  const TimePoint end = bench.clock.now() + 100s;
  bench.appear(kLinkX, 100s);
  outlives_nothing(tester.expect(kLinkX), end);
  tester.saw("lifetime within the 100 s of the care-of address");
}

void home_prefix_ends(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  tester.registered();
  const TimePoint end = bench.clock.now() + 100s;
  bench.quietly([&] { tester.answer(tester.expect_solicitation(), {.valid = 100s}); });
  bench.wait(100ms);
  bench.clear();
  bench.go(kLinkY);
  outlives_nothing(tester.expect(kLinkY), end);
  tester.saw("lifetime within the 100 s of the home prefix");
}

void after_the_end(HomeAgentTester& tester) {
  tester.binding_ends_unreachable();
  tester.expect_repetitions(tester.first_update(), kFirstGap, 1, [](const auto&) {});
}

void nobody_answers(HomeAgentTester& tester) {
  tester.expect_repetitions(tester.first_update(), kFirstGap, kUntilLongestGap, [](const auto&) {});
  tester.is_not_registered();
}

void other_link(HomeAgentTester& tester) {
  tester.registered();
  tester.moved();
  tester.is_registered();
}

void refreshed(HomeAgentTester& tester) {
  const auto first = tester.registered({.lifetime = 15});
  tester.is_registered();
  const auto again = tester.expect(kLinkX, 60s);
  require(again.seen.at < first.seen.at + 60s, "the refresh is too late");
}

void home_prefix_shrinks(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  tester.registered();
  bench.quietly([&] { tester.answer(tester.expect_solicitation()); });
  bench.wait(2s);
  tester.advertise(0x4711);
  tester.saw("unsolicited MPA");
  const auto asked = tester.expect_solicitation();
  const TimePoint end = bench.clock.now() + 100s;
  tester.answer(asked, {.valid = 100s});
  outlives_nothing(tester.expect(kLinkX), end);
  tester.saw("lifetime within the 100 s of the home prefix");
}

void nobody_answers_after_move(HomeAgentTester& tester) {
  tester.registered();
  tester.is_registered();
  tester.bench().go(kLinkY);
  tester.expect_repetitions(tester.expect(kLinkY), kGap, kUntilLongestGap, [](const auto&) {});
}

}  // namespace

Group home_update_cases() {
  return {"Home registration: Binding Update",
          {home_case("MN-2-1-1-1-001", "its format", "11.7.1, 6.1.7, 6.3, 11.3.2", accepted({})),
           home_case("MN-2-1-1-1-002", "L follows the interface identifier", "11.7.1", link_local_bit),
           home_case("MN-2-1-1-1-004", "K with manual keys", "11.7.1, 6.1.7", accepted({})),
           home_case("MN-2-1-1-1-006", "the prefix of the care-of address ends soon", "11.7.1", care_of_prefix_ends),
           home_case("MN-2-1-1-1-007", "the home prefix ends soon", "11.7.1", home_prefix_ends,
                     "It learns so by Mobile Prefix Advertisement: the home address is configured, not formed of a Router "
                     "Advertisement at home"),
           home_case("MN-2-1-1-1-008", "after the registration before has ended", "11.8, 11.7.1", after_the_end),
           home_case("MN-2-1-1-1-013", "the first one is not answered: repeated with growing gaps", "11.8, 11.7.1, 12, 13",
                     nobody_answers)}};
}

Group home_refresh_cases() {
  return {"Home registration: later Binding Updates",
          {home_case("MN-2-1-2-1-001", "on another link", "11.7.1, 11.5.1", other_link),
           home_case("MN-2-1-2-1-004", "before the registration ends", "11.7.1, 11.7.3", refreshed),
           home_case("MN-2-1-2-1-005", "the home prefix ends sooner", "11.4.2, 11.4.3, 11.7.1", home_prefix_shrinks),
           home_case("MN-2-1-2-1-006", "it is not answered: repeated with growing gaps", "11.8, 12", nobody_answers_after_move,
                     "The suite has the home agent ask at the new care-of address in the end, and wants silence. It may have accepted "
                     "the registration and its answers be lost, so that what it tunnels there is taken")}};
}

}  // namespace mipflow::conformance::mobile
