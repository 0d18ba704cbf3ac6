// SPDX-License-Identifier: GPL-3.0-or-later
// The mobile node's direct paths: Home Address option out, type 2 routing header in.
#include "route_optimized_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::packets;

namespace {

const Ends kOut{kHome1, kCorrespondent};
const Ends kIn{kCorrespondent, kHome1};

// What stands behind the Home Address option of a packet that left from the care-of address; fails when it is none.
Octets leaving(const Ran& ran, const Address& care_of, const Address& home) {
  REQUIRE(ran.verdict == kRedirect);
  const Read outer = read(ran.packet);
  CHECK(to_string(outer.source) == to_string(care_of));
  CHECK(to_string(outer.destination) == to_string(kCorrespondent));
  CHECK(outer.next_header == kDestinationOptions);
  CHECK(outer.payload_octets == ran.packet.size() - kIpv6Header);
  REQUIRE(outer.payload.size() >= 24);
  CHECK(Octets(outer.payload.begin(), outer.payload.begin() + 24) == home_address_option(outer.payload[0], home));
  return Octets(outer.payload.begin() + 24, outer.payload.end());
}

}  // namespace

TEST_CASE_METHOD(RouteOptimizedFixture, "a route-optimised flow leaves with a Home Address option and its own checksum") {
  const auto check = [&](const Octets& packet, std::uint8_t protocol, std::uint16_t port, std::uint16_t correspondent_port) {
    flow(protocol, port, correspondent_port);
    const Ran ran = out(packet);
    CHECK(leaving(ran, kCareOf, kHome1) == read(packet).payload);
    CHECK(ran.packet[kIpv6Header] == protocol);
    CHECK(ran.packet[7] == packet[7]);
    CHECK(counter(*path, "route_optimized_out") == 1);
    CHECK(counter(*path, "tunnelled_out") == 0);
    CHECK(activity().bytes_out == packet.size());
  };
  SECTION("TCP") { check(tcp(kOut, 1000, 80), kTcp, 1000, 80); }
  SECTION("TCP, odd length") { check(tcp(kOut, 1000, 80, kAck, 33), kTcp, 1000, 80); }
  SECTION("UDP without data") { check(udp(kOut, 1000, 53, 0), kUdp, 1000, 53); }
  SECTION("ICMPv6 echo") { check(echo(kOut, 128, 4711), kIcmpv6, 4711, 4711); }
  SECTION("other flows of the home address keep to the tunnel") {
    flow(kTcp, 1000, 80);
    const Read outer = read(out(tcp(kOut, 1001, 80)).packet);
    CHECK(outer.next_header == kIpv6);
    CHECK(outer.destination == kHomeAgent);
  }
}

TEST_CASE_METHOD(RouteOptimizedFixture, "a flow whose socket has another address is rewritten before the option names its home address") {
  flow(kTcp, 1000, 80, kHome2, 12);
  const Octets upper = leaving(out(tcp(kOut, 1000, 80)), kOtherCareOf, kHome2);
  CHECK(transport_sum(kHome2, kCorrespondent, kTcp, upper) == 0xffff);
}

TEST_CASE_METHOD(RouteOptimizedFixture, "moving a route-optimised binding moves its flows") {
  flow(kTcp, 1000, 80, kHome2, 12);
  must(path->set_binding(12, direct(kHome2, kCareOf, "wlan0")));
  leaving(out(tcp(kOut, 1000, 80)), kCareOf, kHome2);
  must(path->set_binding(12, binding(kHome2, kOtherCareOf, "wwan0")));  // back into the tunnel
  CHECK(read(out(tcp(kOut, 1000, 80)).packet).next_header == kIpv6);
}

TEST_CASE_METHOD(RouteOptimizedFixture, "a device that knows nothing about tunnels gets the same packets, marked for the kernel") {
  flow(kUdp, 1000, 53);
  const Octets packet = udp(kOut, 1000, 53);
  const Octets before = out(packet).packet;
  shell("ethtool -K wlan0 tx-ipxip6-segmentation off");
  must(path->attach_uplink(interface_named("wlan0")));
  CHECK(out(packet).packet == before);
  shell("ethtool -K wlan0 tx-ipxip6-segmentation on");
  must(path->detach_uplink(interface_named("wlan0")));  // nothing is known about it now
  CHECK(out(packet).packet == before);
}

TEST_CASE_METHOD(RouteOptimizedFixture, "an arriving type 2 routing header is taken off") {
  const auto check = [&](const Octets& packet) {
    const Ran ran = in(behind_routing_header(packet, kHome1));
    REQUIRE(ran.verdict == kToMip0);
    CHECK(ran.packet == packet);
    CHECK(counter(*path, "route_optimized_in") == 1);
  };
  SECTION("TCP") { check(tcp(kIn, 80, 1000)); }
  SECTION("UDP") { check(udp(kIn, 53, 1000)); }
  SECTION("echo reply") { check(echo(kIn, 129, 4711)); }
  SECTION("a flow whose socket has another address") {
    flow(kTcp, 1000, 80, kHome2, 12);
    const Read inner = read(in(behind_routing_header(tcp({kCorrespondent, kHome2}, 80, 1000), kHome2)).packet);
    CHECK(inner.destination == kHome1);
    CHECK(checksum_is_right(inner));
    CHECK(activity().packets_in == 1);
  }
}

TEST_CASE_METHOD(RouteOptimizedFixture, "what is read back from the kernel is what was set") {
  CHECK(path->bindings().at(12) == direct(kHome2, kOtherCareOf, "wwan0"));
  CHECK(path->bindings().at(1).header == forwarding::HeaderKind::Tunnel);
  CHECK(path->routing_header_sources().size() == 2);
  must(path->erase_routing_header_source({kHome2, kCorrespondent}));
  CHECK(path->routing_header_sources() == std::unordered_set<forwarding::HomeAddressAndCorrespondent>{{kHome1, kCorrespondent}});
}

TEST_CASE_METHOD(RouteOptimizedFixture, "what can not carry the option goes through the tunnel of its home address") {
  const auto tunnelled_is = [&](const Octets& packet) {
    const Read outer = read(out(packet).packet);
    CHECK(outer.destination == kHomeAgent);
    CHECK(outer.payload == packet);
    CHECK(counter(*path, "not_optimized") == 1);
  };
  flow(kUdp, 1000, 53);
  SECTION("hop-by-hop options") {
    tunnelled_is(ipv6(kOut, 0, joined({kUdp, 0, 5, 2, 0, 0, 1, 0}, udp_header_and(kOut, 1000, 53, 20))));
  }
  SECTION("a routing header of the application's") {
    const Octets routing{kUdp, 2, 4, 0, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
    tunnelled_is(ipv6(kOut, kRouting, joined(routing, udp_header_and(kOut, 1000, 53, 20))));
  }
  SECTION("an error that goes to somebody else than the correspondent node") {
    const Octets offending = udp({kCorrespondent, kHome1}, 53, 1000);
    const Octets error = icmpv6_error({kHome1, kRouter}, 1, 0, offending);
    tunnelled_is(error);
  }
  SECTION("its own destination options may follow the option") {
    const Octets options{kUdp, 0, 1, 4, 0, 0, 0, 0};
    const Octets packet = ipv6(kOut, kDestinationOptions, joined(options, udp_header_and(kOut, 1000, 53, 20)));
    CHECK(leaving(out(packet), kCareOf, kHome1) == read(packet).payload);
  }
}

TEST_CASE_METHOD(RouteOptimizedFixture, "every fragment gets its own option in front of the Fragment header") {
  flow(kUdp, 1000, 53, kHome2, 12);
  const Octets whole = udp_header_and(kOut, 1000, 53, 1200);
  const auto fragment = [&](std::size_t from, std::size_t to, bool more) {
    Octets header{kUdp, 0, 0, 0, 0, 0, 0, 9};
    put16(header, 2, static_cast<std::uint32_t>(from | (more ? 1 : 0)));
    return ipv6(kOut, kFragment, joined(header, Octets(whole.begin() + static_cast<std::ptrdiff_t>(from), whole.begin() + static_cast<std::ptrdiff_t>(to))));
  };
  Octets data;
  for (const Octets& packet : {fragment(0, 800, true), fragment(800, whole.size(), false)}) {
    const Octets behind = leaving(out(packet), kOtherCareOf, kHome2);
    data.insert(data.end(), behind.begin() + 8, behind.end());
  }
  CHECK(transport_sum(kHome2, kCorrespondent, kUdp, data) == 0xffff);
}

TEST_CASE_METHOD(RouteOptimizedFixture, "fragments behind a type 2 routing header arrive at the flow's socket") {
  flow(kUdp, 1000, 53, kHome2, 12);
  const Ends ends{kCorrespondent, kHome2};
  const Octets whole = udp_header_and(ends, 53, 1000, 1200);
  const auto arriving = [&](std::size_t from, std::size_t to, bool more) {
    Octets header{kUdp, 0, 0, 0, 0, 0, 9, 9};
    put16(header, 2, static_cast<std::uint32_t>(from | (more ? 1 : 0)));
    const Octets packet = ipv6(ends, kFragment, joined(header, Octets(whole.begin() + static_cast<std::ptrdiff_t>(from), whole.begin() + static_cast<std::ptrdiff_t>(to))));
    const Ran ran = in(behind_routing_header(packet, kHome2));
    REQUIRE(ran.verdict == kToMip0);
    CHECK(read(ran.packet).destination == kHome1);
    CHECK(read(ran.packet).payload.size() == read(packet).payload.size());
  };
  arriving(0, 800, true);
  arriving(800, whole.size(), false);
}

TEST_CASE_METHOD(RouteOptimizedFixture, "a packet longer than the direct path carries is answered, what every link carries is tunnelled") {
  shell("ip link set wlan0 mtu 1400");
  must(path->refresh_next_hops());
  flow(kTcp, 1000, 80);
  const auto of_length = [&](std::size_t octets) { return out(tcp(kOut, 1000, 80, kAck, octets - 60)); };
  CHECK(leaving(of_length(1376), kCareOf, kHome1).size() == 1336);
  const Ran too_long = of_length(1377);
  REQUIRE(too_long.verdict == kRedirect);
  const Read answer = read(too_long.packet);
  CHECK(answer.source == kCareOf);
  CHECK(answer.destination == kHome1);
  CHECK(answer.payload[0] == 2);
  CHECK(get32(answer.payload, 4) == 1376);
  CHECK(checksum_is_right(answer));

  shell("ip link set wlan0 mtu 1290");
  must(path->refresh_next_hops());
  CHECK(leaving(of_length(1266), kCareOf, kHome1).size() == 1226);
  const Read outer = read(of_length(1267).packet);  // the second of two fragments
  CHECK(outer.destination == kHomeAgent);
  CHECK(outer.next_header == kFragment);
  CHECK(get32(read(of_length(1281).packet).payload, 4) == 1280);
  shell("ip link set wlan0 mtu 1500");
}

TEST_CASE_METHOD(RouteOptimizedFixture, "type 2 routing headers that do not match are dropped without a word") {
  const Octets packet = udp(kIn, 53, 1000);
  const auto with = [&](std::size_t place, std::uint8_t octet) {
    Octets out = behind_routing_header(packet, kHome1);
    out.at(kIpv6Header + place) = octet;
    return out;
  };
  const auto refused = [&](const Octets& arriving) {
    CHECK(in(arriving).verdict == kDrop);
    CHECK(read_all(*path).packets.empty());
    CHECK(counter(*path, "routing_header_refused") == 1);
  };
  SECTION("no segment left") { refused(with(3, 0)); }
  SECTION("two segments left") { refused(with(3, 2)); }
  SECTION("another length") { refused(with(1, 4)); }
  SECTION("not a home address of ours") { refused(behind_routing_header(packet, kCareOf)); }
  SECTION("from a node without a binding") {
    refused(behind_routing_header(udp({kRouter, kHome1}, 53, 1000), kHome1, {kRouter, kCareOf}));
  }
  SECTION("a binding of another home address") {
    must(path->erase_routing_header_source({kHome1, kCorrespondent}));
    refused(behind_routing_header(packet, kHome1));
  }
  SECTION("to the home address itself") { refused(behind_routing_header(packet, kHome1, {kCorrespondent, kHome1})); }
  SECTION("to another address of this node") {
    shell("ip -6 addr add 2001:db8:1::77/64 dev wlan0 nodad");
    refused(behind_routing_header(packet, kHome1, {kCorrespondent, address("2001:db8:1::77")}));
    shell("ip -6 addr del 2001:db8:1::77/64 dev wlan0");
  }
  SECTION("two of them") {
    const Octets upper = read(packet).payload;
    refused(ipv6({kCorrespondent, kCareOf}, kRouting,
                 joined(type_2_routing_header(kRouting, kHome1), joined(type_2_routing_header(kUdp, kHome2), upper))));
  }
  SECTION("behind the Fragment header") {
    refused(ipv6({kCorrespondent, kCareOf}, kFragment,
                 joined({kRouting, 0, 0, 1, 0, 0, 0, 5}, joined(type_2_routing_header(kUdp, kHome1), read(packet).payload))));
  }
}

TEST_CASE_METHOD(RouteOptimizedFixture, "the home agent may send its own packets with a type 2 routing header, to every home address") {
  for (const auto& home : {kHome1, kHome2}) {
    const Octets packet = udp({kHomeAgent, home}, 53, 1000);
    const Ran ran = in(behind_routing_header(packet, home, {kHomeAgent, kCareOf}));
    REQUIRE(ran.verdict == kToMip0);
    CHECK(ran.packet == packet);
  }
  CHECK(in(behind_routing_header(udp({kHomeAgent, kRouter}, 53, 1000), kRouter, {kHomeAgent, kCareOf})).verdict == kDrop);
  must(path->erase_home_agent(kHomeAgent));
  CHECK(in(behind_routing_header(udp({kHomeAgent, kHome1}, 53, 1000), kHome1, {kHomeAgent, kCareOf})).verdict == kDrop);
  must(path->set_home_agent(kHomeAgent));
}

TEST_CASE_METHOD(RouteOptimizedFixture, "neighbour discovery behind a type 2 routing header is refused") {
  for (std::uint8_t type = 133; type <= 137; ++type)
    CHECK(in(behind_routing_header(icmpv6(kIn, type, filler(28), 0, 255), kHome1)).verdict == kDrop);
  CHECK(counter(*path, "inner_refused") == 5);
}

TEST_CASE_METHOD(RouteOptimizedFixture, "behind other headers the routing header becomes options that nobody looks at") {
  const Octets upper = udp_header_and(kIn, 53, 1000, 20);
  const Octets router_alert{kRouting, 0, 5, 2, 0, 0, 1, 0};
  const Ran ran = in(ipv6({kCorrespondent, kCareOf}, 0, joined(router_alert, joined(type_2_routing_header(kUdp, kHome1), upper))));
  REQUIRE(ran.verdict == kToMip0);
  const Read inner = read(ran.packet);
  CHECK(inner.destination == kHome1);
  REQUIRE(inner.payload.size() == 8 + 24 + upper.size());
  CHECK(inner.payload[0] == kDestinationOptions);
  CHECK(inner.payload[8] == kUdp);
  CHECK(inner.payload[10] == 0x1e);
  CHECK(inner.payload[11] == 20);
  CHECK(transport_sum(kCorrespondent, kHome1, kUdp, std::span(inner.payload).subspan(32)) == 0xffff);
}

TEST_CASE_METHOD(RouteOptimizedFixture, "packets with a type 2 routing header cut anywhere do no harm") {
  const Octets whole = behind_routing_header(tcp(kIn, 80, 1000), kHome1);
  for (std::size_t length = kIpv6Header; length < whole.size(); ++length) {
    INFO("cut behind " << length);
    const Ran ran = in(Octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
    CHECK((ran.verdict == kPass || ran.verdict == kDrop || ran.verdict == kToMip0));
    if (length < kIpv6Header + 24 + 14) CHECK(ran.verdict != kToMip0);
  }
}

TEST_CASE_METHOD(RouteOptimizedFixture, "a flow of another home address than its direct binding's goes through its own tunnel") {
  flow(kTcp, 1000, 80, kHome2, 11);
  const Ran ran = out(tcp(kOut, 1000, 80));
  REQUIRE(ran.verdict == kRedirect);
  CHECK(read(ran.packet).source == kOtherCareOf);
  CHECK(read(ran.packet).destination == kHomeAgent);
  CHECK(read(read(ran.packet).payload).source == kHome2);
  CHECK(counter(*path, "not_optimized") == 1);
  SECTION("or nowhere, when there is none") {
    must(path->erase_home_address(kHome2));
    CHECK(out(tcp(kOut, 1000, 80)).verdict == kDrop);
    CHECK(counter(*path, "no_binding") == 1);
  }
}

TEST_CASE_METHOD(RouteOptimizedFixture, "type 2 routing headers to others pass, whether their neighbour is known or not") {
  const char* neighbour = GENERATE("true", "ip -6 neigh replace 2001:db8:1::1 lladdr 02:00:00:00:00:99 dev wlan0");
  shell(neighbour);
  const Octets packet = behind_routing_header(udp(kIn, 53, 1000), kHome1, {kCorrespondent, address("2001:db8:77::1")});
  const Ran ran = in(packet);
  CHECK(ran.verdict == kPass);
  CHECK(ran.packet == packet);
  shell("ip -6 neigh flush dev wlan0");
}

TEST_CASE_METHOD(RouteOptimizedFixture, "a type 2 routing header that is cut is refused") {
  const Octets whole = ipv6({kCorrespondent, kCareOf}, kRouting, type_2_routing_header(59, kHome1));
  for (std::size_t octets = kIpv6Header + 8; octets < whole.size(); ++octets) CHECK(in(front_of(whole, octets)).verdict == kDrop);
  CHECK(counter(*path, "routing_header_refused") == 16);
  CHECK(in(whole).verdict == kToMip0);
}

TEST_CASE_METHOD(RouteOptimizedFixture, "what a routing header leads to a home address is no tunnel, not even from the home agent") {
  const Octets inner = tcp({kCorrespondent, kHome1}, 80, 1000);
  const auto behind = [&](const Ends& ends) { return ipv6(ends, kRouting, joined(type_2_routing_header(kIpv6, kHome1), inner)); };
  CHECK(in(behind({kRouter, kCareOf})).verdict == kDrop);
  CHECK(counter(*path, "routing_header_refused") == 1);
  // A packet of the home agent's own (decision 23), whatever is in it.
  const Ran ran = in(behind(kOuterIn));
  REQUIRE(ran.verdict == kToMip0);
  CHECK(ran.packet == ipv6({kHomeAgent, kHome1}, kIpv6, inner));
}

TEST_CASE_METHOD(RouteOptimizedFixture, "a packet that ends in front of the checksum that has to change is lost, both ways") {
  flow(kTcp, 1000, 80, kHome2, 12);
  const Octets sent = tcp(kOut, 1000, 80), arriving = tcp({kCorrespondent, kHome2}, 80, 1000);
  for (std::size_t octets = 14; octets < 18; ++octets) {
    INFO(octets);
    CHECK(out(front_of(sent, kIpv6Header + octets)).verdict == kDrop);
    CHECK(in(behind_routing_header(front_of(arriving, kIpv6Header + octets), kHome2)).verdict == kDrop);
    CHECK(in_tunnel(front_of(arriving, kIpv6Header + octets)).verdict == kDrop);
  }
  CHECK(counter(*path, "rewriting_failed") == 12);
  CHECK(out(front_of(sent, kIpv6Header + 18)).verdict == kRedirect);
  CHECK(in_tunnel(front_of(arriving, kIpv6Header + 18)).verdict == kToMip0);
}
