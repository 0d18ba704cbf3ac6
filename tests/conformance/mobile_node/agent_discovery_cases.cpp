// SPDX-License-Identifier: GPL-3.0-or-later
// Dynamic home agent address discovery, RFC 6275 §11.4.1. The tester is all home agents of the home network.
#include "conformance/mobile_node/bench.hpp"
#include "conformance/mobile_node/groups.hpp"
#include "mipflow/wire/checksum.hpp"

namespace mipflow::conformance::mobile {

namespace {

const Address kAnycast = *Address::parse("2001:db8:100:0:fdff:ffff:ffff:fffe");
const Address kHomeAgent0 = *Address::parse("2001:db8:100::a");
const Address kHomeAgent1 = *Address::parse("2001:db8:100::b");
constexpr std::uint8_t kInsufficientResources = 130;

using Request = Found<wire::HomeAgentAddressDiscoveryRequest>;

std::string name_of(const Address& home_agent) { return home_agent == kHomeAgent0 ? "HA0" : home_agent == kHomeAgent1 ? "HA1" : to_string(home_agent); }

// The request on the wire: addresses, headers, Code, Reserved, length.
Request expect_request(MobileBench& bench, const Address& from, Duration within = 2s) {
  const auto request = bench.next<wire::HomeAgentAddressDiscoveryRequest>(within, [](const auto&) { return true; });
  require(request.has_value(), "wanted a HAAD Request, got " + bench.rest());
  const auto view = request->seen.view();
  require(!request->seen.tunnel && view.source == from && view.destination == kAnycast && !view.home_address_option &&
              !view.routing_header_home_address,
          "wanted a HAAD Request from " + to_string(from) + " to the anycast address, got " + request->seen.text());
  const BytesView octets = view.payload;
  require(octets.size() == 8 && octets[1] == 0 && octets[6] == 0 && octets[7] == 0, "wanted Code and Reserved 0, and 8 octets");
  bench.saw("HAAD Request");
  return *request;
}

void reply(MobileBench& bench, const Request& request, const std::vector<Address>& home_agents, std::uint16_t reserved = 0) {
  constexpr std::size_t kHeader = 40, kChecksum = kHeader + 2, kReserved = kHeader + 6;
  const Address& to = request.seen.view().source;
  const Bytes packet = wire::build_packet({.source = home_agents.front(), .destination = to},
                                    wire::Icmpv6Message{wire::HomeAgentAddressDiscoveryReply{request.message.identifier, home_agents}});
  Writer patched;
  patched.bytes(packet);
  patched.patch_u16(kReserved, reserved);
  patched.patch_u16(kChecksum, 0);
  patched.patch_u16(kChecksum, wire::upper_layer_checksum(kProtocolIcmpv6, home_agents.front(), to, BytesView(patched.view()).subspan(kHeader)));
  bench.send(patched.take());
}

Found<wire::BindingUpdate> expect_registration(MobileBench& bench, const Address& home_agent, Duration within = 5s) {
  const auto update = bench.next<wire::BindingUpdate>(within, [](const auto&) { return true; });
  require(update.has_value(), "wanted a BU to " + name_of(home_agent) + ", got " + bench.rest());
  const auto view = update->seen.view();
  require(view.destination == home_agent && view.home_address_option == kHome && update->message.home_registration &&
              update->message.acknowledge,
          "wanted a home registration with " + name_of(home_agent) + ", got " + update->seen.text());
  bench.saw("BU to " + name_of(home_agent));
  return *update;
}

void acknowledge(MobileBench& bench, const Found<wire::BindingUpdate>& update, std::uint8_t status, std::uint16_t lifetime = 30) {
  const auto view = update.seen.view();
  bench.send(MobilityHeader(kBindingAcknowledgement, binding_acknowledgement_data(status, update.message.sequence, lifetime))
                 .packet({.source = view.destination, .destination = view.source, .routing_header_home_address = view.home_address_option}));
}

// Abroad, without having been at home.
Request asked_abroad(MobileBench& bench) {
  bench.node.connect(3, kLinkX);
  return expect_request(bench, kLinkX);
}

void registers_with(MobileBench& bench, const std::vector<Address>& named, const Address& home_agent, std::uint16_t reserved = 0) {
  reply(bench, asked_abroad(bench), named, reserved);
  acknowledge(bench, expect_registration(bench, home_agent), 0);
  bench.wait(1s);
  require(bench.node.registered(), "the mobile node is not registered");
}

// Asks at home, and registers when it has left.
void asked_at_home(MobileBench& bench) {
  bench.network.assign(kHome, bench.node.link(3));
  bench.node.connect(3, kAtHome);
  const auto request = expect_request(bench, kAtHome);
  reply(bench, request, {kHomeAgent0});
  bench.wait(10s);
  require(!bench.next<wire::BindingUpdate>({}, [](const auto&) { return true; }), "a BU at home, where there was no binding");
  bench.network.unassign(kHome);
  bench.node.renumber(3, kLinkX);
  acknowledge(bench, expect_registration(bench, kHomeAgent0), 0);
  bench.wait(1s);
  require(bench.node.registered(), "the mobile node is not registered");
}

void backoff(MobileBench& bench) {
  constexpr unsigned kRetries = 4;  // DHAAD_RETRIES
  constexpr Duration kTolerance = 20ms;
  auto last = asked_abroad(bench);
  Duration gap = 3s;  // INITIAL_DHAAD_TIMEOUT
  for (unsigned i = 0; i < kRetries; ++i, gap *= 2) {
    const auto again = expect_request(bench, kLinkX, gap + 1s);
    const Duration passed = again.seen.at - last.seen.at;
    require(passed > gap - kTolerance && passed < gap + kTolerance,
            "repeated after " + std::to_string(passed / 1ms) + " ms, wanted " + std::to_string(gap / 1ms));
    require(again.message.identifier == last.message.identifier, "the repetition has another identifier");
    last = again;
  }
  bench.saw("gaps doubling from 3 s");
  const auto fifth = bench.next<wire::HomeAgentAddressDiscoveryRequest>(gap, [](const auto&) { return true; });
  require(!fifth, "more than DHAAD_RETRIES repetitions");
  bench.saw("none more for 48 s");
}

void current_one_refuses(MobileBench& bench) {
  registers_with(bench, {kHomeAgent0}, kHomeAgent0);
  const auto refresh = bench.next<wire::BindingUpdate>(130s, [](const auto&) { return true; });
  require(refresh && refresh->seen.view().destination == kHomeAgent0, "wanted the refresh with HA0, got " + bench.rest());
  bench.saw("BU to HA0");
  acknowledge(bench, *refresh, kInsufficientResources, 0);
  reply(bench, expect_request(bench, kLinkX, 10s), {kHomeAgent1, kHomeAgent0});
  acknowledge(bench, expect_registration(bench, kHomeAgent1), 0);
  bench.wait(1s);
  require(bench.node.registered(), "the mobile node is not registered");
}

void first_one_refuses(MobileBench& bench) {
  constexpr Duration kShortest = 1500ms;  // InitialBindackTimeoutFirstReg
  reply(bench, asked_abroad(bench), {kHomeAgent0, kHomeAgent1});
  const auto first = expect_registration(bench, kHomeAgent0);
  acknowledge(bench, first, kInsufficientResources, 0);
  const auto second = expect_registration(bench, kHomeAgent1);
  require(second.seen.at - first.seen.at >= kShortest, "HA1 was asked " + std::to_string((second.seen.at - first.seen.at) / 1ms) + " ms after HA0");
  bench.saw("1.5 s later");
  acknowledge(bench, second, 0);
  bench.wait(1s);
  require(bench.node.registered(), "the mobile node is not registered");
}

Case discovery_case(std::string id, std::string title, std::string section, std::function<void(MobileBench&)> run, std::string remark = {}) {
  return {std::move(id), std::move(title), std::move(section),
          [run = std::move(run)](Record& record) {
            auto configuration = usual_configuration();
            configuration.home_agent = {};
            MobileBench bench(record, 2, configuration);
            run(bench);
          },
          std::move(remark)};
}

}  // namespace

Group agent_discovery_cases() {
  return {"Home agent address discovery",
          {discovery_case("MN-5-1-1-1-001", "a request on the home link", "11.4.1, 6.5", asked_at_home),
           discovery_case("MN-5-1-1-1-005", "a request from abroad", "11.4.1, 6.5",
                          [](MobileBench& bench) { registers_with(bench, {kHomeAgent0}, kHomeAgent0); }),
           discovery_case("MN-5-1-1-1-006", "nobody answers", "11.4.1, 12", backoff),
           discovery_case("MN-5-1-2-1-002", "a reply on the home link", "11.4.1", asked_at_home),
           discovery_case("MN-5-1-2-1-016", "a reply abroad", "11.4.1",
                          [](MobileBench& bench) { registers_with(bench, {kHomeAgent1}, kHomeAgent1); }),
           discovery_case("MN-5-1-2-1-021", "reserved bits of the reply", "6.6, 11.4.1",
                          [](MobileBench& bench) { registers_with(bench, {kHomeAgent0}, kHomeAgent0, 0xffff); }),
           discovery_case("MN-5-1-2-1-026", "two home agents, HA0 first", "11.4.1",
                          [](MobileBench& bench) { registers_with(bench, {kHomeAgent0, kHomeAgent1}, kHomeAgent0); }),
           discovery_case("MN-5-1-2-1-027", "two home agents, HA1 first", "11.4.1",
                          [](MobileBench& bench) { registers_with(bench, {kHomeAgent1, kHomeAgent0}, kHomeAgent1); }),
           discovery_case("MN-5-1-2-1-028", "the one that serves refuses", "11.4.1, 11.7.1", current_one_refuses,
                          "HA0 is known by discovery: one that stands alone in the configuration is never left"),
           discovery_case("MN-5-1-2-1-029", "the first one of the list refuses", "11.4.1, 13", first_one_refuses)}};
}

}  // namespace mipflow::conformance::mobile
