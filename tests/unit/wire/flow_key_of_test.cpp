// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include "mipflow/wire/packet.hpp"
#include "vectors.hpp"

using namespace mipflow;
using namespace mipflow::wire;
using namespace mipflow::test;

namespace {

const Address kHome = address("2001:db8:100::100");
const Address kCareOf = address("2001:db8:200::5");
const Address kPeer = address("2001:db8:300::7");

Bytes packet_of(std::uint8_t protocol, std::string_view upper_hex, const Address& source = kHome,
                const Address& destination = kPeer) {
  return build_packet_around({source, destination}, protocol, from_hex(upper_hex));
}

}  // namespace

TEST_CASE("both directions of a flow give one key") {
  for (const std::uint8_t protocol : {kProtocolTcp, kProtocolUdp, kProtocolSctp}) {
    const FlowKey key{kHome, kPeer, 40000, 443, protocol};
    CHECK(flow_key_of(packet_of(protocol, "9c4001bb00000000"), true) == key);
    CHECK(flow_key_of(packet_of(protocol, "01bb9c4000000000", kPeer, kHome), false) == key);
  }
}

TEST_CASE("ICMPv6 echo is told by its identifier, other ICMPv6 by its addresses") {
  const FlowKey echo{kHome, kPeer, 0x1234, 0x1234, kProtocolIcmpv6};
  CHECK(flow_key_of(packet_of(kProtocolIcmpv6, "80000000" "1234" "0001"), true) == echo);
  CHECK(flow_key_of(packet_of(kProtocolIcmpv6, "81000000" "1234" "0001", kPeer, kHome), false) == echo);
  CHECK(flow_key_of(packet_of(kProtocolIcmpv6, "02000000" "00000500"), true) == FlowKey{kHome, kPeer, 0, 0, kProtocolIcmpv6});
}

TEST_CASE("protocols without ports") {
  CHECK(flow_key_of(packet_of(47, "00000000"), true) == FlowKey{kHome, kPeer, 0, 0, 47});
  CHECK(flow_key_of(packet_of(59, ""), true) == FlowKey{kHome, kPeer, 0, 0, 59});
}

TEST_CASE("the ports are found behind extension headers, and the home addresses count") {
  Bytes udp = from_hex("0001000200080000");
  const Bytes packet = build_packet_around({kCareOf, kPeer, kHome}, kProtocolUdp, udp);
  CHECK(flow_key_of(packet, true) == FlowKey{kHome, kPeer, 1, 2, kProtocolUdp});
  const Bytes back = build_packet_around({kPeer, kCareOf, {}, kHome}, kProtocolUdp, udp);
  CHECK(flow_key_of(back, false) == FlowKey{kHome, kPeer, 2, 1, kProtocolUdp});
}

TEST_CASE("what the queue cuts off behind the ports does not matter") {
  Bytes packet = packet_of(kProtocolTcp, "9c4001bb00000000" + std::string(4000, '0'));
  const auto whole = flow_key_of(packet, true);
  REQUIRE(whole);
  packet.resize(128);
  CHECK(flow_key_of(packet, true) == whole);
  // Segments for the network card to cut up have a payload length of 0.
  packet[4] = packet[5] = 0;
  CHECK(flow_key_of(packet, true) == whole);
  packet.resize(44);
  CHECK(flow_key_of(packet, true) == whole);
  packet.resize(43);
  CHECK_FALSE(flow_key_of(packet, true));
}

TEST_CASE("packets that belong to no flow") {
  const std::string udp = "0001000200080000";
  CHECK_FALSE(flow_key_of(from_hex("4500"), true));
  CHECK_FALSE(flow_key_of({}, true));
  CHECK_FALSE(flow_key_of(packet_of(kProtocolUdp, udp, kHome, address("ff02::1")), true));
  CHECK_FALSE(flow_key_of(packet_of(kProtocolUdp, udp, kHome, address("ff0e::1")), true));
  CHECK_FALSE(flow_key_of(packet_of(kProtocolUdp, udp, address("fe80::1"), kPeer), true));
  CHECK_FALSE(flow_key_of(packet_of(kProtocolUdp, udp, kHome, address("fe80::1")), true));
  CHECK_FALSE(flow_key_of(packet_of(kProtocolUdp, udp, Address{}, kPeer), true));
  CHECK_FALSE(flow_key_of(packet_of(44, "1100" "05a8" "12345678" + udp), true));   // which flow's fragment it is
  CHECK(flow_key_of(packet_of(44, "1100" "0001" "12345678" + udp), true) == FlowKey{kHome, kPeer, 1, 2, kProtocolUdp});
}
