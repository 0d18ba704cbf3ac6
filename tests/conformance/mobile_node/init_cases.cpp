// SPDX-License-Identifier: GPL-3.0-or-later
// When Home Test Init and Care-of Test Init are sent, and when not.
#include "conformance/mobile_node/groups.hpp"
#include "conformance/mobile_node/home_agent_tester.hpp"
#include "conformance/mobile_node/test_exchanges.hpp"

namespace mipflow::conformance::mobile {

namespace {

constexpr Duration kSilence = 32s;  // MAX_BINDACK_TIMEOUT: the longest wait before a retransmission

void after_the_flow_ended(MobileBench& bench) {
  bench.quietly([&] { bench.optimized(); });
  bench.correspondent_answers = true;
  bench.wait(15min);
  bench.correspondent_answers = false;
  bench.clear();
  bench.datagram_by_tunnel();
}

void after_a_move(MobileBench& bench) {
  bench.optimized();
  bench.move();
  const auto care_of = bench.expect_care_of_test_init();
  Answer answer = kCareOfAnswer;
  ++answer.index;
  bench.answer(care_of, answer);
  bench.expect_update();  // with the home token of before
}

void from_home_agent_itself(MobileBench& bench) {
  bench.home_registration();
  bench.datagram_by_tunnel(kHomeAgent);
  bench.expect_no_return_routability(kSilence, "a packet of the home agent", kHomeAgent);
}

void not_for_the_home_address(MobileBench& bench) {
  bench.home_registration();
  bench.send_tunnelled(simulation::encode(simulation::Datagram{kCorrespondent, kForeignHome, 7, 5000, 1}));
  bench.expect_no_return_routability(kSilence, "a packet for somebody else");
}

void direct_packets_start_nothing(MobileBench& bench) {
  bench.optimized();
  bench.traffic_is_direct();
  bench.expect_no_return_routability(kSilence, "a packet that came straight");
  bench.expect_no_update(1s, "a packet that came straight");
}

void forbidden_by_policy(MobileBench& bench) {
  bench.home_registration();
  bench.traffic_is_tunnelled(kCorrespondent2);
  bench.expect_no_return_routability(kSilence, "a packet of a correspondent node that the policy keeps in the tunnel",
                                     kCorrespondent2);
}

}  // namespace

Group home_test_init_cases() {
  return {"Home Test Init",
          {mobile_case("MN-2-1-1-2-001", "a packet through the tunnel begins it", "11.6.1, 11.7.2, 6.1.3",
                       [](MobileBench& bench) {
                         bench.home_registration();
                         bench.datagram_by_tunnel();
                         bench.expect_home_test_init();
                         bench.expect_care_of_test_init();
                       }),
           mobile_case(
               "MN-2-1-1-2-019", "again, when the binding has ended", "11.7.2, 11.6.1",
               [](MobileBench& bench) {
                 after_the_flow_ended(bench);
                 bench.expect_home_test_init();
               },
               "A mobile node that refreshes: the binding ends with the flow"),
           mobile_case("MN-2-1-1-2-009", "after a move the fresh home token is used again", "11.7.2, 11.6.1, 5.2.7",
                       after_a_move),
           mobile_case("MN-2-1-1-2-028", "a tunnelled packet for somebody else begins nothing", "11.7.2, 11.3.3",
                       not_for_the_home_address),
           mobile_case("MN-2-1-1-2-004", "nor does one of the home agent itself", "11.7.2", from_home_agent_itself),
           mobile_case("MN-2-1-1-2-006", "nor does one that came straight", "11.7.2", direct_packets_start_nothing),
           mobile_case("MN-2-1-1-2-010", "no answer: repeated with growing gaps and new cookies", "11.8, 11.6.1",
                       [](MobileBench& bench) { home_test_fails(bench, [](const auto&) {}); }),
           home_case(
               "MN-2-1-1-2-015", "never, when route optimisation is switched off", "11.7.2, 8.5",
               [](HomeAgentTester& tester) {
                 tester.registered();
                 tester.bench().traffic_is_tunnelled();
                 tester.bench().expect_no_return_routability(60s, "a packet through the tunnel");
               },
               {}, without_route_optimization),
           mobile_case("MN-2-1-1-2-016", "not with a correspondent node that the policy keeps in the tunnel", "11.7.2",
                       forbidden_by_policy)}};
}

Group care_of_test_init_cases() {
  return {"Care-of Test Init",
          {mobile_case("MN-2-1-2-2-001", "a packet through the tunnel begins it", "11.6.1, 6.1.4",
                       [](MobileBench& bench) {
                         bench.home_registration();
                         bench.datagram_by_tunnel();
                         bench.expect_care_of_test_init();
                       }),
           mobile_case(
               "MN-2-1-2-2-019", "again, when the binding has ended", "11.7.2, 11.6.1",
               [](MobileBench& bench) {
                 after_the_flow_ended(bench);
                 bench.expect_care_of_test_init();
               },
               "A mobile node that refreshes: the binding ends with the flow"),
           mobile_case("MN-2-1-2-2-009", "from the new care-of address after a move", "11.7.2, 11.6.1", after_a_move),
           mobile_case("MN-2-1-2-2-004", "not for a packet of the home agent itself", "11.7.2", from_home_agent_itself),
           mobile_case("MN-2-1-2-2-010", "no answer: repeated with growing gaps and new cookies", "11.8, 11.6.1",
                       [](MobileBench& bench) { care_of_test_fails(bench, [](const auto&) {}); })}};
}

}  // namespace mipflow::conformance::mobile
