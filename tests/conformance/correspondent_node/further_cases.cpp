// SPDX-License-Identifier: GPL-3.0-or-later
// What RFC 6275 asks for and no third-party suite looks at.
#include "conformance/correspondent_node/bench.hpp"
#include "conformance/correspondent_node/groups.hpp"
#include "conformance/harness/describe.hpp"

namespace mipflow::conformance {

namespace {

using enum wire::BindingStatus;

Case configured_case(std::string id, std::string title, std::string section,
                     const correspondent_node::Configuration& configuration,
                     std::function<void(CorrespondentBench&)> run) {
  return {std::move(id), std::move(title), std::move(section), [configuration, run = std::move(run)](Record& record) {
            CorrespondentBench bench(record, configuration);
            run(bench);
          }};
}

void home_token_alone(CorrespondentBench& bench) {
  Update update = bench.prepared();
  update.lifetime = 10;
  update.home_token_only = true;
  for (const auto& covered : {kCareOf, kHome}) {
    update.authorized_for = covered;
    bench.ignore(update, "a key of the home token alone");
  }
  bench.probe_refused();
}

// 1000 Echo Requests a second for three seconds, with as many home addresses.
void error_flood(CorrespondentBench& bench) {
  constexpr unsigned kProbes = 3000;
  for (unsigned i = 0; i < kProbes; ++i) {
    Address home_address = kHome;
    home_address.octets[14] = static_cast<std::uint8_t>(i >> 8);
    home_address.octets[15] = static_cast<std::uint8_t>(i);
    bench.probe(home_address, kCareOf);
    bench.wait(1ms);
  }
  const auto errors = bench.take(1s, false).size();
  require(errors > 0 && errors <= kProbes / 4, "wanted a few Binding Errors, got " + std::to_string(errors));
  bench.saw("fewer Binding Errors than a quarter of the packets");
  bench.care_of_test();
}

void cache_is_full(CorrespondentBench& bench) {
  bench.bound();
  for (int i = 0; i < 5; ++i) {
    bench.probe_answered();
    bench.wait(1s);
  }
  Update second = bench.prepared(kHome2, kCareOf2);
  second.flags = 0;
  bench.refuse(second, InsufficientResources);
  bench.probe_answered();
}

void switched_off(CorrespondentBench& bench) {
  bench.send(bench.home_test_init(1).packet({.source = kHome, .destination = kCorrespondent}));
  bench.send(bench.care_of_test_init(2).packet({.source = kCareOf, .destination = kCorrespondent}));
  bench.send(Update{.home = {1, 1}, .care_of = {2, 1}});
  bench.take(3s, false);  // what it says to those is not specified
  bench.probe_refused();
  bench.answered_at_home();
}

void malformed_while_bound(CorrespondentBench& bench) {
  const Update bound = bench.bound();
  bench.send(bench.home_test_init(1).payload_proto(6).packet({.source = kHome, .destination = kCorrespondent}));
  bench.expect_parameter_problem(kHome, 40);
  bench.send(bench.care_of_test_init(2).payload_proto(6).packet({.source = kCareOf, .destination = kCorrespondent}));
  bench.expect_parameter_problem(kCareOf, 40);
  Update update = bound.again();
  update.payload_proto = 6;
  bench.send(update);
  bench.expect_parameter_problem(kCareOf, 64);
  bench.probe_answered();
}

void exempt_from_the_binding(CorrespondentBench& bench) {
  constexpr std::uint8_t kEsp = 50;
  bench.send(wire::build_packet_around(
      {.source = kCareOf, .destination = kCorrespondent, .home_address_option = kHome}, kEsp, Bytes(32)));
  bench.expect_silence("ESP behind a Home Address option");
  bench.send(MobilityHeader(kBindingRefreshRequest, Bytes(2))
                 .packet({.source = kCareOf, .destination = kCorrespondent, .home_address_option = kHome}));
  bench.expect_silence("a Mobility Header behind a Home Address option");
}

void shorter_by_configuration(CorrespondentBench& bench) {
  const Update update = bench.prepared();
  const TimePoint sent_at = bench.clock.now();
  const auto acknowledgement = bench.accept(update);
  require(acknowledgement.lifetime_units == 25,
          "wanted 25 units, got " + std::to_string(acknowledgement.lifetime_units));
  bench.wait_until(sent_at + 99s);
  bench.probe_answered();
  bench.wait_until(sent_at + 100s + 100ms);
  bench.probe_refused();
}

}  // namespace

Group further_correspondent_cases() {
  return {
      "Further cases",
      {
          correspondent_case("X-CN-01", "the home token alone makes no binding", "5.2.5, 5.2.6, 9.5.1", home_token_alone),
          {"X-CN-02", "Neighbor Discovery without type 2 routing header", "9.3.2", {}, "Neighbor Discovery is the kernel's; routing headers are put on on the device mip0 only, which does none"},
          correspondent_case("X-CN-03", "Binding Errors are limited in rate", "9.3.3", error_flood),
          configured_case("X-CN-04", "no room: 130 although A = 0", "9.5.2, 9.5.4", {.binding_cache_capacity = 1},
                          cache_is_full),
          configured_case("X-CN-05", "route optimisation switched off", "8.2", {.route_optimization = false}, switched_off),
          {"X-CN-06", "Packet Too Big about a packet with type 2 routing header", "9.3.2, 9.3.4", {}, "The sizes of packets are the data path's: `tests/datapath/correspondent_node_programs_test.cpp`"},
          correspondent_case("X-CN-07", "tests while there is a binding do not use it", "9.4.3, 9.4.4, 6.1.5, 6.1.6",
                             [](CorrespondentBench& bench) {
                               bench.bound();
                               bench.home_test();
                               bench.care_of_test();
                             }),
          correspondent_case("X-CN-08", "errors about malformed messages do not use it either", "9.2", malformed_while_bound),
          correspondent_case("X-CN-09", "a token of the source for an alternate care-of address", "9.5.1",
                             [](CorrespondentBench& bench) {
                               Update update = bench.prepared();
                               update.alternate = kCareOf2;
                               update.authorized_for = kCareOf;
                               bench.ignore(update, "an authenticator over the source");
                               update.authorized_for = kCareOf2;
                               bench.ignore(update, "the source's token for the alternate");
                               bench.probe_refused();
                             }),
          correspondent_case("X-CN-10", "home and care-of token of one address differ", "5.2.5",
                             [](CorrespondentBench& bench) {
                               const Token home = bench.home_test(kCareOf);
                               const Token care_of = bench.care_of_test(kCareOf);
                               require(home.value != care_of.value, "both tokens are the same");
                               bench.saw("tokens differ");
                             }),
          correspondent_case("X-CN-11", "ESP and Mobility Headers need no binding", "9.3.1", exempt_from_the_binding),
          correspondent_case("X-CN-12", "deletion from a third address", "6.1.7, 9.5.1, 9.5.3",
                             [](CorrespondentBench& bench) {
                               Update deletion = bench.deletion(bench.bound(), true);
                               deletion.source = kCareOf2;
                               bench.accept(deletion);
                               bench.probe_refused();
                             }),
          configured_case("X-CN-13", "the node grants less than asked", "9.1, 9.5.2", {.longest_binding_lifetime = 100s},
                          shorter_by_configuration),
      }};
}

}  // namespace mipflow::conformance
