// SPDX-License-Identifier: GPL-3.0-or-later
// Refreshes, Binding Refresh Requests, handovers.
#include "conformance/correspondent_node/bench.hpp"
#include "conformance/correspondent_node/groups.hpp"
#include "conformance/harness/describe.hpp"

namespace mipflow::conformance {

namespace {

constexpr Duration kUnit = 4s;

void shortened(CorrespondentBench& bench, Update refresh) {
  refresh.lifetime = 1;
  const TimePoint sent_at = bench.clock.now();
  bench.accept(refresh);
  bench.probe_answered();
  bench.wait_until(sent_at + kUnit + 100ms);
  bench.probe_refused();
}

// Traffic of the mobile node until `end`; the Binding Refresh Requests that it brings.
std::vector<Bytes> busy_until(CorrespondentBench& bench, TimePoint end) {
  while (bench.clock.now() < end) {
    bench.probe(kHome, kCareOf);
    bench.take(1s, false);
  }
  return bench.take_refresh_requests();
}

constexpr std::uint16_t kShortLifetime = 15;  // units

std::vector<Bytes> busy_until_the_end(CorrespondentBench& bench) {
  const TimePoint bound_at = bench.clock.now();
  bench.bound(kShortLifetime);
  auto requests = busy_until(bench, bound_at + kShortLifetime * kUnit - 2s);
  require(!requests.empty(), "no Binding Refresh Request came for a binding that is in use");
  return requests;
}

}  // namespace

Group refresh_cases() {
  return {"Refresh",
          {correspondent_case("CN-3-2-1", "a shorter lifetime after a new return routability procedure", "9.5.1, 9.5.2",
                              [](CorrespondentBench& bench) {
                                const auto last = bench.bound().sequence;
                                Update refresh = bench.prepared();
                                refresh.sequence = static_cast<std::uint16_t>(last + 1);
                                shortened(bench, refresh);
                              }),
           correspondent_case("CN-3-2-2", "the same with the tokens of before", "9.5.1, 9.5.2, 5.2.7",
                              [](CorrespondentBench& bench) { shortened(bench, bench.bound().again()); }),
           correspondent_case("CN-3-2-3", "a Binding Refresh Request before a busy binding ends", "9.5.5, 6.1.2",
                              [](CorrespondentBench& bench) {
                                for (const auto& request : busy_until_the_end(bench)) {
                                  const auto view = wire::parse_packet(request);
                                  const bool reserved_is_zero = view->payload[6] == 0 && view->payload[7] == 0;
                                  require(view->destination == kHome && !view->routing_header_home_address &&
                                              !view->home_address_option && reserved_is_zero,
                                          "wanted a BRR to the home address, got " + describe(request));
                                }
                                bench.saw("BRR to the home address");
                              }),
           correspondent_case("CN-3-2-4", "a Binding Update ends the requests", "9.5.5", [](CorrespondentBench& bench) {
             busy_until_the_end(bench);
             bench.saw("BRR");
             Update refresh = bench.prepared();
             refresh.sequence = 2;
             bench.accept(refresh);
             bench.take_refresh_requests();
             bench.probe_answered();
             const auto more = busy_until(bench, bench.clock.now() + 60s);
             require(more.empty(), "Binding Refresh Requests went on: " + describe(more));
             bench.saw("no more BRR");
           })}};
}

Group handover_cases() {
  return {"Handover",
          {correspondent_case("CN-3-4-1", "after a whole return routability procedure", "9.5.1, 9.5.2, 9.5.4",
                              [](CorrespondentBench& bench) {
                                const auto last = bench.bound().sequence;
                                Update move = bench.prepared(kHome, kCareOf2);
                                move.sequence = static_cast<std::uint16_t>(last + 1);
                                bench.accept(move);
                                bench.answered_by_routing_header(kHome, kCareOf2);
                                bench.probe_answered(kHome, kCareOf2);
                              }),
           correspondent_case("CN-3-4-2", "with the home token of before", "5.2.7, 9.5.1",
                              [](CorrespondentBench& bench) {
                                Update move = bench.bound().again();
                                move.care_of = bench.care_of_test(kCareOf2);
                                move.source = kCareOf2;
                                bench.accept(move);
                                bench.answered_by_routing_header(kHome, kCareOf2);
                                bench.probe_answered(kHome, kCareOf2);
                              }),
           correspondent_case("CN-3-4-3", "with an old sequence number: nothing moves", "9.5.1, 9.5.4",
                              [](CorrespondentBench& bench) {
                                const auto last = bench.bound().sequence;
                                Update move = bench.prepared(kHome, kCareOf2);
                                move.sequence = last;
                                bench.refuse(move, wire::BindingStatus::SequenceNumberOutOfWindow, last);
                                bench.answered_by_routing_header(kHome, kCareOf);
                              })}};
}

}  // namespace mipflow::conformance
