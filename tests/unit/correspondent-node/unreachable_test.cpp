// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §9.3.4: a care-of address that stays unreachable ends its binding; a single error, or a forged one, does not.
#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::correspondent_node::test;

namespace {

// So many errors, far enough from each other to count.
void unreachable_times(Fixture& f, int times, Duration apart = 3s) {
  for (int i = 0; i < times; ++i) {
    if (i > 0) f.advance(apart);
    f.unreachable();
  }
}

}  // namespace

TEST_CASE("four errors in ten seconds end the binding, three do not; then the option is refused") {
  Fixture f;
  f.bind();
  unreachable_times(f, 3);
  CHECK(f.permits(kHome, kCareOf1));
  f.advance(3s);
  f.unreachable();
  CHECK_FALSE(f.permits(kHome, kCareOf1));
  CHECK(f.noticed("correspondent-binding-unreachable"));
  f.report_unbound(kHome, kCareOf1);
  CHECK(f.take_one<wire::BindingError>().message.home_address == kHome);
}

TEST_CASE("packets from the mobile node in between do not make its care-of address reachable") {
  Fixture f;
  f.bind();
  for (int i = 0; i < 4; ++i) {
    f.advance(3s);
    f.use();
    f.unreachable();
  }
  CHECK_FALSE(f.permits(kHome, kCareOf1));
}

TEST_CASE("many errors at once are one, errors far apart are none") {
  Fixture f;
  f.bind();
  SECTION("at once") {
    for (int i = 0; i < 1000; ++i) f.unreachable();
    f.advance(3s - 1ns);
    for (int i = 0; i < 1000; ++i) f.unreachable();
  }
  SECTION("far apart") { unreachable_times(f, 6, 61s); }
  CHECK(f.permits(kHome, kCareOf1));
}

TEST_CASE("a Binding Update begins the count anew") {
  Fixture f;
  const Tokens tokens = f.bind({.sequence = 1});
  unreachable_times(f, 3);
  f.send({.sequence = 2}, tokens);
  f.advance(3s);
  unreachable_times(f, 3);
  CHECK(f.permits(kHome, kCareOf1));
}

TEST_CASE("errors about something else do not count") {
  Fixture f;
  f.bind();
  const auto before = f.fingerprint();
  const auto error = [](std::uint8_t type, std::uint8_t code, const Address& receiver, const Bytes& quoted) {
    return wire::build_packet({kRouter, receiver}, wire::Icmpv6Error{type, code, 0, quoted});
  };
  const auto sent = [](const Address& source, const Address& care_of, std::optional<Address> home) {
    wire::Envelope envelope{source, care_of};
    envelope.routing_header_home_address = home;
    return wire::build_packet_around(envelope, kProtocolUdp, Bytes(8));
  };
  const Bytes right = sent(kCorrespondent, kCareOf1, kHome);
  for (const Bytes& packet : {error(1, 4, kCorrespondent, right),  // the mobile node itself: no such port
                              error(2, 0, kCorrespondent, right), error(3, 0, kCorrespondent, right),
                              error(4, 2, kCorrespondent, right), error(1, 3, kSecondAddress, right),
                              error(1, 3, kCorrespondent, sent(kSecondAddress, kCareOf1, kHome)),
                              error(1, 3, kCorrespondent, sent(kCorrespondent, kCareOf2, kHome)),
                              error(1, 3, kCorrespondent, sent(kCorrespondent, kCareOf1, kHome2)),
                              error(1, 3, kCorrespondent, sent(kCorrespondent, kCareOf1, std::nullopt)),
                              error(1, 3, kCorrespondent, sent(kCorrespondent, kHome, std::nullopt)),
                              error(1, 3, kCorrespondent, {}), error(1, 3, kCorrespondent, Bytes(right.begin(), right.begin() + 50))})
    for (int i = 0; i < 6; ++i) {
      f.send_packet(packet);
      f.advance(4s);
      CHECK(f.silent());
    }
  CHECK(f.fingerprint() == before);
  CHECK(f.permits(kHome, kCareOf1));
}

TEST_CASE("a quotation that was cut behind the routing header is enough") {
  Fixture f;
  f.bind();
  wire::Envelope envelope{kCorrespondent, kCareOf1};
  envelope.routing_header_home_address = kHome;
  Bytes quoted = wire::build_packet_around(envelope, kProtocolUdp, Bytes(1400));
  quoted.resize(40 + 24 + 8);
  for (int i = 0; i < 4; ++i) {
    f.send_packet(wire::build_packet({kRouter, kCorrespondent}, wire::Icmpv6Error{1, 0, 0, quoted}));
    f.advance(3s);
  }
  CHECK_FALSE(f.permits(kHome, kCareOf1));
}
