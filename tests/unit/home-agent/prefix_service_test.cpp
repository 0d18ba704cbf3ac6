// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §10.6: Mobile Prefix Solicitations and Advertisements.
#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;

namespace {

struct Solicitation {
  Address home_address = kPrimary;
  Address source = kCareOf1;
  std::uint16_t identifier = 77;
  bool home_address_option = true, sign = true;
  std::uint32_t spi = 1000;
  std::optional<Bytes> key = std::nullopt;
  Duration clock_offset{};
};

Bytes packet_of(const Fixture& f, const Solicitation& s) {
  wire::Envelope envelope{s.source, kHomeAgent};
  if (s.home_address_option) envelope.home_address_option = s.home_address;
  const wire::MobilePrefixSolicitation message{.identifier = s.identifier};
  if (!s.sign) return wire::build_packet(envelope, message);
  const Address logical = s.home_address_option ? s.home_address : s.source;
  const Bytes signed_message = wire::encode_signed(
      message, s.spi, s.key.value_or(Fixture::key_of(s.home_address)),
      wire::ntp_timestamp(f.now.wall + s.clock_offset), s.source, s.home_address, kHomeAgent, logical, kHomeAgent);
  return wire::build_packet_around(envelope, kProtocolIcmpv6, signed_message);
}

struct Advertised {
  TimePoint at;
  wire::PacketView view;
  Bytes packet;
  wire::MobilePrefixAdvertisement message;
  bool authentic;
};

std::vector<Advertised> take(Fixture& f) {
  std::vector<Advertised> out;
  for (auto& sent : f.take_sent())
    if (const auto message = Fixture::message_in<wire::MobilePrefixAdvertisement>(sent)) {
      const auto view = *wire::parse_packet(sent.out.packet);
      const Address home = view.logical_destination();
      const bool authentic = wire::prefix_authenticator_is_right(view.payload, 1000, Fixture::key_of(home),
                                                                 view.destination, home, kHomeAgent);
      out.push_back({sent.at, view, sent.out.packet, *message, authentic});
    }
  return out;
}

}  // namespace

TEST_CASE("a solicitation is answered at once with the whole list") {
  Fixture f;
  f.establish({});
  f.advance(10s);
  f.take_sent();
  f.send_packet(packet_of(f, {}));
  const auto answers = take(f);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].at == f.now.monotonic);
  CHECK(answers[0].message.identifier == 77);
  CHECK_FALSE(answers[0].message.managed_address_configuration);
  CHECK_FALSE(answers[0].message.other_stateful_configuration);
  REQUIRE(answers[0].message.prefixes.size() == 1);
  CHECK(answers[0].message.prefixes[0].prefix == kHomeAgent);
  CHECK(answers[0].message.prefixes[0].autonomous);
  CHECK(answers[0].view.source == kHomeAgent);
  CHECK(answers[0].view.destination == kCareOf1);
  CHECK(answers[0].view.routing_header_home_address == kPrimary);
  CHECK(answers[0].authentic);
  CHECK(answers[0].message.authentication->ntp_timestamp == wire::ntp_timestamp(f.now.wall));
  CHECK(f.agent->counters().prefix_solicitations == 1);
}

TEST_CASE("no more than one a second; the last question is answered when the second is over") {
  Fixture f;
  f.establish({});
  f.advance(10s);
  f.take_sent();
  const TimePoint start = f.now.monotonic;
  f.send_packet(packet_of(f, {.identifier = 1}));
  f.advance(300ms);
  f.send_packet(packet_of(f, {.identifier = 2}));
  f.advance(300ms);
  f.send_packet(packet_of(f, {.identifier = 3}));
  f.advance(10s);
  const auto answers = take(f);
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].message.identifier == 1);
  CHECK(answers[0].at == start);
  CHECK(answers[1].message.identifier == 3);
  CHECK(answers[1].at == start + 1s);
}

TEST_CASE("the limit is per mobile node, not per home address") {
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({});
  f.establish({.home_address = kDynamic});
  f.advance(2s);
  f.take_sent();
  f.send_packet(packet_of(f, {}));
  f.advance(1ms);
  f.send_packet(packet_of(f, {.home_address = kDynamic}));
  CHECK(take(f).size() == 1);
  f.advance(1s);
  const auto later = take(f);
  REQUIRE(later.size() == 1);
  CHECK(later[0].view.routing_header_home_address == kDynamic);
  CHECK(later[0].authentic);
}

TEST_CASE("solicitations that are not answered") {
  struct Row {
    const char* what;
    Solicitation solicitation;
    bool binding_error;
  };
  const std::vector<Row> rows{
      {"not signed", {.sign = false}, false},
      {"wrong key", {.key = Bytes(16, 3)}, false},
      {"the key of another home address", {.key = Fixture::key_of(kDynamic)}, false},
      {"unknown SPI", {.spi = 4711}, false},
      {"no Home Address option", {.home_address_option = false}, false},
      {"too old", {.clock_offset = -8s}, false},
      {"too new", {.clock_offset = 8s}, false},
      {"not bound", {.home_address = kDynamic}, true},
      {"from another care-of address", {.source = kCareOf2}, true},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    Fixture f;
    f.establish({});
    f.advance(10s);
    f.take_sent();
    const auto before = f.fingerprint();
    f.send_packet(packet_of(f, row.solicitation));
    const auto sent = f.take_sent();
    REQUIRE(sent.size() == (row.binding_error ? 1u : 0u));
    if (row.binding_error) {
      const auto error = Fixture::message_in<wire::BindingError>(sent[0]);
      REQUIRE(error);
      CHECK(error->status == wire::BindingErrorStatus::UnknownBinding);
      CHECK(error->home_address == row.solicitation.home_address);
      CHECK(sent[0].decoded().view.destination == row.solicitation.source);
      CHECK_FALSE(sent[0].decoded().view.routing_header_home_address);
    }
    CHECK(f.fingerprint() == before);
  }
}

TEST_CASE("a recorded solicitation is not answered again") {
  Fixture f;
  f.establish({});
  f.advance(10s);
  f.take_sent();
  const Bytes recorded = packet_of(f, {});
  f.send_packet(recorded);
  CHECK(take(f).size() == 1);
  f.advance(2s);
  f.send_packet(recorded);
  f.advance(10s);
  CHECK(take(f).empty());
}

TEST_CASE("unauthenticated bindings of the insecure mode are answered unsigned") {
  auto configuration = Fixture::on_virtual_home_link();
  configuration.accept_unauthenticated_insecure = true;
  Fixture f(configuration);
  f.establish({.home_address = kDynamic, .authenticated = false});
  f.take_sent();
  f.send_packet(packet_of(f, {.home_address = kDynamic, .sign = false}));
  const auto answers = take(f);
  REQUIRE(answers.size() == 1);
  CHECK_FALSE(answers[0].message.authentication);
}

TEST_CASE("a change of the prefixes is told after a random delay and repeated after 3, 6 and 12 seconds") {
  Fixture f;
  f.establish({});
  f.advance(100s);
  f.take_sent();
  auto configuration = f.configuration;
  configuration.home_prefixes.push_back({*Prefix::parse("2001:db8:101::/64")});
  const TimePoint changed = f.now.monotonic;
  f.configure(configuration);
  // Kept bound by refreshes; a day is the longest delay.
  std::vector<Advertised> all;
  for (std::uint16_t i = 0; i < 400; ++i) {
    f.send({.sequence = static_cast<std::uint16_t>(16 + i)});
    f.advance(240s);
    for (auto& one : take(f)) all.push_back(one);
  }
  REQUIRE(all.size() >= 4);
  const Duration delay = all[0].at - changed;
  CHECK(delay >= 600s);
  CHECK(delay <= 86'400s);
  CHECK(all[1].at - all[0].at == 3s);
  CHECK(all[2].at - all[1].at == 6s);
  CHECK(all[3].at - all[2].at == 12s);
  for (const auto& one : all) {
    CHECK(one.message.prefixes.size() == 2);
    CHECK(one.view.destination == kCareOf1);
    CHECK(one.view.routing_header_home_address == kPrimary);
    CHECK(one.authentic);
  }
  // Unacknowledged, it begins again with the next registration.
  REQUIRE(all.size() >= 8);
  CHECK(all[4].at - all[3].at > 12s);
}

TEST_CASE("a solicitation ends the repetitions, the end of the binding too") {
  for (const bool by_solicitation : {true, false}) {
    auto configuration = Fixture::on_virtual_home_link();
    configuration.longest_binding_lifetime = 262'140s;
    Fixture f(configuration);
    f.establish({.lifetime_units = 65535});
    f.take_sent();
    configuration.home_prefixes[0].preferred_lifetime = 24h;
    f.configure(configuration);
    while (take(f).empty()) f.advance(1s);
    if (by_solicitation)
      f.send_packet(packet_of(f, {}));
    else
      f.send({.sequence = 16, .lifetime_units = 0});
    f.advance(100s);
    CHECK(take(f).size() == (by_solicitation ? 1u : 0u));  // the answer
  }
}

TEST_CASE("nobody goes without an advertisement for much more than a day") {
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({.lifetime_units = 65535});
  f.take_sent();
  f.advance(24h);
  CHECK(take(f).empty());
  f.send({.sequence = 16, .lifetime_units = 65535});
  f.advance(24h);
  CHECK(take(f).size() >= 4);
}
