// SPDX-License-Identifier: GPL-3.0-or-later
// Binding Acknowledgements of the home agent.
#include <algorithm>

#include "conformance/mobile_node/groups.hpp"
#include "conformance/mobile_node/home_agent_tester.hpp"

namespace mipflow::conformance::mobile {

namespace {

// Whatever is sent again has a newer sequence number (which expect() judges) and comes no sooner than RFC 6275 §11.8 allows.
std::function<void(HomeAgentTester&)> refused(std::uint8_t status) {
  return [status](HomeAgentTester& tester) {
    constexpr Duration kWatched = 10min;
    auto update = tester.first_update();
    const TimePoint end = update.seen.at + kWatched;
    unsigned again = 0;
    while (true) {
      tester.acknowledge(update, {.status = status, .lifetime = 0});
      tester.bench().quietly([&] { tester.is_not_registered(); });
      const Duration left = std::max<Duration>(end - tester.bench().clock.now(), 0s);
      const auto next = tester.bench().next<wire::BindingUpdate>(left, [](const auto&) { return true; });
      if (!next) break;
      ++again;
      require(next->seen.at - update.seen.at >= kFirstGap, "the next one comes too soon");
      require(wire::sequence_is_newer(next->message.sequence, update.message.sequence), "no newer sequence number");
      update = *next;
    }
    tester.saw(std::to_string(again) + " more within ten minutes");
    tester.is_not_registered();
  };
}

void wants_prefix_discovery(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  tester.registered();
  bench.quietly([&] { tester.answer(tester.expect_solicitation()); });
  bench.wait(5s);
  bench.go(kLinkY);
  tester.acknowledge(tester.expect(kLinkY), {.status = 1});
  tester.answer(tester.expect_solicitation());
  tester.is_registered();
  tester.expect_no_solicitation(60s, "the answer");
}

void shorter(HomeAgentTester& tester) {
  const auto update = tester.first_update();
  require(update.message.lifetime_units > 15, "it asks for less than the tester grants");
  tester.acknowledge(update, {.lifetime = 15});
  tester.is_registered();
  require(tester.expect(kLinkX, 60s).seen.at < update.seen.at + 60s, "no refresh before the granted lifetime ends");
}

void advice(HomeAgentTester& tester) {
  const auto update = tester.first_update();
  tester.acknowledge(update, {.refresh_advice = 10});
  tester.is_registered();
  require(tester.expect(kLinkX, 40s).seen.at <= update.seen.at + 40s, "no refresh before the interval ends");
}

// The first answer tells it; what is sent then goes on behind that number.
void out_of_window(HomeAgentTester& tester) {
  constexpr std::uint16_t kFurther = 1000;
  auto update = tester.first_update();
  for (int i = 0; i < 3; ++i) {
    const auto last = static_cast<std::uint16_t>(update.message.sequence + kFurther);
    tester.acknowledge(update, {.status = 135, .sequence = last, .lifetime = 0});
    tester.bench().quietly([&] { tester.is_not_registered(); });
    update = tester.expect(kLinkX, 40s);
    require(update.message.sequence == static_cast<std::uint16_t>(last + 1),
            "wanted sequence number " + std::to_string(last + 1) + ", got " + std::to_string(update.message.sequence));
  }
  tester.saw("sequence numbers from the answers");
}

void out_of_window_and_around(HomeAgentTester& tester) {
  // A newer number than any that leaves here, or the tester would take 0 for an old one.
  auto update = tester.first_update();
  for (std::uint16_t last = update.message.sequence; last != 0xffff;) {
    last = static_cast<std::uint16_t>(std::min(0xffff, last + 0x4000));
    tester.acknowledge(update, {.status = 135, .sequence = last, .lifetime = 0});
    update = tester.expect(kLinkX, 40s);
  }
  require(update.message.sequence == 0, "wanted sequence number 0, got " + std::to_string(update.message.sequence));
  tester.saw("sequence number 0");
  tester.acknowledge(update);
  tester.is_registered();
}

}  // namespace

Group home_acknowledgement_cases() {
  using enum HomeAcknowledgement::Authentication;
  const auto refusal = [](const char* id, std::uint8_t status, const char* meaning, const char* remark = "") {
    return home_case(id, "status " + std::to_string(status) + ", " + meaning, "11.7.3, 11.8", refused(status), remark);
  };
  return {"Home registration: Binding Acknowledgement",
          {home_case("MN-2-2-1-1-001", "status 0", "11.7.3", accepted({})),
           home_case("MN-2-2-1-1-039", "reserved octet not 0", "6.1.1, 6.1.8", accepted({.reserved = 0xff})),
           home_case("MN-2-2-1-1-014", "K = 0", "11.7.3", accepted({})),
           home_case("MN-2-2-1-1-020", "less granted than asked for", "11.7.3", shorter),
           home_case("MN-2-2-1-1-026", "Binding Refresh Advice", "11.7.3, 6.2.4", advice),
           home_case("MN-2-2-1-1-002", "status 1 starts prefix discovery", "11.7.3, 11.7.1, 11.4.2", wants_prefix_discovery),
           home_case("MN-2-2-1-1-033", "status 127, an unassigned one", "11.7.3", accepted({.status = 127})),
           refusal("MN-2-2-1-1-003", 128, "reason unspecified"),
           refusal("MN-2-2-1-1-004", 129, "administratively prohibited"),
           refusal("MN-2-2-1-1-005", 130, "insufficient resources"),
           refusal("MN-2-2-1-1-006", 131, "home registration not supported"),
           refusal("MN-2-2-1-1-007", 132, "not home subnet"),
           refusal("MN-2-2-1-1-009", 134, "duplicate address detection failed",
                   "The primary home address is asked for again, seldom: it is configured, and there is none in its place; "
                   "other home addresses are given up"),
           home_case("MN-2-2-1-1-010", "status 135", "11.7.3, 11.7.1", out_of_window),
           refusal("MN-2-2-1-1-035", 255, "an unassigned one"),
           home_case("MN-2-2-1-1-016", "status 135 with 65535", "11.7.1, 9.5.1", out_of_window_and_around),
           home_case("MN-2-2-1-1-017", "a sequence number that was never sent", "11.7.3", ignored({.sequence = 77})),
           home_case("MN-2-2-1-1-038", "without the protection that is asked for", "11.7.3, 5.1, 6.1.8",
                     ignored({.authentication = Missing}))}};
}

}  // namespace mipflow::conformance::mobile
