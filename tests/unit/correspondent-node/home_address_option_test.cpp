// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §9.3.1, §9.3.3: packets with a Home Address option that the data path dropped and showed to the role.
#include "mipflow/correspondent-node/home_address_option.hpp"

#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::correspondent_node::test;

namespace {

constexpr std::uint8_t kEsp = 50, kAuthenticationHeader = 51, kFragmentHeader = 44;

Bytes with_option(std::uint8_t next_header, BytesView rest, const Address& source = kCareOf1) {
  return wire::build_packet_around({source, kCorrespondent, kHome}, next_header, rest);
}

}  // namespace

TEST_CASE("a Home Address option without a binding: Binding Error 1 to the source on the wire, every time, and no state") {
  Fixture f;
  for (int i = 0; i < 2; ++i) {
    f.report_unbound(kHome, kCareOf1);
    const auto answer = f.take_one<wire::BindingError>();
    CHECK(answer.message.status == wire::BindingErrorStatus::UnknownBinding);
    CHECK(answer.message.home_address == kHome);
    CHECK(answer.view.source == kCorrespondent);
    CHECK(answer.view.destination == kCareOf1);
    CHECK_FALSE(answer.view.routing_header_home_address);
    CHECK(f.node->bindings(f.now).empty());
    f.advance(1s);
  }
  CHECK(f.node->counters().binding_errors == 2);
}

TEST_CASE("the option has to match the binding: home address, care-of address and our address; it changes nothing") {
  Fixture f;
  f.bind();
  const auto before = f.fingerprint();
  f.report_unbound(kHome2, kCareOf1);
  CHECK(f.take_one<wire::BindingError>().message.home_address == kHome2);
  for (int i = 0; i < 2; ++i) {
    f.report_unbound(kHome, kCareOf2);
    const auto answer = f.take_one<wire::BindingError>();
    CHECK(answer.message.home_address == kHome);
    CHECK(answer.view.destination == kCareOf2);
  }
  f.report_unbound(kHome, kCareOf1, kSecondAddress);
  CHECK(f.take_one<wire::BindingError>().view.source == kSecondAddress);
  f.report_unbound(kCareOf1, kHome);  // the two exchanged
  CHECK(f.take_one<wire::BindingError>().message.home_address == kCareOf1);
  CHECK(f.fingerprint() == before);
}

TEST_CASE("a packet that the binding came just too late for is not answered") {
  Fixture f;
  f.bind({.sequence = 1});
  f.report_unbound(kHome, kCareOf1);
  CHECK(f.silent());
  const Tokens tokens = f.return_routability(kHome, kCareOf2);
  f.send({.source = kCareOf2, .sequence = 2}, tokens);
  f.take_sent();
  f.report_unbound(kHome, kCareOf1);  // from the care-of address before
  CHECK(f.silent());
  f.advance(2s);
  f.report_unbound(kHome, kCareOf1);
  CHECK(f.take<wire::BindingError>().size() == 1);
}

TEST_CASE("no Binding Error to sources that are no unicast addresses, for home addresses that nobody can have, with a routing header") {
  Fixture f;
  for (const char* source : {"ff0e::5", "ff02::5", "::", "::1"}) f.report_unbound(kHome, address(source));
  for (const char* home : {"ff0e::5", "fe80::5", "::", "::1"}) f.report_unbound(address(home), kCareOf1);
  f.report_unbound(address("ff0e::5"), address("ff0e::6"));
  f.report_unbound(kHome, kCareOf1, address("ff0e::7"));
  f.send_packet(wire::build_packet_around({kCareOf1, kCorrespondent, kHome, kHome2}, kProtocolUdp, Bytes(8)));
  CHECK(f.silent());
}

TEST_CASE("what authenticates itself needs no binding: ESP, AH, Mobility Header; also behind a Fragment header") {
  Fixture f;
  const Bytes esp(24, 7);
  const Bytes authentication_header{59, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const Bytes fragment_of_esp{kEsp, 0, 0, 1, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8};
  const Bytes fragment_of_udp{kProtocolUdp, 0, 0, 1, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8};
  for (const auto& [packet, needs] :
       {std::pair{with_option(kEsp, esp), false}, std::pair{with_option(kAuthenticationHeader, authentication_header), false},
        std::pair{with_option(kProtocolMobilityHeader, wire::encode(wire::BindingUpdate{})), false},
        std::pair{with_option(kFragmentHeader, fragment_of_esp), false},
        std::pair{with_option(kFragmentHeader, fragment_of_udp), true}, std::pair{with_option(kProtocolUdp, Bytes(8)), true},
        std::pair{with_option(kProtocolTcp, Bytes(20)), true}, std::pair{with_option(59, {}), true}}) {
    const auto view = wire::parse_packet(packet);
    REQUIRE(view);
    CHECK(correspondent_node::needs_binding(*view) == needs);
    f.send_packet(packet);
    CHECK(f.take<wire::BindingError>().size() == (needs ? 1 : 0));
  }
  CHECK_FALSE(correspondent_node::needs_binding(*wire::parse_packet(
      wire::build_packet_around({kCareOf1, kCorrespondent}, kProtocolUdp, Bytes(8)))));
}

TEST_CASE("the data path may hand over the beginning of a packet only") {
  Fixture f;
  Bytes packet = with_option(kProtocolTcp, Bytes(1000));
  packet.resize(128);
  f.send_packet(packet);
  CHECK(f.take<wire::BindingError>().size() == 1);
}

TEST_CASE("Binding Errors are limited in their rate") {
  Fixture f;
  for (int i = 0; i < 1000; ++i) f.report_unbound(kHome, kCareOf1);
  const auto burst = f.take<wire::BindingError>().size();
  CHECK(burst >= 10);
  CHECK(burst <= 100);
  f.advance(1s);
  f.report_unbound(kHome, kCareOf1);
  CHECK(f.take<wire::BindingError>().size() == 1);
}
