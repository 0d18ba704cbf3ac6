// SPDX-License-Identifier: GPL-3.0-or-later
// Binding Errors, malformed messages and ICMPv6 errors.
#include "conformance/mobile_node/groups.hpp"
#include "conformance/mobile_node/test_exchanges.hpp"

namespace mipflow::conformance::mobile {

namespace {

constexpr Duration kSilence = 32s;
constexpr std::uint8_t kUnknownBinding = 1, kUnrecognizedType = 2;
constexpr std::uint8_t kUnrecognizedNextHeader = 1, kUnrecognizedOption = 2, kAddressUnreachable = 3;
const Address kRouter = *Address::parse("2001:db8:a::1");

MobilityHeader binding_error(std::uint8_t status, const Address& home_address = {}) {
  return {kBindingError, binding_error_data(status, home_address)};
}

// From now on the tunnel, and no other try for a while.
void given_up(MobileBench& bench, const std::string& why) {
  bench.expect_no_return_routability(kSilence, why);
  bench.traffic_is_tunnelled();
  bench.expect_no_return_routability(kSilence, why);
  bench.expect_no_update(1s, why);
}

void unknown_type(MobileBench& bench, bool tunnelled) {
  bench.inits();
  const MobilityHeader unknown(kUnassignedType, test_data(1, 2, 3));
  if (tunnelled)
    bench.by_tunnel(unknown);
  else
    bench.straight(unknown);
  const auto error = bench.expect_binding_error();
  const auto view = error.seen.view();
  require(error.message.status == wire::BindingErrorStatus::UnrecognizedMobilityType && error.message.home_address == Address{} &&
              view.destination == kCorrespondent,
          "wanted BE 2 to the correspondent node, got " + error.seen.text());
  const bool right_way = tunnelled ? error.seen.tunnel == std::pair(kLinkX, kHomeAgent) && view.source == kHome
                                   : !error.seen.tunnel && view.source == kLinkX;
  require(right_way, "wanted the BE to go the way that the message came, got " + error.seen.text());
  bench.saw(tunnelled ? "BE 2 through the tunnel" : "BE 2 straight");
}

void binding_unknown(MobileBench& bench) {
  bench.optimized();
  bench.traffic_is_direct();
  bench.straight(binding_error(kUnknownBinding, kHome));
  bench.wait(100ms);
  bench.traffic_is_tunnelled();
}

void tests_not_understood(MobileBench& bench, bool tunnelled) {
  bench.inits();
  if (tunnelled)
    bench.by_tunnel(binding_error(kUnrecognizedType));
  else
    bench.straight(binding_error(kUnrecognizedType));
  bench.wait(100ms);
  bench.clear();
  given_up(bench, "BE 2");
}

void update_not_understood(MobileBench& bench) {
  bench.up_to_update();
  bench.straight(binding_error(kUnrecognizedType));
  bench.wait(100ms);
  bench.clear();
  bench.expect_no_update(kSilence, "BE 2");
  given_up(bench, "BE 2");
}

void stranger_does_not_understand(MobileBench& bench) {
  bench.home_registration();
  bench.straight(binding_error(kUnrecognizedType));
  bench.wait(1s);
  bench.datagram_by_tunnel();
  bench.expect_home_test_init();
  bench.expect_care_of_test_init();
}

// A malformed answer that draws a Parameter Problem at `pointer`.
void reported(MobileBench& bench, bool home, Answer answer, std::uint32_t pointer) {
  const auto [home_init, care_of_init] = bench.inits();
  if (home)
    bench.answer(home_init, answer);
  else
    bench.answer(care_of_init, answer);
  const std::string wanted = "Parameter Problem code 0 at " + std::to_string(pointer);
  const auto error = bench.expect_icmpv6_error(wanted);
  const auto view = error.seen.view();
  const bool right_way = home ? error.seen.tunnel == std::pair(kLinkX, kHomeAgent) && view.source == kHome
                              : !error.seen.tunnel && view.source == kLinkX;
  require(error.message.type == wire::kIcmpv6ParameterProblem && error.message.code == 0 &&
              error.message.parameter == pointer && view.destination == kCorrespondent && right_way,
          "wanted " + wanted + " the way that the message came, got " + error.seen.text());
  bench.saw("Parameter Problem at " + std::to_string(pointer) + (home ? " through the tunnel" : " straight"));
}

void does_not_know_mobility(MobileBench& bench, bool home) {
  const auto [home_init, care_of_init] = bench.inits();
  if (home)
    bench.answer(care_of_init, kCareOfAnswer);
  else
    bench.answer(home_init, kHomeAnswer);
  const Seen& refused = home ? home_init.seen : care_of_init.seen;
  bench.icmpv6_error(wire::kIcmpv6ParameterProblem, kUnrecognizedNextHeader, 6, refused);
  bench.wait(100ms);
  bench.clear();
  given_up(bench, "a Parameter Problem");
}

void update_is_no_known_header(MobileBench& bench) {
  const auto update = bench.up_to_update();
  bench.icmpv6_error(wire::kIcmpv6ParameterProblem, kUnrecognizedNextHeader, 40, update.seen);
  bench.wait(100ms);
  bench.clear();
  given_up(bench, "a Parameter Problem");
}

void unreachable_says_nothing_of_its_sender(MobileBench& bench) {
  const auto [home, care_of] = bench.inits();
  bench.icmpv6_error(wire::kIcmpv6DestinationUnreachable, kAddressUnreachable, 0, home.seen, kRouter);
  bench.icmpv6_error(wire::kIcmpv6DestinationUnreachable, kAddressUnreachable, 0, care_of.seen, kRouter);
  bench.wait(1s);
  bench.datagram_by_tunnel(kRouter);
  bench.expect_home_test_init(2s, kRouter);
  bench.expect_care_of_test_init(2s, kRouter);
}

void error_starts_nothing(MobileBench& bench) {
  bench.home_registration();
  const Bytes quoted = simulation::encode(simulation::Datagram{kHome, kCorrespondent, 5000, 7, 1});
  bench.icmpv6_error(wire::kIcmpv6ParameterProblem, 0, 6, Seen{{}, quoted, std::pair(kLinkX, kHomeAgent)});
  bench.expect_no_return_routability(5s, "an ICMPv6 error");
}

void option_not_understood(MobileBench& bench) {
  bench.optimized();
  bench.datagram_by_routing_header();
  const Seen direct = bench.expect_datagram("a direct answer");
  bench.icmpv6_error(wire::kIcmpv6ParameterProblem, kUnrecognizedOption, 42, direct);
  bench.wait(100ms);
  bench.traffic_is_direct();
}

}  // namespace

Group binding_error_cases() {
  return {"Binding Error",
          {mobile_case("MN-4-2-1-2-010", "unknown type through the tunnel", "9.2, 9.3.3, 11.2",
                       [](MobileBench& bench) { unknown_type(bench, true); }),
           mobile_case("MN-4-2-1-2-015", "unknown type to the care-of address", "9.2, 9.3.3, 11.2",
                       [](MobileBench& bench) { unknown_type(bench, false); }),
           mobile_case("MN-3-3-1-2-004", "status 1 of a correspondent node with a binding", "11.3.6", binding_unknown),
           mobile_case("MN-3-3-1-2-009", "status 2 to a Care-of Test Init", "11.3.6",
                       [](MobileBench& bench) { tests_not_understood(bench, false); }),
           mobile_case("MN-3-3-1-2-011", "status 2 to a Home Test Init", "11.3.6",
                       [](MobileBench& bench) { tests_not_understood(bench, true); }),
           mobile_case("MN-3-3-1-2-001", "status 2 to a Binding Update", "11.3.6", update_not_understood),
           {"MN-3-3-1-2-002", "status 2 to a Binding Update with A = 0", "11.3.6", {}, "mipflow always asks for an acknowledgement"},
           mobile_case("MN-3-3-1-2-007", "status 2 of a stranger", "11.3.6", stranger_does_not_understand)}};
}

Group malformed_message_cases() {
  const auto with = [](const Answer& base, auto change) {
    Answer out = base;
    change(out);
    return out;
  };
  const auto payload_proto = [](Answer& answer) { answer.payload_proto = 6; };
  const auto cut_short = [](Answer& answer) { answer.cut_short = true; };
  const auto wrong_checksum = [](Answer& answer) { answer.wrong_checksum = true; };
  const Answer glued_home = with(kHomeAnswer, payload_proto), short_home = with(kHomeAnswer, cut_short),
               wrong_home = with(kHomeAnswer, wrong_checksum), glued_care_of = with(kCareOfAnswer, payload_proto),
               short_care_of = with(kCareOfAnswer, cut_short), wrong_care_of = with(kCareOfAnswer, wrong_checksum);
  return {"Malformed tests",
          {mobile_case("MN-4-2-1-2-005", "Home Test, Payload Proto other than 59", "9.2, 11.2",
                       [=](MobileBench& bench) { reported(bench, true, glued_home, 40); }),
           mobile_case("MN-4-2-1-2-006", "Home Test, Header Len too small", "9.2, 11.2",
                       [=](MobileBench& bench) { reported(bench, true, short_home, 41); }),
           mobile_case("MN-4-2-1-2-007", "Home Test, wrong checksum", "9.2, 11.2",
                       [=](MobileBench& bench) {
                         home_test_fails(bench, [&](const auto& init) { bench.answer(init, wrong_home); });
                       }),
           mobile_case("MN-4-2-1-2-011", "Care-of Test, Payload Proto other than 59", "9.2, 11.2",
                       [=](MobileBench& bench) { reported(bench, false, glued_care_of, 40); }),
           mobile_case("MN-4-2-1-2-012", "Care-of Test, Header Len too small", "9.2, 11.2",
                       [=](MobileBench& bench) { reported(bench, false, short_care_of, 41); }),
           mobile_case("MN-4-2-1-2-013", "Care-of Test, wrong checksum", "9.2, 11.2", [=](MobileBench& bench) {
             care_of_test_fails(bench, [&](const auto& init) { bench.answer(init, wrong_care_of); });
           })}};
}

Group icmpv6_error_cases() {
  return {"ICMPv6 errors",
          {mobile_case("MN-4-2-2-2-002", "Parameter Problem code 1 about a Home Test Init", "11.3.5, 11.6.2",
                       [](MobileBench& bench) { does_not_know_mobility(bench, true); }),
           mobile_case("MN-4-2-2-2-005", "Parameter Problem code 1 about a Care-of Test Init", "11.3.5, 11.6.2",
                       [](MobileBench& bench) { does_not_know_mobility(bench, false); }),
           mobile_case("MN-4-2-2-2-007", "Parameter Problem code 1 about a Binding Update", "11.3.5",
                       update_is_no_known_header),
           mobile_case("MN-4-2-2-2-012", "Destination Unreachable says nothing about its sender", "11.3.5",
                       unreachable_says_nothing_of_its_sender),
           mobile_case("MN-4-2-2-2-010", "an error begins no return routability", "11.3.5", error_starts_nothing),
           mobile_case("MN-4-2-2-2-011", "Parameter Problem code 2 of a correspondent node with a binding", "11.3.5",
                       option_not_understood)}};
}

}  // namespace mipflow::conformance::mobile
