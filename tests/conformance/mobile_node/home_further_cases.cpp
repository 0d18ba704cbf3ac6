// SPDX-License-Identifier: GPL-3.0-or-later
// What no third-party suite looks at: home registrations, movement, tunnels.
#include "conformance/mobile_node/groups.hpp"
#include "conformance/mobile_node/home_agent_tester.hpp"

namespace mipflow::conformance::mobile {

namespace {

const Address kOtherHomeAgent = *Address::parse("2001:db8:100::2");

void tunnel_of_a_stranger(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  tester.registered();
  bench.send_tunnelled(simulation::encode(simulation::Datagram{kCorrespondent, kHome, 7, 5000, 4711}), kStranger);
  bench.expect_no_return_routability(5s, "a tunnelled packet of a stranger");
  require(bench.node.arrived.empty(), "a packet out of a stranger's tunnel was taken");
  bench.saw("dropped");
}

Address care_of_address(unsigned number) { return *Address::parse("2001:db8:c::" + std::to_string(1000 + number)); }

void rapid_movement(HomeAgentTester& tester) {
  constexpr unsigned kMoves = 25, kMostPerSecond = 3;  // MAX_UPDATE_RATE
  auto& bench = tester.bench();
  tester.registered();
  tester.answer_by_itself();
  for (unsigned i = 0; i < kMoves; ++i) {
    bench.wait(200ms);
    bench.go(care_of_address(i));
  }
  bench.wait(5s);
  std::vector<TimePoint> sent;
  for (const auto& capture : bench.network.signalling())
    if (const auto decoded = wire::decode_packet(capture.packet); decoded && decoded->view.destination == kHomeAgent)
      if (const auto* message = std::get_if<wire::MobilityMessage>(&decoded->message);
          message != nullptr && std::holds_alternative<wire::BindingUpdate>(*message))
        sent.push_back(capture.sent_at);
  require(sent.size() > 2 * kMostPerSecond, "there were too few Binding Updates to tell");
  for (std::size_t i = kMostPerSecond; i < sent.size(); ++i)
    require(sent[i] - sent[i - kMostPerSecond] >= 1s, "more than three Binding Updates within a second");
  bench.saw(std::to_string(kMoves) + " moves, three home BU a second at most");
  for (const auto& binding : bench.node.bindings())
    require(binding.peer != kHomeAgent || binding.care_of_address == care_of_address(kMoves - 1), "not registered where it is");
  bench.saw("the last one wins");
  tester.is_registered();
}

// What the kernel makes of a flood: routers without end, and as many addresses as it forms at most.
void flood_of_routers(HomeAgentTester& tester) {
  constexpr unsigned kRouters = 1000, kAddresses = 16;
  auto& bench = tester.bench();
  tester.registered();
  tester.answer_by_itself();
  for (unsigned i = 0; i < kRouters; ++i) {
    bench.node.happens(mobile_node::RouterChanged{.interface = kWlan, .router = *Address::parse("fe80::a:" + std::to_string(i + 1))});
    if (i < kAddresses)
      bench.node.happens(mobile_node::AddressChanged{.interface = kWlan, .address = care_of_address(i)});
    bench.wait(1ms);
  }
  bench.wait(10s);
  for (const auto& binding : bench.node.bindings())
    require(binding.peer != kHomeAgent || binding.care_of_address == kLinkX, "it has left a care-of address that works");
  tester.is_registered();
}

void care_of_address_refused(HomeAgentTester& tester) {
  constexpr std::uint8_t kInvalidCareOfAddress = 174;
  tester.acknowledge(tester.first_update(), {.status = kInvalidCareOfAddress, .lifetime = 0});
  tester.is_not_registered();
  tester.expect_none(1min, "status 174");
  // Another one is not refused yet.
  tester.moved();
  tester.is_registered();
}

void silent_home_agent(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  const auto first = tester.first_update();
  const auto other = bench.next<wire::BindingUpdate>(60s, [](const auto& it) { return it.seen.view().destination == kOtherHomeAgent; });
  require(other.has_value(), "the other home agent is not asked, there is " + bench.rest());
  require(other->seen.at - first.seen.at >= kFirstGap, "the other one is asked too soon");
  bench.saw("home BU to the other one after " + std::to_string((other->seen.at - first.seen.at) / 1ms) + " ms");
}

void binding_unknown(HomeAgentTester& tester) {
  constexpr std::uint8_t kUnknownBinding = 1;
  tester.registered();
  tester.bench().straight(MobilityHeader(kBindingError, binding_error_data(kUnknownBinding, kHome)), kHomeAgent);
  tester.expect(kLinkX);
}

void forged_sequence(HomeAgentTester& tester) {
  const auto first = tester.first_update();
  tester.acknowledge(first, {.status = 135,
                             .sequence = static_cast<std::uint16_t>(first.message.sequence + 1000),
                             .lifetime = 0,
                             .authentication = HomeAcknowledgement::Authentication::Wrong});
  const auto again = tester.expect(kLinkX, 2s);
  require(again.message.sequence == static_cast<std::uint16_t>(first.message.sequence + 1), "a forger has set the sequence number");
  require(again.seen.at - first.seen.at >= kFirstGap - 20ms, "a forger has made it send");
  tester.saw("sequence number and gap unchanged");
}

void tunnel_carries_less(HomeAgentTester& tester) {
  constexpr std::uint32_t kLink = 1500, kReported = 1400, kTunnelHeader = 40;
  auto& bench = tester.bench();
  tester.registered();
  const auto mtu = [&] { return bench.node.kernel.default_route.value().mtu; };
  require(mtu() == kLink - kTunnelHeader, "the tunnel's MTU is " + std::to_string(mtu()) + " at the beginning");
  bench.datagram_by_tunnel();
  const Seen seen = bench.expect_datagram("an answer through the tunnel");
  require(seen.tunnel.has_value(), "wanted an answer through the tunnel, got " + seen.text());
  const Seen outer{seen.at, wire::encapsulate(seen.packet, seen.tunnel->first, seen.tunnel->second)};
  bench.icmpv6_error(wire::kIcmpv6PacketTooBig, 0, kReported, outer, kStranger);
  bench.wait(1s);
  require(mtu() == kReported - kTunnelHeader, "the tunnel's MTU is " + std::to_string(mtu()));
  bench.saw("tunnel MTU " + std::to_string(mtu()));
}

}  // namespace

Group home_further_cases() {
  return {"Further cases about home registrations and the tunnel",
          {home_case("X-MN-01", "a tunnelled packet of a stranger", "11.3.3", tunnel_of_a_stranger),
           home_case("X-MN-02", "rapid movement", "11.5.3, 11.8, 12", rapid_movement),
           home_case("X-MN-03", "a flood of Router Advertisements", "11.5.1", flood_of_routers,
                     "The advertisements are the kernel's; here is what it tells of them"),
           home_case("X-MN-09", "acknowledgement with an unknown option", "6.1.8, 6.2.1", accepted({.unknown_option = true})),
           home_case("X-MN-10", "status 174", "6.1.8, 11.7.3", care_of_address_refused),
           home_case("X-MN-11", "a home agent that is silent, two are known", "11.7.1, 11.4.1", silent_home_agent,
                     "Sooner than when the gap has grown to 32 s: a mobile node that waits a minute for its network has none",
                     [](mobile_node::Configuration& configuration) { configuration.other_home_agents = {kOtherHomeAgent}; }),
           home_case("X-MN-12", "Binding Error 1 of the home agent", "11.3.6", binding_unknown),
           home_case("X-MN-13", "status 135 that is not authentic", "11.7.3", forged_sequence),
           not_applicable("X-MN-19", "multicast listeners", "11.3.4",
                          "Multicast through the tunnel is a MAY (§8.5) that mipflow does not have. On the foreign link it is the "
                          "kernel's, from the interface's own addresses; that none is tunnelled: "
                          "`tests/datapath/mobile_node_departure_test.cpp`, \"what can not be tunnelled is dropped and counted\""),
           home_case("X-MN-20", "Packet Too Big about the tunnel", "11.3.1, RFC 2473 7", tunnel_carries_less,
                     "That the inner packets' senders are told: `tests/datapath/mobile_node_arrival_test.cpp`")}};
}

}  // namespace mipflow::conformance::mobile
