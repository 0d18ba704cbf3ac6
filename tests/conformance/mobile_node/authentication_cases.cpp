// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 4285. Every other case with a home agent rests on this as well: each Binding Update's options are judged.
#include "conformance/mobile_node/groups.hpp"
#include "conformance/mobile_node/home_agent_tester.hpp"
#include "mipflow/wire/authentication.hpp"

namespace mipflow::conformance::mobile {

namespace {

using enum HomeAcknowledgement::Authentication;
constexpr std::uint8_t kIdMismatch = 144, kMessageIdRequired = 145, kAuthenticationFailed = 146;
constexpr std::uint64_t kLowHalf = 0xffff'ffff;

std::uint64_t timestamp_of(const Registration& update) {
  const auto* option = wire::find_option<wire::ReplayProtection>(update.message.options);
  require(option != nullptr, "the Binding Update has no timestamp");
  return option->ntp_timestamp;
}

// Its operator may be the one who mends it, so that the mobile node does not fall silent for good.
std::function<void(HomeAgentTester&)> seldom_asked_again(std::uint8_t status) {
  return [status](HomeAgentTester& tester) {
    tester.acknowledge(tester.first_update(), {.status = status, .lifetime = 0});
    tester.expect_none(4min, "status " + std::to_string(status));
    tester.bench().go(kLinkY);
    tester.expect_none(30s, "status " + std::to_string(status) + ", on another link");
    timestamp_of(tester.expect(kLinkY, 2min));
    tester.is_not_registered();
  };
}

// The mobile node's clock is an hour late. The answer has the home agent's seconds and the update's fraction.
Duration wall_of_home_agent(const MobileBench& bench) { return bench.node.time().wall - bench.node.clock_error; }
std::uint64_t of_home_agent(const MobileBench& bench, const Registration& update) {
  return (wire::ntp_timestamp(wall_of_home_agent(bench)) & ~kLowHalf) | (timestamp_of(update) & kLowHalf);
}

void clock_corrected(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  bench.node.clock_error = -1h;
  const auto update = tester.first_update();
  tester.acknowledge(update, {.status = kIdMismatch, .lifetime = 0, .timestamp = of_home_agent(bench, update)});
  const auto next = tester.expect(kLinkX);
  const Duration difference = wire::wall_of_ntp(timestamp_of(next)) - wall_of_home_agent(bench);
  require(difference > -7s && difference < 7s, "the next timestamp is not the home agent's time");
  tester.saw("timestamp by the home agent's clock");
  tester.acknowledge(next);
  tester.is_registered();
}

void clock_of_a_forger(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  bench.node.clock_error = -1h;
  const auto first = tester.first_update();
  tester.acknowledge(first, {.status = kIdMismatch, .lifetime = 0, .timestamp = of_home_agent(bench, first), .authentication = Wrong});
  const auto next = tester.expect(kLinkX);
  const Duration between = wire::wall_of_ntp(timestamp_of(next)) - wire::wall_of_ntp(timestamp_of(first));
  require(between < 1min, "a forger has set the clock");
  tester.saw("timestamp by the own clock");
}

// With every one that was sent before, which expect() judges; also when the clock is set back in between.
void rising_timestamps(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  tester.registered();
  for (const auto& link : {kLinkY, kLinkX, kLinkY}) {
    bench.go(link);
    tester.acknowledge(tester.expect(link));
    bench.wait(100ms);
  }
  bench.node.clock_error = -1h;
  bench.go(kLinkX);
  tester.acknowledge(tester.expect(kLinkX));
  tester.is_registered();
}

}  // namespace

Group authentication_cases() {
  return {"Authentication, RFC 4285",
          {home_case("A-MN-01", "a registration and its acknowledgement", "RFC 4285 4, 5.1", accepted({})),
           home_case("A-MN-02", "acknowledgement without the option", "RFC 4285 5", ignored({.authentication = Missing})),
           home_case("A-MN-03", "acknowledgement with a wrong authenticator", "RFC 4285 5.1.1", ignored({.authentication = Wrong})),
           home_case("A-MN-04", "status 146", "RFC 4285 5.3", seldom_asked_again(kAuthenticationFailed),
                     "After five minutes, then ever more seldom, it tries again: who mends the key may be the other operator"),
           home_case("A-MN-05", "status 144", "RFC 4285 6", clock_corrected),
           home_case("A-MN-06", "status 144 with a wrong authenticator", "RFC 4285 6", clock_of_a_forger),
           home_case("A-MN-07", "acknowledgement with another timestamp", "RFC 4285 6", ignored({.timestamp = 0x1234'5678'9abc'def0})),
           home_case("A-MN-08", "timestamps rise", "RFC 4285 6", rising_timestamps),
           home_case("A-MN-09", "status 145", "RFC 4285 6", seldom_asked_again(kMessageIdRequired),
                     "Every Binding Update has the option, also the next one")}};
}

}  // namespace mipflow::conformance::mobile
