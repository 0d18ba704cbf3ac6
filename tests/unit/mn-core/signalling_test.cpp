// SPDX-License-Identifier: GPL-3.0-or-later
// Refresh requests, binding errors, ICMPv6 errors about the tunnel, and what must be ignored.
#include "flow_support.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

namespace {

PacketReceived message(const wire::MobilityMessage& message, const Address& source = kHomeAgent,
                       const Address& destination = kPrimary) {
  return {.packet = wire::build_packet({.source = source, .destination = destination}, message), .interface = kWlan};
}

struct TooBig {
  Address router = address("2001:db8:aa::1");
  Address outer_source = kWlanAddress;
  Address outer_destination = kHomeAgent;
  Address inner_source = kPrimary;
  std::uint8_t next_header = kProtocolIpv6;
  std::uint32_t mtu = 1400;
  std::uint8_t type = wire::kIcmpv6PacketTooBig;
};

PacketReceived icmpv6_error(const TooBig& what) {
  const Bytes inner = wire::build_packet_around({.source = what.inner_source, .destination = kCorrespondent}, kProtocolUdp, Bytes(1400));
  const Bytes outer = wire::build_packet_around({.source = what.outer_source, .destination = what.outer_destination}, what.next_header, inner);
  wire::Icmpv6Error error{.type = what.type, .parameter = what.mtu, .invoking_packet = outer};
  error.invoking_packet.resize(1200);
  return {.packet = wire::build_packet({.source = what.router, .destination = kWlanAddress}, wire::Icmpv6Message{error}), .interface = kWlan};
}

SentUpdate first_update(TestNode& test) {
  test.wlan_up();
  const auto updates = test.take_updates();
  REQUIRE(updates.size() == 1);
  return updates.front();
}

// ICMPv6 Parameter Problem about the Mobility Header of this Binding Update.
PacketReceived header_unknown(const SentUpdate& about, const Address& source = kHomeAgent, std::uint8_t code = 1) {
  const wire::Icmpv6Error error{.type = wire::kIcmpv6ParameterProblem, .code = code, .parameter = 40, .invoking_packet = about.packet};
  return {.packet = wire::build_packet({.source = source, .destination = about.source}, wire::Icmpv6Message{error}), .interface = kWlan};
}

std::uint32_t mtu_of(TestNode& test) { return test.node.plan().default_route->mtu; }

}  // namespace

TEST_CASE("a Binding Refresh Request of the home agent refreshes, one of a stranger does not") {
  TestNode test;
  settle_in(test);
  test.handle(message(wire::BindingRefreshRequest{}, kCorrespondent));
  CHECK(test.take_updates().empty());
  CHECK(test.saw_event("refresh-request-from-stranger"));
  test.handle(message(wire::BindingRefreshRequest{}, kHomeAgent, address("2001:db8:1::9999")));
  CHECK(test.take_updates().empty());
  test.handle(message(wire::BindingRefreshRequest{}));
  const auto updates = test.take_updates();
  REQUIRE(updates.size() == 1);
  CHECK(updates.front().home_address == kPrimary);
  // While that one is unanswered, more requests are no reason for more Binding Updates.
  for (int i = 0; i < 100; ++i) test.handle(message(wire::BindingRefreshRequest{}));
  CHECK(test.take_updates().empty());
}

TEST_CASE("a Binding Error of the home agent makes the node register again; nothing else happens before the answer") {
  TestNode test;
  settle_in(test);
  test.handle(message(wire::BindingError{.home_address = kPrimary}, kCorrespondent, kWlanAddress));
  CHECK(test.take_updates().empty());
  test.handle(message(wire::BindingError{.home_address = kPrimary}, kHomeAgent, kWlanAddress));
  CHECK(test.take_updates().size() == 1);
  CHECK(test.node.status(test.both()).registered);
  test.handle(message(wire::BindingError{.home_address = address("2001:db8:1::9999")}, kHomeAgent, kWlanAddress));
  CHECK(test.take_updates().empty());
}

TEST_CASE("messages of the tunnel count only from the own home agent's tunnel") {
  TestNode test;
  settle_in(test);
  auto request = message(wire::BindingRefreshRequest{});
  request.tunnel_source = kCorrespondent;
  test.handle(request);
  CHECK(test.take_updates().empty());
  CHECK(test.saw_event("tunnel-from-stranger"));
}

TEST_CASE("messages for other roles are counted and ignored") {
  TestNode test;
  settle_in(test);
  for (const auto& other : {wire::MobilityMessage{wire::BindingUpdate{}}, wire::MobilityMessage{wire::HomeTestInit{}},
                            wire::MobilityMessage{wire::CareOfTestInit{}}}) {
    test.handle(message(other));
    CHECK(test.saw_event("message-not-for-us"));
  }
  test.handle(message(wire::HomeTest{}));
  CHECK(test.saw_event("home-test-unexpected"));
  test.handle(message(wire::CareOfTest{}));
  CHECK(test.saw_event("care-of-test-unexpected"));
  CHECK(test.take_updates().empty());
  CHECK(test.take_other_packets().empty());
}

TEST_CASE("a message of unknown type to a care-of address is answered with a Binding Error, so many per second") {
  TestNode test;
  settle_in(test);
  const auto of_unknown_type = [](const Address& source, const Address& destination) {
    constexpr std::uint8_t kUnknown = 255;
    Bytes header{59, 0, kUnknown, 0, 0, 0, 0, 0};
    const wire::Envelope envelope{.source = source, .destination = destination};
    return PacketReceived{.packet = wire::build_packet_from_header(envelope, header), .interface = kWlan};
  };
  test.handle(of_unknown_type(kCorrespondent, kWlanAddress));
  const auto answers = test.take_other_packets();
  REQUIRE(answers.size() == 1);
  CHECK(answers.front().interface == kWlan);
  const auto decoded = wire::decode_packet(answers.front().packet);
  REQUIRE(decoded);
  CHECK(decoded->view.source == kWlanAddress);
  CHECK(decoded->view.destination == kCorrespondent);
  const auto& error = std::get<wire::BindingError>(std::get<wire::MobilityMessage>(decoded->message));
  CHECK(error.status == wire::BindingErrorStatus::UnrecognizedMobilityType);
  CHECK(error.home_address.is_unspecified());
  CHECK(test.saw_event("message-malformed"));

  SECTION("none to an address that is not ours, and none to many") {
    test.handle(of_unknown_type(kCorrespondent, kWwanAddress));
    test.handle(of_unknown_type(kCorrespondent, kPrimary));
    test.handle(of_unknown_type(address("ff02::1"), kWlanAddress));
    test.handle(of_unknown_type(Address{}, kWlanAddress));
    auto by_tunnel = of_unknown_type(kCorrespondent, kWlanAddress);
    by_tunnel.tunnel_source = kHomeAgent;
    test.handle(by_tunnel);
    CHECK(test.take_other_packets().empty());
  }
  SECTION("a flood is answered in part") {
    for (int i = 0; i < 1000; ++i) test.handle(of_unknown_type(kCorrespondent, kWlanAddress));
    CHECK(test.take_other_packets().size() < 60);
  }
  CHECK(test.take_updates().empty());
}

TEST_CASE("a node that knows no Mobility Headers gets no more Binding Updates for five minutes, wherever they would come from") {
  TestNode test;
  const auto update = first_update(test);
  test.handle(header_unknown(update));
  CHECK(test.saw_event("registration-refused"));
  test.advance(1min);
  test.wwan_up();
  test.carrier(kWlan, "wlan0", false);
  test.advance(4min - 1s);
  CHECK(test.take_updates().empty());
  test.advance(2s);
  CHECK(test.take_updates().size() == 1);
}

TEST_CASE("who else says that, or quotes something else, is not believed") {
  TestNode test;
  const auto update = first_update(test);
  SECTION("a router on the way") { test.handle(header_unknown(update, kCorrespondent)); }
  SECTION("another code") { test.handle(header_unknown(update, kHomeAgent, 0)); }
  SECTION("a quotation cut at any octet in front of the sequence number") {
    constexpr std::size_t kSequenceEnds = 40 + 24 + 8;
    for (std::size_t length = 0; length < kSequenceEnds; ++length) {
      auto cut = update;
      cut.packet.resize(length);
      test.handle(header_unknown(cut));
    }
  }
  SECTION("another sequence number") {
    auto other = update;
    other.packet[40 + 24 + 7] ^= 1;
    test.handle(header_unknown(other));
  }
  CHECK_FALSE(test.saw_event("registration-refused"));
  test.advance(1500ms);
  CHECK(test.take_updates().size() == 1);
}

TEST_CASE("a home agent that has accepted a binding knows Mobility Headers, whatever an error says") {
  TestNode test;
  test.acknowledge(first_update(test));
  test.interface_up(kWlan, "wlan0", address("2001:db8:a::11"));
  test.handle(AddressRemoved{kWlan, kWlanAddress});
  const auto updates = test.take_updates();
  REQUIRE_FALSE(updates.empty());
  test.handle(header_unknown(updates.front()));
  CHECK_FALSE(test.saw_event("registration-refused"));
  test.advance(1s);
  CHECK_FALSE(test.take_updates().empty());
}

TEST_CASE("Packet Too Big about the tunnel lowers the MTU for ten minutes") {
  TestNode test;
  settle_in(test);
  REQUIRE(mtu_of(test) == 1460);
  test.handle(icmpv6_error({.mtu = 1400}));
  CHECK(mtu_of(test) == 1360);
  CHECK(test.saw_event("path-mtu-lowered"));
  test.serve(600s - 1ms);
  CHECK(mtu_of(test) == 1360);
  test.serve(1ms);
  CHECK(mtu_of(test) == 1460);
}

TEST_CASE("the MTU never goes below what every IPv6 link carries") {
  TestNode test;
  settle_in(test);
  test.handle(icmpv6_error({.mtu = 1300}));
  CHECK(mtu_of(test) == 1280);
  test.handle(icmpv6_error({.mtu = 1279}));
  test.handle(icmpv6_error({.mtu = 0}));
  CHECK(mtu_of(test) == 1280);
}

TEST_CASE("forged and meaningless Packet Too Big messages change nothing") {
  TestNode test;
  settle_in(test);
  TooBig what;
  SECTION("not our care-of address") { what.outer_source = address("2001:db8:a::77"); }
  SECTION("not to the home agent") { what.outer_destination = kCorrespondent; }
  SECTION("not a tunnel") { what.next_header = kProtocolUdp; }
  SECTION("not a packet of ours inside") { what.inner_source = address("2001:db8:1::7777"); }
  SECTION("larger than the link") { what.mtu = 9000; }
  SECTION("another error") { what.type = wire::kIcmpv6DestinationUnreachable; }
  test.handle(icmpv6_error(what));
  CHECK(mtu_of(test) == 1460);
}

TEST_CASE("a quotation cut at any octet does no harm") {
  TestNode test;
  settle_in(test);
  const auto whole = icmpv6_error({});
  for (std::size_t length = 0; length < 200; ++length) {
    auto cut = whole;
    cut.packet.resize(length);
    test.handle(cut);
  }
  CHECK(mtu_of(test) == 1460);
}

TEST_CASE("the MTU is the smallest of the uplinks in use") {
  TestNode test;
  test.wlan_up();
  test.serve(5s);
  CHECK(mtu_of(test) == 1460);
  test.wwan_up();
  test.handle(InterfaceChanged{.index = kWwan, .name = "wwan0", .kind = InterfaceKind::Cellular, .up = true, .running = true, .mtu = 1420});
  test.serve(5s);
  CHECK(mtu_of(test) == 1380);
  test.carrier(kWwan, "wwan0", false, InterfaceKind::Cellular);
  test.serve(5s);
  CHECK(mtu_of(test) == 1460);
}

TEST_CASE("what the kernel refuses is told") {
  TestNode test;
  test.handle(PlanRefused{"the default route", 1});
  CHECK(test.saw_event("plan-refused"));
}
