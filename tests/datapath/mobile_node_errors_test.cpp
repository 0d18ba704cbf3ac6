// SPDX-License-Identifier: GPL-3.0-or-later
// ICMPv6 errors at a mobile node that are about the past, about half a packet, or about what was never sent.
#include <bpf/bpf.h>
#include <unistd.h>

#include <array>

#include "route_optimized_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::packets;

namespace {

const Ends kFromRouter{kRouter, kCareOf};
const Ends kOut{kHome1, kCorrespondent};
const Ends kOuterOut{kCareOf, kHomeAgent};

struct ErrorFixture : RouteOptimizedFixture {
  // Nobody of ours is told, the kernel may have it.
  void passes(const Octets& error) {
    const Ran ran = in(error);
    CHECK(ran.verdict == kPass);
    CHECK(ran.packet == error);
  }
  void passes_and_is_told(const Octets& error) {
    passes(error);
    const auto ringed = read_all(*path);
    REQUIRE(ringed.packets.size() == 1);
    CHECK(ringed.packets[0].packet == error);
  }
  // The socket gets it without what was put around its packet.
  void reaches_socket_as(const Octets& error, const Octets& expected) {
    const Ran ran = in(error);
    CHECK(ran.verdict == kToMip0);
    CHECK(ran.packet == expected);
  }
  // Longest packet of the flow that leaves over the direct path; what is longer is answered.
  std::uint32_t direct_mtu(const Octets& sent) { return get32(read(out(sent).packet).payload, 4); }
};

}  // namespace

TEST_CASE_METHOD(ErrorFixture, "an error out of the tunnel about what no flow has sent is delivered as it is") {
  rewrite(kUdp, 1000, 53);
  const Ends to_home2{kRouter, kHome2};
  const Octets whole = udp_header_and({kHome2, kCorrespondent}, 1000, 53, 1200);
  const auto check = [&](const Octets& quoted) {
    const Octets error = icmpv6_error(to_home2, 1, 0, quoted);
    reaches_socket_as(tunnelled(kOuterIn, error), error);
  };
  SECTION("a later fragment") { check(fragment_of({kHome2, kCorrespondent}, kUdp, whole, 800, whole.size())); }
  SECTION("another port") { check(udp({kHome2, kCorrespondent}, 1001, 53)); }
  SECTION("a packet from somebody else") { check(udp({kHome1, kCorrespondent}, 1000, 53)); }
  SECTION("half an IPv6 header") { check(Octets(20, 0x60)); }
  SECTION("nothing") { check({}); }
  SECTION("ports cut off") { check(front_of(udp({kHome2, kCorrespondent}, 1000, 53), kIpv6Header + 3)); }
  CHECK(counter(*path, "errors_translated") == 0);
}

TEST_CASE_METHOD(ErrorFixture, "an error about a rewritten packet is right for its socket, whatever its checksum was") {
  const auto check = [&](const Octets& sent, const Octets& on_the_wire) {
    const Ran ran = in_tunnel(icmpv6_error({kRouter, kHome2}, 1, 0, on_the_wire));
    CHECK(ran.verdict == kToMip0);
    CHECK(ran.packet == icmpv6_error({kRouter, kHome1}, 1, 0, sent));
    CHECK(counter(*path, "errors_translated") == 1);
  };
  const Ends wire{kHome2, kCorrespondent};
  SECTION("UDP without one") {
    rewrite(kUdp, 1000, 53);
    Octets sent = udp(kOut, 1000, 53), on_the_wire = udp(wire, 1000, 53);
    put16(sent, kIpv6Header + 6, 0);
    put16(on_the_wire, kIpv6Header + 6, 0);
    check(sent, on_the_wire);
  }
  SECTION("a protocol that has none over its addresses") {
    rewrite(kSctp, 1000, 53);
    const Octets upper = udp_header_and(kOut, 1000, 53, 40);  // where the ports stand
    check(ipv6(kOut, kSctp, upper), ipv6(wire, kSctp, upper));
  }
  SECTION("one that is zero on either side") {
    const std::uint8_t protocol = GENERATE(kTcp, kUdp);
    const bool zero_at_socket = GENERATE(true, false);
    const std::size_t place = protocol == kTcp ? 16 : 6;
    rewrite(protocol, 1000, 53);
    const Ends& zero_for = zero_at_socket ? kOut : wire;
    Octets upper = read(protocol == kTcp ? tcp(kOut, 1000, 53) : udp(kOut, 1000, 53)).payload;
    // The last two octets make the sum right with a checksum of zero.
    put16(upper, place, 0);
    put16(upper, upper.size() - 2, 0);
    put16(upper, upper.size() - 2, ~transport_sum(zero_for.source, zero_for.destination, protocol, upper) & 0xffff);
    const auto with = [&](const Ends& ends) { return ipv6(ends, protocol, with_checksum(ends.source, ends.destination, protocol, upper, place)); };
    const Octets sent = with(kOut), on_the_wire = with(wire);
    REQUIRE(get16(read(zero_at_socket ? sent : on_the_wire).payload, place) == (protocol == kTcp ? 0 : 0xffff));
    if (protocol == kUdp || zero_at_socket) check(sent, on_the_wire);
    // A TCP checksum of zero is a checksum like any other.
    if (protocol == kTcp && !zero_at_socket) check(sent, on_the_wire);
  }
}

TEST_CASE_METHOD(ErrorFixture, "a local error about what no flow has received leaves as it is") {
  rewrite(kUdp, 1000, 53);
  const auto leaves_unchanged = [&](const Octets& error) {
    const Ran ran = out(error);
    REQUIRE(ran.verdict == kRedirect);
    CHECK(read(ran.packet).source == kCareOf);
    CHECK(read(ran.packet).payload == error);
    CHECK(counter(*path, "errors_translated") == 0);
  };
  const Ends arrived{kCorrespondent, kHome1};
  const Octets whole = udp_header_and(arrived, 53, 1000, 1000);
  SECTION("a later fragment") { leaves_unchanged(icmpv6_error(kOut, 1, 0, fragment_of(arrived, kUdp, whole, 800, whole.size()))); }
  SECTION("another port") { leaves_unchanged(icmpv6_error(kOut, 1, 0, udp(arrived, 53, 1001))); }
  SECTION("half a packet") { leaves_unchanged(icmpv6_error(kOut, 1, 0, front_of(udp(arrived, 53, 1000), 42))); }
}

TEST_CASE_METHOD(ErrorFixture, "a local error from another address than the flow's goes the flow's way and keeps its addresses") {
  rewrite(kUdp, 1000, 53);
  const Octets error = icmpv6_error({kOtherCareOf, kCorrespondent}, 1, 0, udp({kCorrespondent, kHome1}, 53, 1000));
  const Ran ran = out(error);
  REQUIRE(ran.verdict == kRedirect);
  const Read inner = read(read(ran.packet).payload);
  CHECK(read(ran.packet).source == kOtherCareOf);
  CHECK(inner.source == kHome2);
  CHECK(checksum_is_right(inner));
  CHECK(std::equal(inner.payload.begin() + 4, inner.payload.end(), read(error).payload.begin() + 4));
  CHECK(counter(*path, "errors_translated") == 0);
}

TEST_CASE_METHOD(ErrorFixture, "errors about signalling that this node has not sent are the kernel's business") {
  const Ends theirs{kOtherCareOf, kHomeAgent};
  passes(icmpv6_error(kFromRouter, 1, 0, ipv6(theirs, kMobility, mobility_header(theirs, 5))));
  CHECK(read_all(*path).packets.empty());
}

TEST_CASE_METHOD(ErrorFixture, "an error about signalling behind a type 2 routing header is the daemon's alone") {
  const auto about = [&](const Ends& sent) {
    return behind_routing_header(icmpv6_error({kCorrespondent, kHome1}, 1, 0, ipv6(sent, kMobility, mobility_header(sent, 1))), kHome1);
  };
  CHECK(in(about(kOut)).verdict == kDrop);
  const auto ringed = read_all(*path);
  REQUIRE(ringed.packets.size() == 1);
  CHECK(ringed.packets[0].packet == about(kOut));
  // It is for the home address, so that nothing which another address has sent is its business.
  CHECK(in(about({kCareOf, kCorrespondent})).verdict == kToMip0);
  CHECK(read_all(*path).packets.empty());
}

TEST_CASE_METHOD(ErrorFixture, "Packet Too Big about the tunnel that can not be handed on to a socket") {
  const auto too_big = [&](const Octets& quoted) { return icmpv6_error(kFromRouter, 2, 1380, quoted); };
  const Octets whole = udp_header_and(kOut, 1000, 53, 3000);
  SECTION("an outer fragment") { passes_and_is_told(too_big(fragment_of(kOuterOut, kIpv6, tcp(kOut, 1000, 80, kAck, 1400), 0, 1280))); }
  SECTION("from nobody's home address") { passes_and_is_told(too_big(tunnelled(kOuterOut, tcp({kOtherCareOf, kCorrespondent}, 1, 2, kAck, 1380)))); }
  SECTION("an ICMPv6 error, which is never answered") { passes_and_is_told(too_big(tunnelled(kOuterOut, icmpv6(kOut, 1, filler(1400))))); }
  SECTION("half an inner header") { passes_and_is_told(too_big(tunnelled(kOuterOut, front_of(tcp(kOut, 1000, 80), 30)))); }
  SECTION("what every link has to carry can be no longer than a path carries") {
    passes_and_is_told(too_big(tunnelled(kOuterOut, tcp(kOut, 1000, 80, kAck, 1280 - 60))));
    CHECK(in(too_big(tunnelled(kOuterOut, tcp(kOut, 1000, 80, kAck, 1281 - 60)))).verdict == kRedirect);
  }
  SECTION("a home address without a binding is handed on all the same") {
    must(path->set_home_address(kHome1, {99, true}));
    const Octets sent = tcp(kOut, 1000, 80, kAck, 1380);
    const Ran ran = in(too_big(tunnelled(kOuterOut, sent)));
    CHECK(ran.verdict == kRedirect);
    CHECK(read(ran.packet).destination == kHome1);
  }
  SECTION("a later fragment is handed on with the source that it had on the wire") {
    rewrite(kUdp, 1000, 53);
    const Octets later = fragment_of({kHome2, kCorrespondent}, kUdp, whole, 1400, 2800);
    const Ran ran = in(too_big(tunnelled(kOuterOut, later)));
    REQUIRE(ran.verdict == kRedirect);
    CHECK(read(ran.packet).destination == kHome2);
    CHECK(checksum_is_right(read(ran.packet)));
  }
  SECTION("a flow whose socket has the home address itself") {
    must(path->set_flow(key(kTcp, 1000, 80), {7, kHome1, 1}));
    const Octets sent = tcp(kOut, 1000, 80, kAck, 1380);
    const Ran ran = in(too_big(tunnelled(kOuterOut, sent)));
    REQUIRE(ran.verdict == kRedirect);
    CHECK(std::equal(sent.begin(), sent.begin() + 1184, read(ran.packet).payload.begin() + 8));
  }
}

TEST_CASE_METHOD(ErrorFixture, "what a router says is only believed while it is less than the uplink carries") {
  const Octets sent = tcp(kOut, 1000, 80, kAck, 1400);
  const auto answered_mtu = [&] { return get32(read(out(sent).packet).payload, 4); };
  in(icmpv6_error(kFromRouter, 2, 1400, tunnelled(kOuterOut, sent)));
  read_all(*path);
  CHECK(answered_mtu() == 1360);
  shell("ip link set wlan0 mtu 1390");
  must(path->refresh_next_hops());
  CHECK(answered_mtu() == 1350);
  shell("ip link set wlan0 mtu 1400");
  must(path->refresh_next_hops());
  CHECK(answered_mtu() == 1360);
  shell("ip link set wlan0 mtu 1500");
}

TEST_CASE_METHOD(ErrorFixture, "Packet Too Big about a direct path that its flow does not take any more") {
  flow(kTcp, 1000, 80);
  const Octets sent = tcp(kOut, 1000, 80, kAck, 1460 - 60);
  const Octets on_the_wire = behind_home_address_option(sent);
  const Octets error = icmpv6_error(kFromRouter, 2, 1400, on_the_wire);
  // The socket is told, the path's MTU is nobody's.
  const auto reaches_socket = [&](const Octets& packet) {
    CHECK(in(packet).verdict == kToMip0);
    CHECK(read_all(*path).packets.size() == 1);
  };
  const auto nothing_is_remembered = [&](forwarding::BindingId id) {
    must(path->set_flow(key(kTcp, 1000, 80), {7, kHome1, id}));
    const Ran ran = out(tcp(kOut, 1000, 80, kAck, 1476 - 60));
    CHECK(ran.verdict == kRedirect);
    CHECK(ran.packet.size() == 1500);
  };
  SECTION("what is remembered when it does") {
    reaches_socket(error);
    CHECK(direct_mtu(tcp(kOut, 1000, 80, kAck, 1476 - 60)) == 1376);
  }
  SECTION("its binding is gone") {
    must(path->erase_binding(11));
    reaches_socket(error);
    must(path->set_binding(11, direct(kHome1, kCareOf, "wlan0")));
    nothing_is_remembered(11);
  }
  SECTION("it goes through the tunnel") {
    must(path->set_flow(key(kTcp, 1000, 80), {7, kHome1, 1}));
    reaches_socket(error);
    CHECK(out(tcp(kOut, 1000, 80, kAck, 1460 - 60)).packet.size() == 1500);
    nothing_is_remembered(11);
  }
  SECTION("it has moved") {
    must(path->set_binding(11, direct(kHome1, kOtherCareOf, "wwan0")));
    reaches_socket(error);
    nothing_is_remembered(11);
  }
  SECTION("it is no flow any more") {
    must(path->erase_flow(key(kTcp, 1000, 80)));
    reaches_socket(error);
    nothing_is_remembered(11);
  }
  SECTION("between two writes of the loader") {
    const int departures = bpf_obj_get(pinned_map("departures").c_str());
    REQUIRE(departures >= 0);
    std::array<std::uint8_t, 64> departure{};  // more than a key
    while (bpf_map_get_next_key(departures, nullptr, departure.data()) == 0) REQUIRE(bpf_map_delete_elem(departures, departure.data()) == 0);
    ::close(departures);
    reaches_socket(error);
    must(path->erase_flow(key(kTcp, 1000, 80)));
    nothing_is_remembered(11);
  }
  SECTION("a later fragment says nothing about its flow") {
    const Octets later = fragment_of(kOut, kUdp, udp_header_and(kOut, 1, 2, 3000), 1400, 2800);
    reaches_socket(icmpv6_error(kFromRouter, 2, 1400, behind_home_address_option(later)));
    nothing_is_remembered(11);
  }
  SECTION("half a header neither") {
    reaches_socket(icmpv6_error(kFromRouter, 2, 1400, front_of(on_the_wire, kIpv6Header + 24 + 8)));
    nothing_is_remembered(11);
  }
}

TEST_CASE_METHOD(ErrorFixture, "errors that only look as if they were about a Home Address option are the kernel's business") {
  const Octets sent = tcp(kOut, 1000, 80, kAck, 1300);
  const Octets on_the_wire = behind_home_address_option(sent);
  const auto about = [&](std::size_t place, std::uint8_t value) {
    Octets changed = on_the_wire;
    changed[place] = value;
    passes(icmpv6_error(kFromRouter, 1, 0, changed));
  };
  SECTION("a longer header") { about(kIpv6Header + 1, 3); }
  SECTION("another option") { about(kIpv6Header + 6, 0xc2); }
  SECTION("an option of another length") { about(kIpv6Header + 7, 15); }
  SECTION("another source") { about(8 + 15, 0x77); }
  SECTION("another header") { about(6, 0); }
  SECTION("headers in front of the error, which no router puts there") {
    const Octets error = icmpv6_error(kFromRouter, 1, 0, on_the_wire);
    passes(ipv6(kFromRouter, kDestinationOptions, joined(empty_options(kIcmpv6), read(error).payload)));
  }
  SECTION("cut within the option") { passes(icmpv6_error(kFromRouter, 1, 0, front_of(on_the_wire, kIpv6Header + 23))); }
  CHECK(read_all(*path).packets.empty());
}
