// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/icmpv6.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "mipflow/base/flow_key.hpp"
#include "mipflow/wire/checksum.hpp"
#include "mipflow/wire/constants.hpp"
#include "vectors.hpp"

using namespace mipflow;
using namespace mipflow::wire;
using namespace mipflow::test;

namespace {

const Address kRouter = address("fe80::1");
const Address kNode = address("2001:db8:100::100");
const Address kAgent = address("2001:db8:100::1");
const Address kAllNodes = address("ff02::1");
const LinkLayerAddress kLinkLayer{0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0x01};

const PrefixInformation kPrefix{.prefix_length = 64,
                                .on_link = true,
                                .autonomous = true,
                                .router_address = true,
                                .valid_lifetime = 7200,
                                .preferred_lifetime = 3600,
                                .prefix = kAgent};

Bytes mended(Bytes message, const Address& source, const Address& destination) {
  message[2] = message[3] = 0;
  const std::uint16_t checksum = upper_layer_checksum(kProtocolIcmpv6, source, destination, message);
  message[2] = static_cast<std::uint8_t>(checksum >> 8);
  message[3] = static_cast<std::uint8_t>(checksum);
  return message;
}

// Round trip and every truncation, with the checksum as it was and mended.
void check_codec(const Icmpv6Message& message, const Address& source, const Address& destination) {
  const Bytes bytes = encode(message, source, destination);
  const auto decoded = decode_icmpv6(bytes, source, destination, 255);
  REQUIRE(decoded);
  CHECK(*decoded == message);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const Bytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    CHECK(!decode_icmpv6(cut, source, destination, 255));
    if (length < 4) continue;
    const auto less = decode_icmpv6(mended(cut, source, destination), source, destination, 255);
    if (less) {
      CHECK(less->index() == message.index());
      CHECK(*less != message);
    } else {
      CHECK(less.error().offset <= length);
    }
  }
}

}  // namespace

TEST_CASE("every ICMPv6 message comes back as it went and survives every cut") {
  SECTION("agent discovery") {
    check_codec(HomeAgentAddressDiscoveryRequest{0x0e61}, kNode, kAgent);
    check_codec(HomeAgentAddressDiscoveryReply{0x0e61, {kAgent, kNode}}, kAgent, kNode);
    check_codec(HomeAgentAddressDiscoveryReply{0x0e61, {}}, kAgent, kNode);
  }
  const PrefixAuthentication authentication{256, 0x1122334455667788, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
  SECTION("prefix solicitation") {
    check_codec(MobilePrefixSolicitation{7, {}}, kNode, kAgent);
    check_codec(MobilePrefixSolicitation{7, authentication}, kNode, kAgent);
  }
  SECTION("prefix advertisement") {
    check_codec(MobilePrefixAdvertisement{7, true, false, {kPrefix}, {}}, kAgent, kNode);
    check_codec(MobilePrefixAdvertisement{7, false, true, {kPrefix, kPrefix}, authentication}, kAgent, kNode);
  }
  SECTION("neighbour discovery") {
    check_codec(NeighborSolicitation{kNode, kLinkLayer}, kAgent, solicited_node_multicast(kNode));
    check_codec(NeighborSolicitation{kNode, {}}, Address{}, solicited_node_multicast(kNode));
    check_codec(NeighborAdvertisement{true, true, false, kNode, kLinkLayer}, kAgent, kNode);
    check_codec(NeighborAdvertisement{false, false, true, kNode, kLinkLayer}, kAgent, kAllNodes);
    check_codec(RouterAdvertisement{64, true, true, true, 1800, {kPrefix}, kLinkLayer, 3000, std::uint16_t{10}, std::uint16_t{600}},
                kRouter, kAllNodes);
    check_codec(RouterAdvertisement{}, kRouter, kAllNodes);
  }
  SECTION("errors") { check_codec(Icmpv6Error{kIcmpv6PacketTooBig, 0, 1400, {0x60, 0, 0, 0}}, kRouter, kNode); }
}

TEST_CASE("the authentication option has the declared layout") {
  const MobilePrefixSolicitation message{0x0102, PrefixAuthentication{0x0a0b0c0d, 0x1122334455667788, {0xff, 0xfe}}};
  const Bytes bytes = encode(message, kNode, kAgent);
  CHECK(to_hex(BytesView(bytes).subspan(4)) ==
        "0102" "0000" "fd04" "01" "00" "0a0b0c0d" "1122334455667788" "fffe0000000000000000000000000000");
}

TEST_CASE("an option of type 253 that is not ours is skipped") {
  Bytes bytes = encode(MobilePrefixSolicitation{7, PrefixAuthentication{}}, kNode, kAgent);
  bytes[8 + 2] = 2;  // another version
  auto decoded = decode_icmpv6(mended(bytes, kNode, kAgent), kNode, kAgent, 64);
  REQUIRE(decoded);
  CHECK(*decoded == Icmpv6Message{MobilePrefixSolicitation{7, {}}});

  bytes.resize(8 + 16);
  bytes[8 + 1] = 2;  // another length
  decoded = decode_icmpv6(mended(bytes, kNode, kAgent), kNode, kAgent, 64);
  REQUIRE(decoded);
  CHECK(*decoded == Icmpv6Message{MobilePrefixSolicitation{7, {}}});
}

TEST_CASE("the checksum comes first") {
  Bytes bytes = encode(HomeAgentAddressDiscoveryRequest{1}, kNode, kAgent);
  bytes[0] = 200;
  CHECK(decode_icmpv6(bytes, kNode, kAgent, 64, 40).error() == DecodeError{DecodeErrorKind::ChecksumWrong, 42});
  CHECK(decode_icmpv6(mended(bytes, kNode, kAgent), kNode, kAgent, 64, 40).error() ==
        DecodeError{DecodeErrorKind::NotMobileIpv6, 40});
}

TEST_CASE("RFC 4861 §6.1.2, §7.1: what makes neighbour discovery invalid") {
  const auto refused = [](const Bytes& bytes, const Address& source, const Address& destination, std::uint8_t hop_limit = 255) {
    const auto decoded = decode_icmpv6(mended(bytes, source, destination), source, destination, hop_limit);
    return !decoded && decoded.error().kind == DecodeErrorKind::NeighborDiscoveryWrong;
  };
  const Bytes advertisement = encode(NeighborAdvertisement{false, true, false, kNode, kLinkLayer}, kAgent, kNode);
  const Bytes solicitation = encode(NeighborSolicitation{kNode, kLinkLayer}, kAgent, kNode);
  const Bytes router = encode(RouterAdvertisement{}, kRouter, kAllNodes);
  SECTION("forwarded") {
    for (const unsigned hops : {0u, 1u, 64u, 254u}) {
      const auto hop_limit = static_cast<std::uint8_t>(hops);
      CHECK(refused(advertisement, kAgent, kNode, hop_limit));
      CHECK(refused(solicitation, kAgent, kNode, hop_limit));
      CHECK(refused(router, kRouter, kAllNodes, hop_limit));
    }
  }
  SECTION("code") {
    for (Bytes bytes : {advertisement, solicitation}) {
      bytes[1] = 1;
      CHECK(refused(bytes, kAgent, kNode));
    }
  }
  SECTION("an option of length 0") {
    Bytes bytes = advertisement;
    bytes[25] = 0;
    CHECK(refused(bytes, kAgent, kNode));
  }
  SECTION("multicast target") {
    Bytes bytes = advertisement;
    bytes[8] = 0xff;
    CHECK(refused(bytes, kAgent, kNode));
  }
  SECTION("solicited flag to a multicast group") { CHECK(refused(advertisement, kAgent, kAllNodes)); }
  SECTION("duplicate address detection with a link-layer address, or not to the solicited-node group") {
    CHECK(refused(solicitation, Address{}, solicited_node_multicast(kNode)));
    const Bytes without = encode(NeighborSolicitation{kNode, {}}, Address{}, kNode);
    CHECK(refused(without, Address{}, kNode));
    CHECK_FALSE(refused(without, Address{}, solicited_node_multicast(kNode)));
  }
  SECTION("router advertisement from an address that is not link-local") { CHECK(refused(router, kAgent, kAllNodes)); }
}

TEST_CASE("an interface with other link-layer addresses is no error") {
  Bytes bytes = encode(NeighborAdvertisement{false, true, false, kNode, kLinkLayer}, kAgent, kNode);
  bytes[25] = 2;
  bytes.resize(bytes.size() + 8);
  const auto decoded = decode_icmpv6(mended(bytes, kAgent, kNode), kAgent, kNode, 255);
  REQUIRE(decoded);
  CHECK_FALSE(std::get<NeighborAdvertisement>(*decoded).target_link_layer_address);
}

TEST_CASE("prefixes with impossible lengths are refused") {
  Bytes bytes = encode(MobilePrefixAdvertisement{7, false, false, {kPrefix}, {}}, kAgent, kNode);
  bytes[8 + 2] = 129;
  CHECK(decode_icmpv6(mended(bytes, kAgent, kNode), kAgent, kNode, 64).error() ==
        DecodeError{DecodeErrorKind::OptionLengthWrong, 8 + 2});
  bytes[8 + 2] = 64;
  bytes[8 + 1] = 3;
  CHECK(decode_icmpv6(mended(bytes, kAgent, kNode), kAgent, kNode, 64).error().kind == DecodeErrorKind::OptionLengthWrong);
}

TEST_CASE("random ICMPv6 never does more than decode, and what decodes can be written again") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::uint8_t types[] = {1, 2, 3, 4, 134, 135, 136, 144, 145, 146, 147};
  std::size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes(8 + random() % 120);
    for (auto& octet : bytes) octet = static_cast<std::uint8_t>(random() % 2 ? random() : random() % 9);
    bytes[0] = types[random() % std::size(types)];
    bytes[1] = 0;
    const auto decoded = decode_icmpv6(mended(bytes, kRouter, kNode), kRouter, kNode, 255);
    if (!decoded) continue;
    ++accepted;
    const auto again = decode_icmpv6(encode(*decoded, kRouter, kNode), kRouter, kNode, 255);
    REQUIRE(again);
    CHECK(*again == *decoded);
  }
  CHECK(accepted > 100);
}
