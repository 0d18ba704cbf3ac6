// SPDX-License-Identifier: GPL-3.0-or-later
// Packets of local sockets on their way into the tunnel: mip0's egress program.
#include "mobile_node_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::packets;

namespace {

const Ends kOut{kHome1, kCorrespondent};

// The inner packet of what left; fails unless it left through the tunnel from `care_of`.
Octets leaving(const Ran& ran, const Address& care_of) {
  REQUIRE(ran.verdict == kRedirect);
  const Read outer = read(ran.packet);
  CHECK(to_string(outer.source) == to_string(care_of));
  CHECK(to_string(outer.destination) == to_string(kHomeAgent));
  CHECK(outer.next_header == kIpv6);
  CHECK(outer.hop_limit == 64);
  CHECK(outer.payload_octets == ran.packet.size() - kIpv6Header);
  return outer.payload;
}

}  // namespace

TEST_CASE_METHOD(MobileNodeFixture, "a packet of no known flow goes out as it is by its source address") {
  const Octets packet = tcp(kOut, 1000, 80);
  CHECK(leaving(out(packet), kCareOf) == packet);
  const Octets other = tcp({kHome2, kCorrespondent}, 1000, 80);
  CHECK(leaving(out(other), kOtherCareOf) == other);
  CHECK(counter(*path, "tunnelled_out") == 2);
}

TEST_CASE_METHOD(MobileNodeFixture, "traffic class and flow label are copied to the outer header") {
  Octets packet = tcp(kOut, 1000, 80);
  packet[0] = 0x6b, packet[1] = 0x8a, packet[2] = 0xbc, packet[3] = 0xde;
  const Ran ran = out(packet);
  CHECK(std::equal(packet.begin(), packet.begin() + 4, ran.packet.begin()));
}

TEST_CASE_METHOD(MobileNodeFixture, "a flow leaves with its home address and a right checksum") {
  const auto check = [&](const Octets& packet, std::uint8_t protocol, std::uint16_t port, std::uint16_t correspondent_port) {
    rewrite(protocol, port, correspondent_port);
    const Read inner = read(leaving(out(packet), kOtherCareOf));
    CHECK(to_string(inner.source) == to_string(kHome2));
    CHECK(to_string(inner.destination) == to_string(kCorrespondent));
    CHECK(checksum_is_right(inner));
    CHECK(inner.payload.size() == packet.size() - kIpv6Header);
  };
  SECTION("TCP") { check(tcp(kOut, 1000, 80), kTcp, 1000, 80); }
  SECTION("TCP, odd length") { check(tcp(kOut, 1000, 80, kAck, 33), kTcp, 1000, 80); }
  SECTION("UDP") { check(udp(kOut, 1000, 53), kUdp, 1000, 53); }
  SECTION("UDP without data") { check(udp(kOut, 1000, 53, 0), kUdp, 1000, 53); }
  SECTION("UDP-Lite") {
    Octets packet = ipv6(kOut, kUdpLite, udp_header_and(kOut, 1000, 53, 50, kUdpLite));
    rewrite(kUdpLite, 0, 0);
    CHECK(checksum_is_right(read(leaving(out(packet), kOtherCareOf))));
  }
  SECTION("DCCP") {
    rewrite(kDccp, 0, 0);
    CHECK(checksum_is_right(read(leaving(out(ipv6(kOut, kDccp, udp_header_and(kOut, 1000, 53, 50, kDccp))), kOtherCareOf))));
  }
  SECTION("ICMPv6 echo") { check(echo(kOut, 128, 4711), kIcmpv6, 4711, 4711); }
}

TEST_CASE_METHOD(MobileNodeFixture, "a checksum of UDP or UDP-Lite that becomes zero is sent as ones") {
  const std::uint8_t protocol = GENERATE(kUdp, kUdpLite);
  rewrite(protocol, protocol == kUdp ? 1000 : 0, protocol == kUdp ? 53 : 0);
  // The data is chosen so that the sum over the new source is zero.
  Octets upper = udp_header_and({kHome2, kCorrespondent}, 1000, 53, 2);
  put16(upper, 8, 0);
  put16(upper, 6, 0);
  put16(upper, 8, ~transport_sum(kHome2, kCorrespondent, protocol, upper) & 0xffff);
  upper = with_checksum(kHome1, kCorrespondent, protocol, std::move(upper), 6);
  const Read inner = read(leaving(out(ipv6(kOut, protocol, upper)), kOtherCareOf));
  CHECK(get16(inner.payload, 6) == 0xffff);
  CHECK(checksum_is_right(inner));
}

TEST_CASE_METHOD(MobileNodeFixture, "a UDP packet without a checksum stays without one") {
  rewrite(kUdp, 1000, 53);
  Octets packet = udp(kOut, 1000, 53);
  put16(packet, kIpv6Header + 6, 0);
  const Read inner = read(leaving(out(packet), kOtherCareOf));
  CHECK(inner.source == kHome2);
  CHECK(get16(inner.payload, 6) == 0);
}

TEST_CASE_METHOD(MobileNodeFixture, "SCTP is rewritten without touching its CRC, which does not cover addresses") {
  Octets upper = filler(40);
  put16(upper, 0, 2000);
  put16(upper, 2, 3000);
  rewrite(kSctp, 2000, 3000);
  const Read inner = read(leaving(out(ipv6(kOut, kSctp, upper)), kOtherCareOf));
  CHECK(inner.source == kHome2);
  CHECK(inner.payload == upper);
}

TEST_CASE_METHOD(MobileNodeFixture, "ports are found behind extension headers") {
  rewrite(kUdp, 1000, 53);
  const Octets upper = udp_header_and(kOut, 1000, 53, 20);
  const Octets options{kUdp, 0, 1, 4, 0, 0, 0, 0};
  const Octets packet = ipv6(kOut, kDestinationOptions, joined(options, upper));
  const Read inner = read(leaving(out(packet), kOtherCareOf));
  CHECK(inner.source == kHome2);
  CHECK(transport_sum(inner.source, inner.destination, kUdp, std::span(inner.payload).subspan(8)) == 0xffff);
}

TEST_CASE_METHOD(MobileNodeFixture, "more extension headers than are looked behind make it a packet of no known flow") {
  rewrite(kUdp, 1000, 53);
  Octets upper = udp_header_and(kOut, 1000, 53, 20);
  for (int i = 0; i < 8; ++i) upper = joined({i == 0 ? kUdp : kDestinationOptions, 0, 1, 4, 0, 0, 0, 0}, upper);
  const Octets packet = ipv6(kOut, kDestinationOptions, upper);
  CHECK(leaving(out(packet), kCareOf) == packet);
}

TEST_CASE_METHOD(MobileNodeFixture, "fragments behind the first follow it") {
  rewrite(kUdp, 1000, 53);
  const Octets whole = udp_header_and(kOut, 1000, 53, 1200);
  const auto fragment = [&](std::size_t from, std::size_t to, bool more, std::uint8_t identification) {
    Octets header{kUdp, 0, 0, 0, 0, 0, 0, identification};
    put16(header, 2, static_cast<std::uint32_t>(from | (more ? 1 : 0)));
    return ipv6(kOut, kFragment, joined(header, Octets(whole.begin() + static_cast<std::ptrdiff_t>(from), whole.begin() + static_cast<std::ptrdiff_t>(to))));
  };
  SECTION("in order") {
    const Read first = read(leaving(out(fragment(0, 800, true, 1)), kOtherCareOf));
    const Read second = read(leaving(out(fragment(800, whole.size(), false, 1)), kOtherCareOf));
    CHECK(first.source == kHome2);
    CHECK(second.source == kHome2);
    Octets data(first.payload.begin() + 8, first.payload.end());
    data.insert(data.end(), second.payload.begin() + 8, second.payload.end());
    CHECK(transport_sum(kHome2, kCorrespondent, kUdp, data) == 0xffff);
  }
  SECTION("a later one without a first one goes by its source address") {
    const Octets packet = fragment(800, whole.size(), false, 2);
    CHECK(leaving(out(packet), kCareOf) == packet);
    CHECK(counter(*path, "fragments_unmatched") == 1);
  }
}

TEST_CASE_METHOD(MobileNodeFixture, "moving a binding moves its flows and nothing else") {
  rewrite(kTcp, 1000, 80);
  const Octets untouched = tcp(kOut, 1001, 80);
  CHECK(leaving(out(tcp(kOut, 1000, 80)), kOtherCareOf).size() > 0);
  must(path->set_binding(2, binding(kHome2, kCareOf, "wlan0")));
  CHECK(read(leaving(out(tcp(kOut, 1000, 80)), kCareOf)).source == kHome2);
  CHECK(leaving(out(untouched), kCareOf) == untouched);
}

TEST_CASE_METHOD(MobileNodeFixture, "what can not be tunnelled is dropped and counted") {
  SECTION("no binding for the source") {
    CHECK(out(tcp({kCareOf, kCorrespondent}, 1000, 80)).verdict == kDrop);
    CHECK(counter(*path, "no_binding") == 1);
  }
  SECTION("a home address whose binding is gone") {
    must(path->erase_binding(1));
    CHECK(out(tcp(kOut, 1000, 80)).verdict == kDrop);
    CHECK(counter(*path, "no_binding") == 1);
  }
  SECTION("a home address without a default binding") {
    must(path->set_home_address(kHome1, {0, true}));
    CHECK(out(tcp(kOut, 1000, 80)).verdict == kDrop);
    CHECK(counter(*path, "no_binding") == 1);
  }
  SECTION("link-local, multicast, loopback, unspecified") {
    CHECK(out(udp({kHome1, address("ff02::1")}, 1, 2)).verdict == kDrop);
    CHECK(out(udp({address("fe80::1"), kCorrespondent}, 1, 2)).verdict == kDrop);
    CHECK(out(udp({kHome1, address("fe80::1")}, 1, 2)).verdict == kDrop);
    CHECK(out(udp({kHome1, address("::1")}, 1, 2)).verdict == kDrop);
    CHECK(out(udp({address("::"), kCorrespondent}, 1, 2)).verdict == kDrop);
    CHECK(counter(*path, "not_forwardable") == 5);
  }
  SECTION("not IPv6") {
    CHECK(run_frame(Role::MobileNode, "mip0", false, frame(Octets(60, 0x45), 0x0800)).verdict == kDrop);
    Octets wrong_version = tcp(kOut, 1000, 80);
    wrong_version[0] = 0x40;
    CHECK(out(wrong_version).verdict == kDrop);
    CHECK(counter(*path, "not_forwardable") == 2);
  }
}

TEST_CASE_METHOD(MobileNodeFixture, "a packet cut anywhere in its headers is dropped") {
  rewrite(kTcp, 1000, 80);
  const Octets whole = tcp(kOut, 1000, 80);
  for (std::size_t length = kIpv6Header; length < kIpv6Header + 14; ++length) {
    INFO("cut behind " << length << " octets");
    CHECK(out(Octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))).verdict == kDrop);
  }
}

TEST_CASE_METHOD(MobileNodeFixture, "a packet longer than the uplink can carry is answered with Packet Too Big") {
  shell("ip link set wlan0 mtu 1400");
  must(path->refresh_next_hops());
  const auto answer_to = [&](const Octets& packet) {
    const Ran ran = out(packet);
    REQUIRE(ran.verdict == kRedirect);
    return read(ran.packet);
  };
  const Octets packet = tcp(kOut, 1000, 80, kAck, 1361 - 60);
  const Read answer = answer_to(packet);
  CHECK(answer.source == kCareOf);
  CHECK(answer.destination == kHome1);
  CHECK(answer.next_header == kIcmpv6);
  CHECK(answer.payload[0] == 2);
  CHECK(get32(answer.payload, 4) == 1360);
  CHECK(checksum_is_right(answer));
  CHECK(answer.payload_octets == 1240);
  CHECK(std::equal(packet.begin(), packet.begin() + 1232, answer.payload.begin() + 8));
  CHECK(counter(*path, "too_big") == 1);

  SECTION("one octet shorter fits") { CHECK(leaving(out(tcp(kOut, 1000, 80, kAck, 1360 - 60)), kCareOf).size() == 1360); }
  SECTION("an ICMPv6 error is not answered") {
    CHECK(out(icmpv6_error({kHome1, kCorrespondent}, 1, 0, filler(1232))).verdict == kRedirect);  // 1280 octets
    Octets long_error = icmpv6(kOut, 1, filler(1400));
    CHECK(out(long_error).verdict == kDrop);
  }
  SECTION("the socket's own source is answered, not the flow's home address") {
    must(path->set_flow(key(kTcp, 1000, 80), {1, kHome2, 1}));
    CHECK(answer_to(packet).destination == kHome1);
  }
  shell("ip link set wlan0 mtu 1500");
}

TEST_CASE_METHOD(MobileNodeFixture, "an ICMPv6 error about a packet that was rewritten on arrival names the addresses its sender used") {
  rewrite(kUdp, 1000, 53);
  const Ends arrived{kCorrespondent, kHome1};  // as the socket's kernel saw it
  const auto check = [&](const Octets& offending) {
    const Read inner = read(leaving(out(icmpv6_error(kOut, 1, 0, offending)), kOtherCareOf));
    CHECK(inner.source == kHome2);
    CHECK(checksum_is_right(inner));
    const Read quoted = read(std::span(inner.payload).subspan(8));
    CHECK(quoted.source == kCorrespondent);
    CHECK(quoted.destination == kHome2);
    CHECK(counter(*path, "errors_translated") == 1);
    return quoted;
  };
  SECTION("whole") { CHECK(checksum_is_right(check(udp(arrived, 53, 1000)))); }
  SECTION("cut in front of the checksum") {
    Octets offending = udp(arrived, 53, 1000);
    offending.resize(kIpv6Header + 4);
    check(offending);
  }
}

TEST_CASE_METHOD(MobileNodeFixture, "what is answered at once is addressed to mip0 on the link layer, or the kernel would take it for another node's") {
  const Ran ran = out(udp({kHome1, kCorrespondent}, 1, 2, 1480));  // too long: Packet Too Big
  REQUIRE(ran.verdict == kRedirect);
  Octets mac;
  std::unique_ptr<FILE, int (*)(FILE*)> link(::popen("ip -o link show mip0 | sed 's/.*ether //'", "r"), ::pclose);
  unsigned octet = 0;
  for (int i = 0; i < 6 && std::fscanf(link.get(), i == 0 ? "%x" : ":%x", &octet) == 1; ++i) mac.push_back(static_cast<std::uint8_t>(octet));
  REQUIRE(mac.size() == 6);
  CHECK(std::equal(mac.begin(), mac.end(), ran.frame.begin()));
}
