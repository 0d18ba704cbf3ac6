// SPDX-License-Identifier: GPL-3.0-or-later
// Application packets; and what no third-party suite looks at.
#include <set>

#include "conformance/mobile_node/groups.hpp"
#include "conformance/mobile_node/home_agent_tester.hpp"
#include "conformance/mobile_node/test_exchanges.hpp"
#include "simulation/simulator/headers.hpp"

namespace mipflow::conformance::mobile {

namespace {

constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kPayloadLength = 4, kHdrExtLen = kIpv6Header + 1, kSegmentsLeft = kIpv6Header + 3;

// A datagram of the correspondent node by a type 2 routing header that `change` has made wrong.
void dropped(MobileBench& bench, const std::function<void(Bytes&)>& change, const Address& home_address = kHome) {
  bench.optimized();
  const Bytes plain = simulation::encode(simulation::Datagram{kCorrespondent, home_address, 7, 5000, 4711});
  Bytes packet = simulation::with_headers(*wire::parse_packet(plain), {.source = kCorrespondent,
                                                                       .destination = kLinkX,
                                                                       .routing_header_home_address = home_address});
  change(packet);
  bench.send(packet);
  bench.wait(2s);
  const auto error = bench.next<wire::Icmpv6Error>({}, [](const auto&) { return true; });
  require(!error, "an ICMPv6 error about a wrong type 2 routing header");
  require(bench.node.arrived.empty() || bench.node.arrived.back().number != 4711, "the packet was delivered");
  bench.saw("dropped silently");
  bench.traffic_is_direct();
}

void longer(Bytes& packet) {
  packet[kHdrExtLen] = 4;
  packet.insert(packet.begin() + kIpv6Header + 24, 16, 0);
  packet[kPayloadLength + 1] = static_cast<std::uint8_t>(packet[kPayloadLength + 1] + 16);
}

void list_entry_ends(MobileBench& bench) {
  bench.optimized({.lifetime = 10});
  bench.wait(40s);
  bench.datagram_by_routing_header();
  const Seen seen = bench.expect_datagram("an answer through the tunnel");
  require(seen.tunnel.has_value() && !seen.view().home_address_option,
          "wanted an answer through the tunnel, got " + seen.text());
  bench.saw("answer through the tunnel");
}

void old_care_of_address(MobileBench& bench) {
  bench.optimized();
  bench.correspondent_answers = true;
  bench.move();
  bench.wait(2s);
  bench.clear();
  const auto before = bench.node.arrived.size();
  const Bytes plain = simulation::encode(simulation::Datagram{kCorrespondent, kHome, 7, 5000, 4711});
  static_cast<simulation::Station&>(bench.node)
      .receive(simulation::with_headers(*wire::parse_packet(plain), {.source = kCorrespondent,
                                                                     .destination = kLinkX,
                                                                     .routing_header_home_address = kHome}),
               bench.node.link(3));
  bench.wait(1s);
  require(bench.node.arrived.size() == before, "a packet to the old care-of address was taken");
  bench.saw("dropped");
}

void given_up_after_three(MobileBench& bench) {
  const auto [home, care_of] = bench.inits();
  bench.wait(60s);
  unsigned inits = 0;
  while (bench.next<wire::HomeTestInit>({}, [](const auto&) { return true; })) ++inits;
  require(inits == 2, "wanted three Home Test Inits, got " + std::to_string(inits + 1));
  bench.saw("three HoTI");
  bench.traffic_is_tunnelled();
}

void home_test_outside_the_tunnel(MobileBench& bench) {
  const auto [home, care_of] = bench.inits();
  bench.answer(care_of, kCareOfAnswer);
  bench.straight(home_test(home_cookie(home)));
  Answer direct = kHomeAnswer;
  direct.tunnelled = false;
  bench.network.assign(kHome, bench.node.link(3));
  bench.answer(home, direct);
  bench.expect_no_update(500ms, "a HoT outside the tunnel");
}

void test_for_the_old_care_of_address(MobileBench& bench) {
  const auto [home, care_of] = bench.inits();
  bench.answer(home, kHomeAnswer);
  bench.move();
  static_cast<simulation::Station&>(bench.node)
      .receive(care_of_test(care_of_cookie(care_of)).packet({.source = kCorrespondent, .destination = kLinkX}),
               bench.node.link(3));
  bench.expect_no_update(500ms, "a CoT for the care-of address of before");
}

// The flow lives on, but carries too little for its tokens to be kept fresh.
void token_age(MobileBench& bench) {
  bench.optimized();
  bench.wait(110s);
  bench.quietly([&] { bench.traffic_is_direct(); });
  bench.wait(110s);
  bench.clear();
  bench.move();
  bench.datagram_by_tunnel();
  bench.expect_home_test_init();
  bench.expect_care_of_test_init();
}

void first_sequences(Record& record) {
  constexpr unsigned kStarts = 20;
  std::set<std::uint16_t> sequences;
  for (unsigned i = 0; i < kStarts; ++i) {
    MobileBench bench(record, i);
    sequences.insert(bench.up_to_update().message.sequence);
  }
  require(sequences.size() + 2 >= kStarts, "the first sequence numbers are always the same ones");
  record.saw("they differ");
}

// Everything of Mobile IPv6 that leaves between the first Init and the registration behind a move.
void headers_only_where_allowed(MobileBench& bench) {
  bench.optimized();
  bench.correspondent_answers = true;
  bench.move();
  bench.wait(2s);
  unsigned looked_at = 0;
  for (const auto& capture : bench.network.signalling()) {
    const auto decoded = wire::decode_packet(capture.packet);
    const auto* message = decoded ? std::get_if<wire::MobilityMessage>(&decoded->message) : nullptr;
    if (message == nullptr || capture.interface != 3) continue;
    ++looked_at;
    const bool update = std::holds_alternative<wire::BindingUpdate>(*message);
    require(decoded->view.home_address_option.has_value() == update && !decoded->view.routing_header_home_address,
            "wanted a Home Address option on Binding Updates only: " + describe(capture.packet));
  }
  require(looked_at >= 5, "too few messages to look at");
  bench.saw("Home Address option on Binding Updates only");
}

}  // namespace

Group payload_cases() {
  return {"Application packets",
          {home_case(
               "MN-4-1-1-2-001", "out: the tunnel, without route optimisation", "11.3.1",
               [](HomeAgentTester& tester) {
                 tester.registered();
                 tester.bench().traffic_is_tunnelled();
               },
               {}, without_route_optimization),
           mobile_case("MN-4-1-1-2-002", "out: Home Address option", "11.3.1",
                       [](MobileBench& bench) {
                         bench.optimized();
                         bench.traffic_is_direct();
                       }),
           mobile_case("MN-4-1-1-2-005", "out: the tunnel, when the registration has ended", "11.3.1, 11.1", list_entry_ends),
           {"MN-4-1-1-2-006", "out: Neighbor Discovery has no Home Address option", "11.3.1", {}, "Neighbor Discovery on a foreign link is the kernel's, from the care-of address"},
           mobile_case("MN-4-1-2-2-003", "in: type 2 routing header", "11.3.3",
                       [](MobileBench& bench) {
                         bench.optimized();
                         bench.traffic_is_direct();
                       }),
           not_applicable("MN-4-1-2-2-006", "in: a link-local peer", "11.3.1",
                          "A link-local address is no care-of address; that the data path leaves other packets alone: "
                          "`tests/datapath/mobile_node_arrival_test.cpp`, \"other nodes' signalling and ordinary traffic pass "
                          "untouched\""),
           mobile_case("MN-4-1-2-2-004", "in: routing header of another length", "11.3.3, 6.4",
                       [](MobileBench& bench) { dropped(bench, longer); }),
           mobile_case("MN-4-1-2-2-005", "in: Segments Left 0", "11.3.3, 6.4",
                       [](MobileBench& bench) { dropped(bench, [](Bytes& packet) { packet[kSegmentsLeft] = 0; }); }),
           mobile_case("MN-4-1-2-2-011", "in: a home address that is not ours", "11.3.3, 6.4",
                       [](MobileBench& bench) { dropped(
                                                    bench, [](Bytes&) {}, kForeignHome); })}};
}

Group further_cases() {
  return {"Further cases",
          {mobile_case("X-MN-04", "type 2 routing header to the care-of address of before", "11.5.4, 11.3.3",
                       old_care_of_address),
           mobile_case("X-MN-05", "return routability is given up", "5.2.9, 12", given_up_after_three),
           mobile_case("X-MN-14", "Home Test outside the tunnel", "11.6.2", home_test_outside_the_tunnel),
           mobile_case("X-MN-15", "Care-of Test for the care-of address of before", "11.6.2",
                       test_for_the_old_care_of_address),
           mobile_case("X-MN-16", "tokens grow old", "5.2.7, 11.6.1", token_age),
           {"X-MN-17", "the first sequence number is a random one", "11.7.2", first_sequences},
           mobile_case("X-MN-18", "Home Address option and routing header only where they are allowed", "6.1, 11.7.1",
                       headers_only_where_allowed)}};
}

}  // namespace mipflow::conformance::mobile
