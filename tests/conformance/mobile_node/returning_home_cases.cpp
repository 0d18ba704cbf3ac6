// SPDX-License-Identifier: GPL-3.0-or-later
// On the home link: at the start, when the mobile node comes back, and afterwards.
#include "conformance/mobile_node/groups.hpp"
#include "conformance/mobile_node/home_agent_tester.hpp"

namespace mipflow::conformance::mobile {

namespace {

constexpr LinkLayerAddress kOwnMac{2, 0, 0, 0, 1, kWlan}, kHomeAgentMac{2, 0, 0, 0, 0, 9};
constexpr std::uint8_t kHopLimit = 255, kNotHomeAgent = 133;
const Address kAllNodes = *Address::parse("ff02::1");
const Address kOwnLinkLocal = *Address::parse("fe80::100");  // with the interface identifier of the home address

using Solicitation = Found<wire::NeighborSolicitation>;
using Announcement = Found<wire::NeighborAdvertisement>;

std::optional<Solicitation> next_solicitation(MobileBench& bench, Duration within) {
  return bench.next<wire::NeighborSolicitation>(within, [](const auto&) { return true; });
}

// From ::, for the home address: it asks who has it, as RFC 6275 §11.5.5 wants it and as duplicate address detection does.
void expect_solicitation(MobileBench& bench, Duration within = 2s) {
  const auto found = next_solicitation(bench, within);
  require(found.has_value(), "wanted a Neighbor Solicitation, got " + bench.rest());
  const auto view = found->seen.view();
  require(view.source.is_unspecified() && found->message.target == kHome && view.hop_limit == kHopLimit &&
              view.destination == solicited_node_multicast(kHome) && !found->message.source_link_layer_address,
          "wanted a Neighbor Solicitation from :: for the home address, got " + found->seen.text());
  bench.saw("NS from :: for the home address");
}

// Somebody on the link has the home address: the home agent that defends it, or a node that it belongs to.
void claim_home_address(MobileBench& bench, const Address& source = kHomeAgent) {
  bench.send_on_link(wire::build_packet(
      {.source = source, .destination = kAllNodes, .hop_limit = kHopLimit},
      wire::Icmpv6Message{wire::NeighborAdvertisement{.override_flag = true, .target = kHome, .target_link_layer_address = kHomeAgentMac}}));
}

std::optional<Announcement> next_announcement(MobileBench& bench, Duration within) {
  return bench.next<wire::NeighborAdvertisement>(within, [](const auto& it) { return it.seen.view().destination == kAllNodes; });
}

void expect_announcement(MobileBench& bench, const Address& target, Duration within = 2s) {
  const auto found = next_announcement(bench, within);
  require(found.has_value(), "wanted a Neighbor Advertisement to all nodes, got " + bench.rest());
  const auto& message = found->message;
  require(found->seen.view().source == target && found->seen.view().hop_limit == kHopLimit && message.target == target &&
              !message.solicited && message.override_flag && message.target_link_layer_address == kOwnMac,
          "wanted S = 0, O = 1 and the own link-layer address for " + to_string(target) + ", got " + found->seen.text());
  bench.saw("NA for " + to_string(target));
}

// MOVE to the home link, up to the de-registration, which the home agent has not answered.
Registration comes_home(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  bench.clear();
  bench.go_home();
  expect_solicitation(bench);
  claim_home_address(bench);
  return tester.expect_deregistration();
}

void at_home(HomeAgentTester& tester) {
  tester.registered();
  tester.acknowledge(comes_home(tester));
  expect_announcement(tester.bench(), kHome);
}

// Its only network is the home network, nothing was registered.
void started_at_home(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  bench.network.assign(kHome, bench.node.link(kWlan));
  bench.appear(kAtHome);
  expect_solicitation(bench);
  tester.expect_none(10s, "a start on the home link");
  bench.clear();
  bench.traffic_is_plain();
}

void started_abroad(HomeAgentTester& tester) {
  tester.bench().appear(kLinkX);
  require(tester.bench().node.configuration().home_prefix.contains(kHome), "the home address is not below the home prefix");
  tester.acknowledge(tester.expect(kLinkX));
  tester.is_registered();
}

void whole_walk(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  bench.appear(kLinkX);
  const auto first = tester.expect(kLinkX);
  tester.acknowledge(first, {.lifetime = 15});
  tester.is_registered();
  const auto refresh = tester.expect(kLinkX, 60s);
  require(refresh.seen.at < first.seen.at + 60s, "the refresh is too late");
  tester.acknowledge(refresh);
  bench.wait(100ms);
  tester.moved();
  tester.is_registered();
  tester.acknowledge(comes_home(tester));
  expect_announcement(bench, kHome);
}

void learns_link_layer_address(HomeAgentTester& tester) {
  tester.registered();
  comes_home(tester);
}

void solicited_before_the_answer(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  tester.registered();
  comes_home(tester);
  bench.clear();
  bench.send_on_link(wire::build_packet({.source = kHomeAgent, .destination = solicited_node_multicast(kHome), .hop_limit = kHopLimit},
                                        wire::Icmpv6Message{wire::NeighborSolicitation{.target = kHome, .source_link_layer_address = kHomeAgentMac}}));
  const auto answer = bench.next<wire::NeighborAdvertisement>(1s, [](const auto&) { return true; });
  require(answer.has_value(), "wanted a Neighbor Advertisement, got " + bench.rest());
  require(answer->seen.view().destination == kHomeAgent && answer->seen.view().source == kHome && answer->message.solicited &&
              answer->message.target == kHome && answer->message.target_link_layer_address == kOwnMac,
          "wanted a solicited Neighbor Advertisement for the home address to the home agent, got " + answer->seen.text());
  bench.saw("NA to the home agent");
}

// There is no binding, and yet somebody answers for the home address: it may be another node's.
void unknown_binding(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  tester.registered();
  const auto update = comes_home(tester);
  bench.clear();
  tester.acknowledge(update, {.status = kNotHomeAgent});
  expect_solicitation(bench);
  bench.wait(5s);
  bench.quietly([&] { expect_announcement(bench, kHome, 1s); });
  bench.clear();
  bench.traffic_is_plain();
}

void announces_link_local_too(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  bench.node.happens(mobile_node::AddressChanged{.interface = kWlan, .address = kOwnLinkLocal});
  bench.appear(kLinkX);
  const auto update = tester.expect(kLinkX);
  require(update.message.link_local_address_compatibility, "L is not set");
  tester.acknowledge(update);
  bench.wait(100ms);
  tester.acknowledge(comes_home(tester));
  expect_announcement(bench, kHome);
  expect_announcement(bench, kOwnLinkLocal);
}

void binding_has_ended(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  tester.binding_ends_unreachable();
  bench.network.assign(kHome, bench.node.link(kWlan));
  bench.appear(kAtHome);
  expect_solicitation(bench);
  bench.wait(5s);
  bench.clear();
  bench.traffic_is_plain();
}

void somebody_else_has_it(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  bench.network.assign(kHome, bench.node.link(kWlan));
  bench.appear(kAtHome);
  expect_solicitation(bench);
  claim_home_address(bench, kHome);
  // It could be the home agent, with a binding of before a restart.
  tester.acknowledge(tester.expect_deregistration(), {.status = kNotHomeAgent});
  expect_solicitation(bench);
  claim_home_address(bench, kHome);
  require(!next_announcement(bench, 20s), "it takes an address that another node has");
  bench.saw("no NA");
  bench.datagram_on_home_link();
  bench.expect_no_datagram(1s, "a packet for an address that another node has");
  bench.saw("address not used");
  require(bench.node.noticed("home-address-in-use"), "nobody is told");
  // The other one has left.
  expect_solicitation(bench, 2min);
  bench.wait(5s);
  bench.clear();
  bench.traffic_is_plain();
}

void there_and_back(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  bench.quietly([&] { started_at_home(tester); });
  bench.traffic_is_plain();
  bench.clear();
  bench.go(kLinkX);
  tester.acknowledge(tester.expect(kLinkX));
  bench.wait(100ms);
  bench.traffic_is_tunnelled();
  tester.acknowledge(comes_home(tester));
  bench.wait(100ms);
  bench.traffic_is_plain();
}

void association_outlives_the_way_home(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  at_home(tester);
  bench.wait(5s);
  bench.clear();
  bench.go(kLinkX);
  tester.acknowledge(tester.expect(kLinkX));
  bench.wait(100ms);
  tester.is_registered();
}

void no_detection_while_bound(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  tester.registered();
  tester.acknowledge(comes_home(tester));
  bench.wait(10s);
  require(!next_solicitation(bench, {}), "duplicate address detection of an address that was bound");
  bench.saw("no NS from :: behind the de-registration");
  bench.clear();
  bench.traffic_is_plain();
}

// The home agent defends the home address until the de-registration reaches it.
void unused_before_deregistration(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  tester.registered();
  bench.quietly([&] { bench.traffic_is_tunnelled(); });
  bench.clear();
  bench.go_home();
  bench.datagram_on_home_link();
  bench.send_on_link(wire::build_packet({.source = kHomeAgent, .destination = solicited_node_multicast(kHome), .hop_limit = kHopLimit},
                                        wire::Icmpv6Message{wire::NeighborSolicitation{.target = kHome, .source_link_layer_address = kHomeAgentMac}}));
  bench.expect_no_datagram(500ms, "a packet on the home link before the de-registration");
  require(!bench.next<wire::NeighborAdvertisement>({}, [](const auto&) { return true; }), "an answer for the home address");
  bench.saw("no answer at home");
  bench.quietly([&] { expect_solicitation(bench); });
  claim_home_address(bench);
  tester.expect_deregistration();
}

void other_router(HomeAgentTester& tester) {
  auto& bench = tester.bench();
  tester.registered();
  bench.clear();
  bench.go_home();
  bench.node.happens(mobile_node::RouterRemoved{kWlan, *Address::parse("fe80::1")});
  bench.node.happens(mobile_node::RouterChanged{.interface = kWlan, .router = *Address::parse("fe80::2")});
  expect_solicitation(bench);
  claim_home_address(bench);
  tester.expect_deregistration();
}

}  // namespace

Group home_walk_cases() {
  return {"From link to link and home, without correspondent node",
          {home_case("MN-0-0-0-1-001", "home registrations all the way", "11.5, 11.7.1, 11.7.3", whole_walk)}};
}

Group home_address_cases() {
  constexpr const char* kConfigured = "The home address is configured with its prefix, not formed of a Router Advertisement";
  return {"Home address",
          {home_case("MN-3-1-1-1-001", "on the home link", "11.3.1, RFC 4862", started_at_home,
                     "Duplicate address detection of the link-local address is the kernel's"),
           home_case("MN-3-1-1-1-009", "started at home", "11.5.2", started_at_home, kConfigured),
           home_case("MN-3-1-1-1-010", "started abroad", "11.5.2, 11.7.1", started_abroad, kConfigured)}};
}

Group returning_home_cases() {
  return {"Returning home",
          {home_case("MN-2-1-3-1-007", "the home agent's link-layer address", "11.5.5", learns_link_layer_address),
           home_case("MN-2-1-3-1-001", "format of the de-registration", "11.5.5, 11.7.1", learns_link_layer_address),
           home_case("MN-2-2-2-1-027", "asked for the home address before the acknowledgement", "11.5.5", solicited_before_the_answer),
           home_case("MN-2-2-2-1-001", "acknowledged with status 0", "11.5.5, 11.7.3", at_home),
           home_case("MN-2-2-2-1-008", "acknowledged with status 133", "11.7.3, 10.3.2, 11.5.5", unknown_binding,
                     "Duplicate address detection is looked for on the home address, which is mipflow's; that of the link-local "
                     "address is the kernel's"),
           home_case("MN-3-4-1-1-001", "the Neighbor Advertisement", "11.5.5", announces_link_local_too),
           home_case("MN-3-4-1-1-002", "after the binding has ended", "11.5.5", binding_has_ended,
                     "Duplicate address detection is looked for on the home address, which is mipflow's; that of the link-local "
                     "address is the kernel's"),
           home_case("MN-4-1-1-2-004", "sending at home", "11.3.1, 11.5.5", there_and_back),
           home_case("MN-4-1-2-2-007", "receiving at home", "11.3.1, 11.5.5", there_and_back),
           home_case("MN-1-1-2-1-001", "one security association abroad, at home and abroad", "5.1, 11.3.2, RFC 3776 4.2",
                     association_outlives_the_way_home),
           home_case("X-MN-06", "no duplicate address detection while the binding lives", "11.5.5", no_detection_while_bound),
           home_case("X-MN-07", "the home address is not used at home before the de-registration", "11.5.5",
                     unused_before_deregistration),
           home_case("X-MN-08", "the home link is known by its prefix", "11.5.2", other_router),
           home_case("X-MN-21", "another node has the home address", "11.5.5, RFC 4862 5.4", somebody_else_has_it)}};
}

}  // namespace mipflow::conformance::mobile
