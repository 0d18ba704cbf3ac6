// SPDX-License-Identifier: GPL-3.0-or-later
// What the home agent sends in place of an acknowledgement, and malformed acknowledgements.
#include "conformance/mobile_node/groups.hpp"
#include "conformance/mobile_node/home_agent_tester.hpp"

namespace mipflow::conformance::mobile {

namespace {

constexpr std::uint32_t kMobilityHeaderBehindRouting = 40 + 24;

void unknown_type(HomeAgentTester& tester) {
  tester.first_update();
  tester.bench().straight(MobilityHeader(kUnassignedType, Bytes(6)), kHomeAgent);
  const auto error = tester.bench().expect_binding_error();
  const auto view = error.seen.view();
  require(error.message.status == wire::BindingErrorStatus::UnrecognizedMobilityType && !error.seen.tunnel &&
              view.source == kLinkX && view.destination == kHomeAgent && error.message.home_address.is_unspecified(),
          "wanted Binding Error 2 to the home agent about no home address, got " + error.seen.text());
  tester.saw("BE 2");
}

std::function<void(HomeAgentTester&)> reported(const HomeAcknowledgement& wrong, std::uint32_t pointer) {
  return [wrong, pointer](HomeAgentTester& tester) {
    tester.acknowledge(tester.first_update(), wrong);
    const auto error = tester.bench().expect_icmpv6_error("a Parameter Problem");
    const auto view = error.seen.view();
    require(error.message.type == wire::kIcmpv6ParameterProblem && error.message.code == 0 && error.message.parameter == pointer &&
                !error.seen.tunnel && view.source == kLinkX && view.destination == kHomeAgent,
            "wanted a Parameter Problem at " + std::to_string(pointer) + " from the care-of address, got one at " +
                std::to_string(error.message.parameter) + ": " + error.seen.text());
    tester.saw("Parameter Problem at " + std::to_string(pointer));
    tester.is_not_registered();
  };
}

void mobility_header_unknown(HomeAgentTester& tester) {
  constexpr std::uint8_t kUnrecognizedNextHeader = 1;
  auto& bench = tester.bench();
  const auto update = tester.first_update();
  bench.icmpv6_error(wire::kIcmpv6ParameterProblem, kUnrecognizedNextHeader, 40, update.seen, kHomeAgent);
  tester.expect_none(16s, "a Parameter Problem");
  bench.go(kLinkY);
  tester.expect_none(16s, "a Parameter Problem, on another link");
}

}  // namespace

Group home_error_cases() {
  return {"Home registration: errors",
          {home_case("MN-6-2-1-1-003", "unknown type in place of an acknowledgement", "9.2, 9.3.3, 11.2", unknown_type),
           home_case("MN-6-2-1-1-001", "acknowledgement, Payload Proto other than 59", "9.2, 11.2",
                     reported({.payload_proto = 6}, kMobilityHeaderBehindRouting)),
           home_case("MN-6-2-1-1-002", "acknowledgement, Header Len too small", "9.2, 11.2",
                     reported({.cut_short = true}, kMobilityHeaderBehindRouting + 1)),
           home_case("MN-6-2-1-1-004", "acknowledgement, wrong checksum", "9.2, 11.2", ignored({.wrong_checksum = true})),
           home_case("MN-6-2-2-1-001", "Parameter Problem code 1 about a Binding Update", "11.3.5", mobility_header_unknown)}};
}

}  // namespace mipflow::conformance::mobile
