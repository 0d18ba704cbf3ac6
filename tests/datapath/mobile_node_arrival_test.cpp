// SPDX-License-Identifier: GPL-3.0-or-later
// Packets that come in at an uplink of a mobile node: out of the tunnel, or signalling.
#include "mobile_node_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::packets;

namespace {

const Ends kIn1{kCorrespondent, kHome1};
const Ends kIn2{kCorrespondent, kHome2};

Octets delivered(const Ran& ran) {
  REQUIRE(ran.verdict == kToMip0);
  return ran.packet;
}

}  // namespace

TEST_CASE_METHOD(MobileNodeFixture, "a packet from the home agent's tunnel comes out as it went in") {
  const Octets inner = tcp(kIn1, 80, 1000);
  CHECK(delivered(in_tunnel(inner)) == inner);
  CHECK(counter(*path, "tunnelled_in") == 1);
}

TEST_CASE_METHOD(MobileNodeFixture, "a flow arrives with the address that its socket has and a right checksum") {
  const auto check = [&](const Octets& packet, std::uint8_t protocol, std::uint16_t port, std::uint16_t correspondent_port) {
    rewrite(protocol, port, correspondent_port);
    const Read inner = read(delivered(in_tunnel(packet)));
    CHECK(to_string(inner.destination) == to_string(kHome1));
    CHECK(to_string(inner.source) == to_string(kCorrespondent));
    CHECK(checksum_is_right(inner));
    const FlowActivity flow = activity();
    CHECK(flow.packets_in == 1);
    CHECK(flow.bytes_in == packet.size());
    CHECK(flow.packets_out == 0);
  };
  SECTION("TCP") { check(tcp(kIn2, 80, 1000), kTcp, 1000, 80); }
  SECTION("UDP") { check(udp(kIn2, 53, 1000), kUdp, 1000, 53); }
  SECTION("ICMPv6 echo reply") { check(echo(kIn2, 129, 4711), kIcmpv6, 4711, 4711); }
}

TEST_CASE_METHOD(MobileNodeFixture, "other packets to the same home address are left alone") {
  rewrite(kUdp, 1000, 53);
  for (const Octets& packet : {udp(kIn2, 53, 1001), udp(kIn2, 54, 1000), tcp(kIn2, 53, 1000), udp({kHomeAgent, kHome2}, 53, 1000)})
    CHECK(delivered(in_tunnel(packet)) == packet);
}

TEST_CASE_METHOD(MobileNodeFixture, "fragments of a flow arrive with the address that its socket has") {
  rewrite(kUdp, 1000, 53);
  const Octets whole = udp_header_and(kIn2, 53, 1000, 1200);
  const auto fragment = [&](std::size_t from, std::size_t to, bool more) {
    Octets header{kUdp, 0, 0, 0, 0, 0, 9, 9};
    put16(header, 2, static_cast<std::uint32_t>(from | (more ? 1 : 0)));
    return ipv6(kIn2, kFragment, joined(header, Octets(whole.begin() + static_cast<std::ptrdiff_t>(from), whole.begin() + static_cast<std::ptrdiff_t>(to))));
  };
  const Octets late = fragment(800, whole.size(), false);
  CHECK(delivered(in_tunnel(late)) == late);  // nothing is known about it yet
  CHECK(counter(*path, "fragments_unmatched") == 1);
  CHECK(read(delivered(in_tunnel(fragment(0, 800, true)))).destination == kHome1);
  CHECK(read(delivered(in_tunnel(late))).destination == kHome1);
}

TEST_CASE_METHOD(MobileNodeFixture, "a tunnel encapsulation limit in front of the inner packet is taken off too") {
  const Octets inner = tcp(kIn1, 80, 1000);
  const Octets packet = ipv6(kOuterIn, kDestinationOptions, joined({kIpv6, 0, 4, 1, 4, 1, 1, 0}, inner));
  CHECK(delivered(in(packet)) == inner);
}

TEST_CASE_METHOD(MobileNodeFixture, "congestion marks of the outer header, RFC 6040 section 4.2") {
  const auto arriving = [&](std::uint8_t outer, std::uint8_t inner) {
    Octets packet = tcp(kIn1, 80, 1000);
    packet[1] = static_cast<std::uint8_t>(packet[1] | inner << 4);
    return in(tunnelled(kOuterIn, packet, outer));
  };
  CHECK(read(delivered(arriving(0, 2))).traffic_class == 2);
  CHECK(read(delivered(arriving(2, 1))).traffic_class == 1);
  CHECK(read(delivered(arriving(3, 2))).traffic_class == 3);
  CHECK(read(delivered(arriving(3, 1))).traffic_class == 3);
  CHECK(read(delivered(arriving(3, 3))).traffic_class == 3);
  CHECK(arriving(3, 0).verdict == kDrop);
  CHECK(counter(*path, "congestion_lost") == 1);
}

TEST_CASE_METHOD(MobileNodeFixture, "tunnelled packets that are not accepted") {
  SECTION("from somebody who is not the home agent") {
    CHECK(in(tunnelled({kCorrespondent, kCareOf}, tcp(kIn1, 80, 1000))).verdict == kDrop);
    CHECK(counter(*path, "wrong_tunnel_source") == 1);
  }
  SECTION("another tunnel's: the inner destination is no home address, or it is not for a care-of address") {
    for (const Octets& packet : {tunnelled(kOuterIn, tcp({kCorrespondent, kHomeAgent}, 80, 1000)),
                                 tunnelled({kHomeAgent, kCorrespondent}, tcp(kIn1, 80, 1000))}) {
      const Ran ran = in(packet);
      CHECK(ran.verdict == kPass);
      CHECK(ran.packet == packet);
    }
  }
  SECTION("neighbour discovery out of a tunnel") {
    for (std::uint8_t type = 133; type <= 137; ++type)
      CHECK(in_tunnel(icmpv6({kCorrespondent, kHome1}, type, filler(28), 0, 255)).verdict == kDrop);
    CHECK(counter(*path, "inner_refused") == 5);
  }
  SECTION("link-local, multicast or loopback source") {
    for (const char* source : {"fe80::1", "ff02::1", "::1", "::"})
      CHECK(in_tunnel(tcp({address(source), kHome1}, 80, 1000)).verdict == kDrop);
    CHECK(counter(*path, "inner_refused") == 4);
  }
  SECTION("from ourselves") {
    for (const Address& source : {kHome1, kHome2, kCareOf, kOtherCareOf})
      CHECK(in_tunnel(tcp({source, kHome1}, 80, 1000)).verdict == kDrop);
    CHECK(counter(*path, "inner_refused") == 4);
  }
}

TEST_CASE_METHOD(MobileNodeFixture, "an ICMPv6 error about a rewritten packet comes back to the socket that sent it") {
  rewrite(kTcp, 1000, 80);
  const Octets sent = tcp({kHome2, kCorrespondent}, 1000, 80, kAck, 1300);  // as it was on the wire
  const Address router = address("2001:db8:9::1");
  const Read error = read(delivered(in_tunnel(icmpv6_error({router, kHome2}, 2, 1400, sent))));
  CHECK(error.source == router);
  CHECK(error.destination == kHome1);
  CHECK(checksum_is_right(error));
  CHECK(get32(error.payload, 4) == 1400);
  const Read quoted = read(std::span(error.payload).subspan(8));
  CHECK(quoted.source == kHome1);
  CHECK(quoted.destination == kCorrespondent);
  // The quoted packet is cut, so its checksum is judged against the one of the packet that the socket had sent.
  CHECK(get16(quoted.payload, 16) == get16(tcp({kHome1, kCorrespondent}, 1000, 80, kAck, 1300), kIpv6Header + 16));
  CHECK(counter(*path, "errors_translated") == 1);

  SECTION("an error about another flow is left alone") {
    const Octets other = icmpv6_error({router, kHome2}, 1, 0, tcp({kHome2, kCorrespondent}, 1001, 80));
    CHECK(delivered(in_tunnel(other)) == other);
  }
  SECTION("an error cut in the quoted headers is left alone") {
    const Octets whole = tcp({kHome2, kCorrespondent}, 1000, 80);
    for (std::size_t length = 0; length < kIpv6Header + 14; ++length) {
      const Octets cut = icmpv6_error({router, kHome2}, 1, 0, Octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
      INFO("quoted " << length << " octets");
      CHECK(delivered(in_tunnel(cut)) == cut);
    }
  }
}

TEST_CASE_METHOD(MobileNodeFixture, "signalling goes into the ring and not to the kernel") {
  const auto check = [&](const Octets& packet) {
    CHECK(in(packet).verdict == kDrop);
    const auto ringed = read_all(*path);
    REQUIRE(ringed.packets.size() == 1);
    CHECK(ringed.packets[0].packet == packet);
    CHECK(ringed.packets[0].interface == interface_named("wlan0"));
    CHECK_FALSE(ringed.packets[0].tunnel_source);
    CHECK(ringed.packets[0].link_layer_source == LinkLayerAddress{2, 0, 0, 0, 0, 2});
  };
  SECTION("Mobility Header to a care-of address") { check(ipv6(kOuterIn, kMobility, mobility_header(kOuterIn, 6))); }
  SECTION("Mobility Header to a home address") {
    const Ends ends{kHomeAgent, kHome1};
    check(ipv6(ends, kMobility, mobility_header(ends, 6)));
  }
  SECTION("behind a type 2 routing header") {
    check(ipv6(kOuterIn, kRouting, joined(type_2_routing_header(kMobility, kHome1), mobility_header({kHomeAgent, kHome1}, 6))));
  }
  SECTION("behind a Home Address option") {
    check(ipv6(kOuterIn, kDestinationOptions, joined(home_address_option(kMobility, kHome2), mobility_header({kHome2, kCareOf}, 5))));
  }
  SECTION("behind both") {
    check(ipv6(kOuterIn, kRouting,
               joined(type_2_routing_header(kDestinationOptions, kHome1),
                      joined(home_address_option(kMobility, kHome2), mobility_header({kHome2, kHome1}, 5)))));
  }
  SECTION("agent discovery and prefix messages") {
    for (std::uint8_t type = 144; type <= 147; ++type) check(icmpv6(kOuterIn, type, filler(20)));
  }
  SECTION("prefix advertisement behind a type 2 routing header") {
    const Octets upper = read(icmpv6({kHomeAgent, kHome1}, 147, filler(36))).payload;
    check(ipv6(kOuterIn, kRouting, joined(type_2_routing_header(kIcmpv6, kHome1), upper)));
  }
  CHECK(counter(*path, "signalling") >= 1);
}

TEST_CASE_METHOD(MobileNodeFixture, "link-layer padding is no part of signalling") {
  const Octets packet = ipv6(kOuterIn, kMobility, mobility_header(kOuterIn, 6));
  CHECK(in(joined(packet, Octets(7, 0))).verdict == kDrop);
  const auto ringed = read_all(*path);
  REQUIRE(ringed.packets.size() == 1);
  CHECK(ringed.packets[0].packet == packet);
}

TEST_CASE_METHOD(MobileNodeFixture, "signalling out of the tunnel says where the tunnel came from") {
  const Octets inner = ipv6({kCorrespondent, kHome1}, kMobility, mobility_header({kCorrespondent, kHome1}, 3, 24));
  CHECK(in_tunnel(inner).verdict == kDrop);
  const auto ringed = read_all(*path);
  REQUIRE(ringed.packets.size() == 1);
  CHECK(ringed.packets[0].packet == inner);
  CHECK(ringed.packets[0].tunnel_source == kHomeAgent);
}

TEST_CASE_METHOD(MobileNodeFixture, "other nodes' signalling and ordinary traffic pass untouched") {
  const Ends others{kHomeAgent, kCorrespondent};
  const Octets upper = mobility_header(others, 5);
  for (const Octets& packet :
       {ipv6(others, kMobility, upper), icmpv6(others, 146, filler(4)), tcp(kOuterIn, 80, 1000), udp(kOuterIn, 53, 1000),
        echo(kOuterIn, 128, 1), icmpv6(kOuterIn, 134, filler(12), 0, 255),
        ipv6(kOuterIn, kFragment, joined({kMobility, 0, 0, 1, 0, 0, 0, 1}, upper))}) {
    const Ran ran = in(packet);
    CHECK(ran.verdict == kPass);
    CHECK(ran.packet == packet);
  }
  CHECK(run_frame(Role::MobileNode, "wlan0", true, frame(Octets(60, 0x45), 0x0800)).verdict == kPass);
  CHECK(read_all(*path).packets.empty());
}

TEST_CASE_METHOD(MobileNodeFixture, "signalling that is too long, or that nobody reads, is dropped and counted") {
  CHECK(in(ipv6(kOuterIn, kMobility, mobility_header(kOuterIn, 6, 2040))).verdict == kDrop);
  CHECK(counter(*path, "signalling_too_long") == 1);
  CHECK(in(ipv6(kOuterIn, kMobility, mobility_header(kOuterIn, 6, 2008))).verdict == kDrop);
  CHECK(read_all(*path).packets.size() == 1);
  const Octets packet = ipv6(kOuterIn, kMobility, mobility_header(kOuterIn, 6));
  for (int i = 0; i < 100; ++i) CHECK(in(packet).verdict == kDrop);
  const auto ringed = read_all(*path);
  CHECK(counter(*path, "ring_full") + ringed.packets.size() == 100);
  CHECK(counter(*path, "ring_full") > 0);
  CHECK(in(packet).verdict == kDrop);
  CHECK(read_all(*path).packets.size() == 1);
}

TEST_CASE_METHOD(MobileNodeFixture, "Packet Too Big from inside the tunnel becomes one for the sending socket") {
  rewrite(kTcp, 1000, 80);
  const Octets inner = tcp({kHome2, kCorrespondent}, 1000, 80, kAck, 1400 - 60);
  const Octets error = icmpv6_error({kRouter, kCareOf}, 2, 1380, tunnelled({kCareOf, kHomeAgent}, inner));
  const Ran ran = in(error);
  REQUIRE(ran.verdict == kRedirect);
  const Read relayed = read(ran.packet);
  CHECK(relayed.source == kCareOf);
  CHECK(relayed.destination == kHome1);
  CHECK(relayed.payload[0] == 2);
  CHECK(get32(relayed.payload, 4) == 1340);
  CHECK(checksum_is_right(relayed));
  const Read quoted = read(std::span(relayed.payload).subspan(8));
  CHECK(quoted.source == kHome1);
  CHECK(quoted.destination == kCorrespondent);
  CHECK(get16(quoted.payload, 0) == 1000);
  CHECK(counter(*path, "packet_too_big_relayed") == 1);
  const auto ringed = read_all(*path);
  REQUIRE(ringed.packets.size() == 1);
  CHECK(ringed.packets[0].packet == error);
}

TEST_CASE_METHOD(MobileNodeFixture, "a relayed MTU is never below the least that IPv6 knows") {
  const Octets inner = tcp({kHome1, kCorrespondent}, 1000, 80, kAck, 1400 - 60);
  const Ran ran = in(icmpv6_error({kRouter, kCareOf}, 2, 1290, tunnelled({kCareOf, kHomeAgent}, inner)));
  REQUIRE(ran.verdict == kRedirect);
  CHECK(get32(read(ran.packet).payload, 4) == 1280);
}

TEST_CASE_METHOD(MobileNodeFixture, "other errors about the tunnel go to the daemon and the kernel as they are") {
  const Octets small = tunnelled({kCareOf, kHomeAgent}, tcp({kHome1, kCorrespondent}, 1000, 80));
  for (const Octets& error : {icmpv6_error({kRouter, kCareOf}, 1, 0, small), icmpv6_error({kRouter, kCareOf}, 3, 0, small),
                              icmpv6_error({kRouter, kCareOf}, 4, 6, small),
                              // Too big, but no longer than every link has to carry: nothing to tell the socket.
                              icmpv6_error({kRouter, kCareOf}, 2, 1280, small)}) {
    expect_passed_and_told(in(error), *path, error);
  }
}

TEST_CASE_METHOD(MobileNodeFixture, "errors about what is not our tunnel are the kernel's business alone") {
  const Octets inner = tcp({kHome1, kCorrespondent}, 1000, 80, kAck, 1400 - 60);
  for (const Octets& error :
       {icmpv6_error({kRouter, kCareOf}, 2, 1380, tunnelled({kCareOf, kCorrespondent}, inner)),
        icmpv6_error({kRouter, kCareOf}, 2, 1380, tunnelled({kOtherCareOf, kHomeAgent}, inner)),
        icmpv6_error({kRouter, kCareOf}, 2, 1380, udp({kCareOf, kHomeAgent}, 1, 2, 1300)), icmpv6_error({kRouter, kCareOf}, 2, 1380, {})}) {
    const Ran ran = in(error);
    CHECK(ran.verdict == kPass);
    CHECK(ran.packet == error);
  }
  CHECK(read_all(*path).packets.empty());
}

TEST_CASE_METHOD(MobileNodeFixture, "packets cut anywhere do no harm") {
  rewrite(kTcp, 1000, 80);
  const Octets error = icmpv6_error({kRouter, kCareOf}, 2, 1380,
                                    tunnelled({kCareOf, kHomeAgent}, tcp({kHome2, kCorrespondent}, 1000, 80, kAck, 1300)));
  for (const Octets& whole : {tunnelled(kOuterIn, tcp(kIn2, 80, 1000)), error,
                              ipv6(kOuterIn, kRouting, joined(type_2_routing_header(kMobility, kHome1), mobility_header({kHomeAgent, kHome1}, 6)))}) {
    for (std::size_t length = kIpv6Header; length < std::min<std::size_t>(whole.size(), 200); ++length) {
      const Ran ran = in(Octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
      INFO("cut behind " << length << " of " << whole.size());
      CHECK((ran.verdict == kPass || ran.verdict == kDrop || ran.verdict == kToMip0 || ran.verdict == kRedirect));
    }
  }
  for (const auto& packet : read_all(*path).packets) CHECK(packet.packet.size() < 200);
}
