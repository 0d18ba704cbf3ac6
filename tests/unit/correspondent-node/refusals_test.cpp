// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §9.2, §9.5.1, §9.5.4: Binding Updates that are not accepted, and which of them are answered.
#include <functional>

#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::correspondent_node::test;
using wire::BindingStatus;

namespace {

// Changes octets of a finished packet and makes the checksum right again. `header` is where the Mobility Header starts.
Bytes changed(Bytes packet, const std::function<void(Bytes& mobility_header)>& change) {
  const auto view = wire::parse_packet(packet).value();
  Bytes header(view.payload.begin(), view.payload.end());
  change(header);
  wire::fill_checksum(header, view.logical_source(), view.logical_destination());
  std::copy(header.begin(), header.end(), packet.begin() + static_cast<std::ptrdiff_t>(view.payload_offset));
  return packet;
}

void stays_silent(Fixture& f, const Bytes& packet) {
  const auto before = f.fingerprint();
  f.send_packet(packet);
  CHECK(f.silent());
  CHECK(f.fingerprint() == before);
}

}  // namespace

TEST_CASE("whose addresses are wrong gets no answer, bound or not") {
  Fixture f;
  Update update;
  SECTION("multicast source") { update.source = address("ff0e::5"); }
  SECTION("link-local source") { update.source = address("fe80::5"); }
  SECTION("unspecified source") { update.source = address("::"); }
  SECTION("multicast source, good care-of address") {
    update.source = address("ff0e::5");
    update.alternate_care_of_address = kCareOf1;
  }
  SECTION("multicast home address") { update.home_address = address("ff0e::100"); }
  SECTION("link-local home address") { update.home_address = address("fe80::100"); }
  SECTION("multicast alternate care-of address") { update.alternate_care_of_address = address("ff0e::5"); }
  SECTION("link-local alternate care-of address") { update.alternate_care_of_address = address("fe80::5"); }
  SECTION("sent to a multicast address") { update.correspondent = address("ff0e::7"); }
  SECTION("sent to a link-local address") { update.correspondent = address("fe80::7"); }
  Tokens tokens = f.bind({.sequence = 1});
  stays_silent(f, Fixture::packet_of(update, tokens));
  update.lifetime_units = 0;
  stays_silent(f, Fixture::packet_of(update, tokens));
  CHECK(f.node->counters().dropped_malformed == 2);
}

TEST_CASE("de-registration without a Home Address option from a source that is no home address: silence") {
  Fixture f;
  const Tokens tokens = f.bind({.sequence = 1});
  for (const char* source : {"ff0e::100", "fe80::100"})
    stays_silent(f, Fixture::packet_of({.source = address(source), .lifetime_units = 0, .home_address_option = false}, tokens));
}

TEST_CASE("what an authorised Binding Update must have: without it silence") {
  Fixture f;
  const Tokens tokens = f.return_routability();
  Update update;
  SECTION("nonce indices") { update.with_indices = false; }
  SECTION("Binding Authorization Data") { update.with_authorization = false; }
  SECTION("neither") { update.with_indices = update.with_authorization = false; }
  for (const bool bound : {false, true}) {
    if (bound) f.bind({.sequence = 1});
    stays_silent(f, Fixture::packet_of(update, tokens));
    update.lifetime_units = 0;
    update.source = kHome;
    update.home_address_option = false;
    stays_silent(f, Fixture::packet_of(update, tokens));
  }
}

TEST_CASE("a wrong authenticator is dropped silently") {
  Fixture f;
  const Tokens tokens = f.bind({.sequence = 1});
  Tokens wrong = tokens;
  SECTION("home token") {
    wrong.home = 0xffffffff;
    for (const bool from_home : {false, true})
      stays_silent(f, Fixture::packet_of({.source = from_home ? kHome : kCareOf1, .sequence = 2, .lifetime_units = 0}, wrong));
  }
  SECTION("care-of token") { wrong.care_of = 0xffffffff; }
  SECTION("both exchanged") { std::swap(wrong.home, wrong.care_of); }
  SECTION("the care-of token of another address") { f.care_of_test(wrong, kCareOf2); }
  SECTION("the home token of another address") { f.home_test(wrong, kHome2); }
  SECTION("the home token alone does not make a binding") {
    stays_silent(f, Fixture::packet_of({.sequence = 2, .lifetime_units = 10,
                                        .key = wire::binding_management_key(tokens.home, std::nullopt)}, tokens));
  }
  SECTION("both tokens do not delete one") {
    stays_silent(f, Fixture::packet_of({.sequence = 2, .lifetime_units = 0,
                                        .key = wire::binding_management_key(tokens.home, tokens.care_of)}, tokens));
  }
  if (wrong.home != tokens.home || wrong.care_of != tokens.care_of) stays_silent(f, Fixture::packet_of({.sequence = 2}, wrong));
  CHECK(f.node->counters().dropped_unauthenticated > 0);
  CHECK(f.noticed("authenticator-wrong"));
}

TEST_CASE("an alternate care-of address needs the care-of test and the authenticator of that address") {
  Fixture f;
  const Tokens tokens = f.return_routability(kHome, kCareOf1);
  stays_silent(f, Fixture::packet_of({.source = kCareOf1, .alternate_care_of_address = kCareOf2}, tokens));
  stays_silent(f, Fixture::packet_of({.source = kCareOf1, .alternate_care_of_address = kCareOf2,
                                      .authenticated_address = kCareOf1}, tokens));
  const Tokens right = f.return_routability(kHome, kCareOf2);
  stays_silent(f, Fixture::packet_of({.source = kCareOf1, .alternate_care_of_address = kCareOf2,
                                      .authenticated_address = kCareOf1}, right));
}

TEST_CASE("every bit of the Mobility Header, of the addresses and of the option counts") {
  Fixture f;
  const Tokens tokens = f.bind({.sequence = 1});
  const Bytes good = Fixture::packet_of({.sequence = 2}, tokens);
  const auto view = wire::parse_packet(good).value();
  for (std::size_t octet = 6; octet < view.payload.size(); ++octet)
    for (unsigned bit = 0; bit < 8; ++bit) {
      INFO(octet << ' ' << bit);
      const Bytes bad = changed(good, [&](Bytes& header) { header[octet] = static_cast<std::uint8_t>(header[octet] ^ (1u << bit)); });
      const auto before = f.fingerprint();
      f.send_packet(bad);
      // Some become requests of another kind, which are refused with an answer; none is accepted.
      for (const auto& answer : f.take<wire::BindingAcknowledgement>()) {
        const auto status = answer.message.status;
        CHECK((status == BindingStatus::RegistrationTypeChangeDisallowed || status == BindingStatus::ExpiredHomeNonceIndex ||
               status == BindingStatus::ExpiredCareOfNonceIndex));
      }
      CHECK(f.fingerprint() == before);
    }
  f.send_packet(good);
  CHECK(f.take_one<wire::BindingAcknowledgement>().message.status == BindingStatus::Accepted);
}

TEST_CASE("Binding Authorization Data that is not the last octets of the header: silence") {
  Fixture f;
  const Tokens tokens = f.return_routability();
  const Bytes good = Fixture::packet_of({}, tokens);
  const auto view = wire::parse_packet(good).value();
  // Eight octets of padding behind it, made with the key.
  Bytes header(view.payload.begin(), view.payload.end());
  header[1] = static_cast<std::uint8_t>(header[1] + 1);
  header.insert(header.end(), {1, 6, 0, 0, 0, 0, 0, 0});
  stays_silent(f, wire::build_packet_from_header({kCareOf1, kCorrespondent, kHome}, header));
  // In front of the nonce indices.
  wire::BindingUpdate update;
  update.sequence = 1;
  update.lifetime_units = 105;
  Bytes swapped = wire::encode_with_binding_authorization(
      update, wire::binding_management_key(tokens.home, tokens.care_of), kCareOf1, kCorrespondent);
  swapped[1] = static_cast<std::uint8_t>(swapped[1] + 1);
  Writer tail;
  tail.u8(4); tail.u8(4); tail.u16(tokens.home_index); tail.u16(tokens.care_of_index); tail.u16(0);
  swapped.insert(swapped.end(), tail.view().begin(), tail.view().end());
  stays_silent(f, wire::build_packet_from_header({kCareOf1, kCorrespondent, kHome}, swapped));
}

TEST_CASE("H at a correspondent node: 131, or 139 when there is a binding; nothing changes") {
  Fixture f;
  Update update{.lifetime_units = 1, .home_registration = true, .with_indices = false, .with_authorization = false};
  f.send(update, {});
  check_acknowledgement(f.take_one<wire::BindingAcknowledgement>(), BindingStatus::HomeRegistrationNotSupported, update, {});

  f.bind({.sequence = 1});
  const auto before = f.fingerprint();
  f.send(update, {});
  auto answer = f.take_one<wire::BindingAcknowledgement>();
  CHECK(answer.message.status == BindingStatus::RegistrationTypeChangeDisallowed);
  CHECK(answer.view.routing_header_home_address == kHome);

  update.lifetime_units = 0;
  update.source = kHome;
  update.home_address_option = false;
  f.send(update, {});
  answer = f.take_one<wire::BindingAcknowledgement>();
  CHECK(answer.message.status == BindingStatus::RegistrationTypeChangeDisallowed);
  CHECK(answer.view.destination == kHome);
  CHECK_FALSE(answer.view.routing_header_home_address);
  CHECK(f.fingerprint() == before);

  // Another of our addresses has another cache.
  update = {.correspondent = kSecondAddress, .home_registration = true, .with_indices = false, .with_authorization = false};
  f.send(update, {});
  CHECK(f.take_one<wire::BindingAcknowledgement>().message.status == BindingStatus::HomeRegistrationNotSupported);
}

TEST_CASE("H together with nonce indices: silence") {
  Fixture f;
  const Tokens tokens = f.return_routability();
  for (const bool bound : {false, true}) {
    if (bound) f.bind({.sequence = 1});
    stays_silent(f, Fixture::packet_of({.sequence = 2, .lifetime_units = 1, .home_registration = true}, tokens));
    stays_silent(f, Fixture::packet_of({.source = kHome, .sequence = 2, .lifetime_units = 0, .home_registration = true,
                                        .home_address_option = false}, tokens));
  }
}

TEST_CASE("care-of addresses that lead nowhere: 174") {
  Fixture f;
  SECTION("the home address itself") {
    const Update update{.source = kHome, .home_address_option = false};
    const Tokens tokens = f.return_routability(kHome, kHome);
    f.send(update, tokens);
    check_acknowledgement(f.take_one<wire::BindingAcknowledgement>(), BindingStatus::InvalidCareOfAddress, update, tokens);
  }
  SECTION("a home address that is bound here: round in a circle") {
    f.bind({.home_address = kHome, .source = kCareOf1});
    const Update update{.home_address = kCareOf1, .source = kHome};
    const Tokens tokens = f.return_routability(kCareOf1, kHome);
    f.send(update, tokens);
    check_acknowledgement(f.take_one<wire::BindingAcknowledgement>(), BindingStatus::InvalidCareOfAddress, update, tokens);
    CHECK(f.care_of(kCareOf1) == Address{});
    CHECK(f.care_of(kHome) == kCareOf1);
  }
  CHECK(f.node->counters().refused == 1);
}

TEST_CASE("the checks of every Mobility Header, RFC 6275 §9.2") {
  Fixture f;
  const Tokens tokens = f.bind({.sequence = 1});
  const Bytes good = Fixture::packet_of({.sequence = 2}, tokens);
  const auto before = f.fingerprint();

  SECTION("checksum: silence") {
    Bytes bad = good;
    bad[40 + 24 + 4] ^= 0xff;
    stays_silent(f, bad);
  }
  SECTION("Payload Proto: Parameter Problem that points at it, without the binding's routing header") {
    const Bytes bad = changed(good, [](Bytes& header) { header[0] = 0xff; });
    f.send_packet(bad);
    const auto answer = f.take_one<wire::Icmpv6Error>();
    CHECK(answer.message.type == wire::kIcmpv6ParameterProblem);
    CHECK(answer.message.code == 0);
    CHECK(answer.message.parameter == 64);
    CHECK(answer.message.invoking_packet == bad);
    CHECK(answer.view.destination == kCareOf1);
    CHECK_FALSE(answer.view.routing_header_home_address);
  }
  SECTION("Header Len: the same") {
    Bytes header = {59, 0, 5, 0, 0, 0, 0, 0};
    f.send_packet(wire::build_packet_from_header({kCareOf1, kCorrespondent, kHome}, header));
    CHECK(f.take_one<wire::Icmpv6Error>().message.parameter == 65);
    header[2] = 1;
    f.send_packet(wire::build_packet_from_header({kHome, kCorrespondent}, header));
    CHECK(f.take_one<wire::Icmpv6Error>().message.parameter == 41);
  }
  SECTION("unknown type: Binding Error 2 with the home address of the option, none to a multicast source") {
    const Bytes header = {59, 1, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    f.send_packet(wire::build_packet_from_header({kHome2, kCorrespondent}, header));
    auto answer = f.take_one<wire::BindingError>();
    CHECK(answer.message.status == wire::BindingErrorStatus::UnrecognizedMobilityType);
    CHECK(answer.message.home_address == Address{});
    CHECK(answer.view.destination == kHome2);
    f.send_packet(wire::build_packet_from_header({kCareOf2, kCorrespondent, kHome2}, header));
    answer = f.take_one<wire::BindingError>();
    CHECK(answer.message.home_address == kHome2);
    CHECK(answer.view.destination == kCareOf2);
    f.send_packet(wire::build_packet_from_header({address("ff0e::1"), kCorrespondent}, header));
    CHECK(f.silent());
  }
  CHECK(f.fingerprint() == before);
}

TEST_CASE("what is for mobile nodes or home agents is ignored") {
  Fixture f;
  f.bind({.sequence = 1});
  for (const wire::MobilityMessage& message :
       {wire::MobilityMessage{wire::BindingRefreshRequest{}}, wire::MobilityMessage{wire::HomeTest{}},
        wire::MobilityMessage{wire::CareOfTest{}}, wire::MobilityMessage{wire::BindingAcknowledgement{}},
        wire::MobilityMessage{wire::BindingError{}}})
    stays_silent(f, wire::build_packet({kCareOf1, kCorrespondent, kHome}, message));
  stays_silent(f, wire::build_packet({kCareOf1, kCorrespondent, kHome}, wire::MobilePrefixSolicitation{1}));
}
