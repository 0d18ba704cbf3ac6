// SPDX-License-Identifier: GPL-3.0-or-later
// What rules may ask for is read from a flow's first packet.
#include <catch2/catch.hpp>

#include "flows.hpp"
#include "mipflow/wire/echo.hpp"
#include "mipflow/wire/packet.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;

namespace {

const Address kHome = Address::parse("2001:db8:1::100").value();
const Address kCorrespondent = Address::parse("2001:db8:c::1").value();
const Bytes kUdpHeader{0x13, 0x88, 0x13, 0xc4, 0, 8, 0, 0};

flow_separator::FlowAttributes attributes_of(const Bytes& packet, Direction direction = Direction::Outgoing) {
  FlowPacket event;
  event.direction = direction;
  event.packet = packet;
  event.user = 1000;
  event.owner = std::make_shared<const FlowOwner>(FlowOwner{.program = "/usr/bin/call"});
  const auto separated = separate(event);
  REQUIRE(separated);
  return separated->attributes;
}

// UDP behind one extension header of eight octets.
Bytes behind(std::uint8_t header, Bytes extension) {
  extension.insert(extension.end(), kUdpHeader.begin(), kUdpHeader.end());
  return wire::build_packet_around({.source = kHome, .destination = kCorrespondent}, header, extension);
}

}  // namespace

TEST_CASE("classification: traffic class, flow label, user and owner") {
  Bytes packet = wire::build_packet_around({.source = kHome, .destination = kCorrespondent}, kProtocolUdp, kUdpHeader);
  packet[0] = 0x6b;  // version 6, traffic class 0xb8, flow label 0x12345
  packet[1] = 0x81;
  packet[2] = 0x23;
  packet[3] = 0x45;
  const auto attributes = attributes_of(packet);
  CHECK(attributes.key.correspondent == kCorrespondent);
  CHECK(attributes.key.correspondent_port == 5060);
  CHECK(attributes.dscp == 46);
  CHECK(attributes.flow_label == 0x12345);
  CHECK(attributes.user == 1000u);
  CHECK(attributes.owner->program == "/usr/bin/call");
  CHECK_FALSE(attributes.icmp_type);
  CHECK(attributes.extension_headers == 0);
}

TEST_CASE("classification: the ICMPv6 type, in both directions") {
  CHECK(attributes_of(wire::build_packet({.source = kHome, .destination = kCorrespondent}, wire::Echo{.identifier = 7})).icmp_type == 128);
  CHECK(attributes_of(wire::build_packet({.source = kCorrespondent, .destination = kHome}, wire::Echo{.identifier = 7}), Direction::Incoming)
            .icmp_type == 128);
}

TEST_CASE("classification: extension headers") {
  using flow_separator::ExtensionHeader;
  const auto set = [](ExtensionHeader header) { return static_cast<std::uint8_t>(header); };
  CHECK(attributes_of(behind(0, {17, 0, 1, 4, 0, 0, 0, 0})).extension_headers == set(ExtensionHeader::HopByHop));
  CHECK(attributes_of(behind(60, {17, 0, 1, 4, 0, 0, 0, 0})).extension_headers == set(ExtensionHeader::DestinationOptions));
  CHECK(attributes_of(behind(43, {17, 0, 4, 0, 0, 0, 0, 0})).extension_headers == set(ExtensionHeader::Routing));
  CHECK(attributes_of(behind(44, {17, 0, 0, 1, 0, 0, 0, 9})).extension_headers == set(ExtensionHeader::Fragment));
  CHECK(attributes_of(behind(51, {17, 0, 0, 0, 0, 0, 0, 1})).extension_headers == set(ExtensionHeader::Authentication));
}

TEST_CASE("classification: headers that only Mobile IPv6 added are not the flow's") {
  const wire::Envelope envelope{.source = Address::parse("2001:db8:5::5").value(),
                                .destination = Address::parse("2001:db8:6::6").value(),
                                .home_address_option = kCorrespondent,
                                .routing_header_home_address = kHome};
  const auto attributes = attributes_of(wire::build_packet_around(envelope, kProtocolUdp, kUdpHeader), Direction::Incoming);
  CHECK(attributes.key.correspondent == kCorrespondent);
  CHECK(attributes.extension_headers == 0);
}
