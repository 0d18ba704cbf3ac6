// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/packet.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "vectors.hpp"

using namespace mipflow;
using namespace mipflow::wire;
using namespace mipflow::test;

namespace {

const Address kHome = address("2001:db8:100::100");
const Address kCareOf = address("2001:db8:200::5");
const Address kAgent = address("2001:db8:100::1");
const Address kOtherHome = address("2001:db8:310::30");

// IPv6 header in front of `rest`.
Bytes packet_of(std::uint8_t next_header, std::string_view rest_hex) {
  return build_packet_around({kCareOf, kAgent}, next_header, from_hex(rest_hex));
}
const std::string kHomeAddressOption = "c910" "20010db8010000000000000000000100";

}  // namespace

TEST_CASE("packets carry the headers of their envelope, and checksums see the home addresses") {
  const MobilityMessage update = BindingUpdate{.sequence = 9, .home_registration = true, .lifetime_units = 1};
  SECTION("none") {
    const Bytes packet = build_packet({kCareOf, kAgent}, update);
    CHECK(packet.size() == 40 + 16);
    const auto decoded = decode_packet(packet);
    REQUIRE(decoded);
    CHECK(std::get<MobilityMessage>(decoded->message) == update);
    CHECK(decoded->view.hop_limit == 64);
    CHECK(decoded->view.payload_offset == 40);
  }
  SECTION("Home Address option and type 2 routing header, in the order of RFC 6275 §6.3") {
    const Envelope envelope{kCareOf, kAgent, kHome, kOtherHome, 17};
    const Bytes packet = build_packet(envelope, update);
    CHECK(packet[6] == 43);
    CHECK(packet[40] == 60);
    CHECK(packet[64] == 135);
    const auto decoded = decode_packet(packet);
    REQUIRE(decoded);
    CHECK(decoded->view.source == kCareOf);
    CHECK(decoded->view.logical_source() == kHome);
    CHECK(decoded->view.destination == kAgent);
    CHECK(decoded->view.logical_destination() == kOtherHome);
    CHECK(decoded->view.hop_limit == 17);
    CHECK(decoded->view.home_address_option_offset == 40 + 24 + 6);
    CHECK(decoded->view.behind_home_address_option == 135);
    CHECK(checksum_is_right(decoded->view.payload, kHome, kOtherHome));
  }
  SECTION("neighbour discovery leaves with hop limit 255 whatever the envelope says") {
    const Bytes packet = build_packet({kAgent, kHome}, Icmpv6Message{NeighborSolicitation{kHome, {}}});
    CHECK(packet[7] == 255);
    CHECK(decode_packet(packet));
  }
  SECTION("an authenticated header only gets its checksum") {
    Bytes header = encode(update);
    header[3] = 0x5a;  // an octet that a second encoding would not keep
    const Bytes packet = build_packet_from_header({kCareOf, kAgent, kHome}, header);
    CHECK(packet[40 + 24 + 3] == 0x5a);
    CHECK(decode_packet(packet));
  }
}

TEST_CASE("encapsulation is forty octets in front") {
  const Bytes inner = build_packet({kHome, kAgent}, MobilityMessage{HomeTestInit{1, {}}});
  const Bytes outer = encapsulate(inner, kCareOf, kAgent);
  const auto view = parse_packet(outer);
  REQUIRE(view);
  CHECK(view->protocol == kProtocolIpv6);
  CHECK(view->source == kCareOf);
  CHECK(view->destination == kAgent);
  CHECK(view->hop_limit == 64);
  CHECK(view->traffic_class == 0);
  CHECK(view->flow_label == 0);
  CHECK(Bytes(view->payload.begin(), view->payload.end()) == inner);
}

TEST_CASE("traffic class and flow label are read") {
  Bytes packet = packet_of(59, "");
  packet[0] = 0x6a;
  packet[1] = 0xbc;
  packet[2] = 0xde;
  packet[3] = 0xf0;
  const auto view = parse_packet(packet);
  REQUIRE(view);
  CHECK(view->traffic_class == 0xab);
  CHECK(view->flow_label == 0xcdef0);
}

TEST_CASE("octets behind the payload length are padding of the link") {
  Bytes packet = packet_of(kProtocolUdp, "0001000200080000");
  packet.resize(packet.size() + 6);
  const auto view = parse_packet(packet);
  REQUIRE(view);
  CHECK(view->payload.size() == 8);
  CHECK_FALSE(view->truncated);
}

TEST_CASE("a packet that is cut in its upper layer can be looked at, but is no signalling") {
  Bytes packet = build_packet({kCareOf, kAgent, kHome}, MobilityMessage{HomeTestInit{1, {}}});
  packet.resize(packet.size() - 1);
  const auto view = parse_packet(packet);
  REQUIRE(view);
  CHECK(view->truncated);
  CHECK(view->home_address_option == kHome);
  CHECK(view->payload.size() == 15);
  CHECK(decode_packet(packet).error() == DecodeError{DecodeErrorKind::Truncated, packet.size()});
}

TEST_CASE("other versions are not IPv6, and no octets are truncated") {
  CHECK(parse_packet(from_hex("45000014")).error() == DecodeError{DecodeErrorKind::NotIpv6, 0});
  CHECK(parse_packet({}).error() == DecodeError{DecodeErrorKind::Truncated, 0});
  CHECK(parse_packet(from_hex("60000000")).error() == DecodeError{DecodeErrorKind::Truncated, 4});
}

TEST_CASE("the walk goes through every extension header") {
  // Hop-by-Hop, Destination Options, other routing header, type 2 routing header, Destination Options with the Home
  // Address option, Authentication Header (4 octets ICV), UDP
  std::string rest = "3c00" "010400000000";
  rest += "2b00" "010400000000";
  rest += "2b02" "0401" "00000000" "00000000000000000000000000000000";
  rest += "3c02" "0201" "00000000" "20010db8031000000000000000000030";
  rest += "3302" "01020000" + kHomeAddressOption;
  rest += "1102" "0000" "00000001" "00000002" "aabbccdd";
  rest += "0001000200080000";
  const auto view = parse_packet(packet_of(0, rest));
  REQUIRE(view);
  CHECK(view->protocol == kProtocolUdp);
  CHECK(view->payload.size() == 8);
  CHECK(view->home_address_option == kHome);
  CHECK(view->routing_header_home_address == kOtherHome);
  CHECK(view->payload_offset == 40 + rest.size() / 2 - 8);
  CHECK(view->extension_headers ==
        ExtensionHeaders{.hop_by_hop = true, .routing = true, .destination_options = true, .authentication = true});
}

TEST_CASE("the headers that Mobile IPv6 alone put there do not count as the packet's own") {
  const auto view = parse_packet(build_packet({kCareOf, kAgent, kHome, kOtherHome}, MobilityMessage{HomeTestInit{1, {}}}));
  REQUIRE(view);
  CHECK(view->home_address_option);
  CHECK(view->routing_header_home_address);
  CHECK(view->extension_headers == ExtensionHeaders{});
}

TEST_CASE("the walk ends at ESP and does not look inside") {
  const auto view = parse_packet(packet_of(50, "0000010000000001" + kHomeAddressOption));
  REQUIRE(view);
  CHECK(view->protocol == 50);
  CHECK_FALSE(view->home_address_option);
}

TEST_CASE("fragments") {
  const std::string option_header = "3a02" "01020000" + kHomeAddressOption;
  SECTION("the first one shows the upper layer") {
    const auto view = parse_packet(packet_of(44, "1100" "0001" "12345678" "0001000200100000"));
    REQUIRE(view);
    CHECK(view->fragment_offset == 0);
    CHECK(view->more_fragments);
    CHECK(view->protocol == kProtocolUdp);
    CHECK(view->extension_headers == ExtensionHeaders{.fragment = true});
  }
  SECTION("what follows the header of a later one is not taken for headers") {
    const auto view = parse_packet(packet_of(44, "3c00" "05a8" "12345678" + option_header));
    REQUIRE(view);
    CHECK(view->fragment_offset == 0x05a8);
    CHECK_FALSE(view->more_fragments);
    CHECK(view->protocol == 60);
    CHECK_FALSE(view->home_address_option);
    CHECK(view->payload_offset == 48);
  }
  SECTION("a Home Address option behind the Fragment header is refused") {
    CHECK(parse_packet(packet_of(44, "3c00" "0001" "12345678" + option_header)).error() ==
          DecodeError{DecodeErrorKind::HomeAddressOptionWrong, 40 + 8 + 6});
  }
  SECTION("fragments of signalling are not decoded") {
    Bytes header = encode(MobilityMessage{HomeTestInit{1, {}}});
    fill_checksum(header, kCareOf, kAgent);
    CHECK(decode_packet(packet_of(44, "8700" "0001" "12345678" + to_hex(header))).error() ==
          DecodeError{DecodeErrorKind::NotMobileIpv6, 48});
    CHECK(decode_packet(packet_of(44, "8700" "0000" "12345678" + to_hex(header))));  // RFC 6946: all there is
  }
}

TEST_CASE("a destination option that runs past its header hides nothing from us") {
  CHECK(parse_packet(packet_of(60, "3b00" "010500000000")).error() == DecodeError{DecodeErrorKind::OptionOverrun, 43});
  CHECK(parse_packet(packet_of(60, "3b00" "0000" "c910" "0000")).error() ==
        DecodeError{DecodeErrorKind::HomeAddressOptionWrong, 45});
}

TEST_CASE("a second type 2 routing header is refused") {
  const std::string routing = "0202" "01" "00000000" "20010db8031000000000000000000030";
  CHECK(parse_packet(packet_of(43, "2b" + routing + "3b" + routing)).error() ==
        DecodeError{DecodeErrorKind::RoutingHeaderWrong, 40 + 24 + 2});
}

TEST_CASE("RFC 6275 §6.4: only a type 2 routing header with exactly one segment left is read") {
  for (unsigned segments_left = 0; segments_left < 256; ++segments_left) {
    Bytes packet = packet_of(43, "3b02" "0201" "00000000" "20010db8031000000000000000000030");
    packet[43] = static_cast<std::uint8_t>(segments_left);
    const auto view = parse_packet(packet);
    if (segments_left == 1) {
      CHECK(view);
    } else {
      REQUIRE(!view);
      CHECK(view.error() == DecodeError{DecodeErrorKind::RoutingHeaderWrong, 43});
    }
  }
}

TEST_CASE("random headers never end the walk badly") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::uint8_t headers[] = {0, 43, 44, 51, 60, 6, 17, 58, 135, 50, 41, 59};
  std::size_t walked = 0;
  for (int round = 0; round < 50'000; ++round) {
    Bytes rest(random() % 160);
    for (auto& octet : rest)
      octet = static_cast<std::uint8_t>(random() % 3 ? random() % 4 : random());
    for (std::size_t i = 0; i < rest.size(); i += 8) rest[i] = headers[random() % std::size(headers)];
    const Bytes packet = build_packet_around({kCareOf, kAgent}, headers[random() % std::size(headers)], rest);
    const auto view = parse_packet(packet);
    if (view) {
      ++walked;
      CHECK(view->payload_offset <= packet.size());
      CHECK(view->payload.data() + view->payload.size() == packet.data() + packet.size());
    } else {
      CHECK(view.error().offset <= packet.size());
    }
    (void)flow_key_of(packet, true);
    (void)decode_packet(packet);
  }
  CHECK(walked > 1000);
}

TEST_CASE("RFC 6275 §9.3.1: what follows the header of the Home Address option, not what comes last, nor what follows others") {
  const Bytes authentication_header{17, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  Bytes behind = authentication_header;
  behind.insert(behind.end(), 8, 0);
  const auto authenticated = parse_packet(build_packet_around({kCareOf, kAgent, kHome}, 51, behind));
  REQUIRE(authenticated);
  CHECK(authenticated->behind_home_address_option == 51);
  CHECK(authenticated->protocol == 17);

  // Another Destination Options header, padding only, behind it.
  Bytes padding{17, 0, 1, 4, 0, 0, 0, 0};
  padding.insert(padding.end(), 8, 0);
  const auto padded = parse_packet(build_packet_around({kCareOf, kAgent, kHome}, 60, padding));
  REQUIRE(padded);
  CHECK(padded->behind_home_address_option == 60);
  CHECK(padded->protocol == 17);
}
