// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §9.5.3 and §5.2.8: the end of a binding, and that nothing from before brings it back.
#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::correspondent_node::test;
using wire::BindingStatus;

TEST_CASE("a binding is deleted by Lifetime 0 and the home token, from wherever the message comes") {
  Update deletion{.sequence = 10'001, .lifetime_units = 0};
  SECTION("from the care-of address") {}
  SECTION("with the home address as alternate care-of address") { deletion.alternate_care_of_address = kHome; }
  SECTION("from an address that was never heard of") { deletion.source = kCareOf3; }
  SECTION("with the care-of address in the authenticator, as some mobile nodes do") { deletion.authenticated_address = kCareOf1; }
  SECTION("from home") {
    deletion.source = kHome;
    deletion.home_address_option = false;
    SECTION("plain") {}
    SECTION("with the option") { deletion.home_address_option = true; }
    SECTION("with the alternate care-of address") { deletion.alternate_care_of_address = kHome; }
    SECTION("with both") {
      deletion.home_address_option = true;
      deletion.alternate_care_of_address = kHome;
    }
  }
  for (const bool fresh : {true, false}) {
    Fixture f;
    Tokens tokens = f.bind();
    if (fresh) f.home_test(tokens);
    tokens.care_of = 0;
    tokens.care_of_index = 0;
    f.send(deletion, tokens);
    const auto answer = f.take_one<wire::BindingAcknowledgement>();
    check_acknowledgement(answer, BindingStatus::Accepted, deletion, tokens);
    CHECK(answer.message.lifetime_units == 0);
    CHECK(f.care_of(kHome) == Address{});
    CHECK_FALSE(f.permits(kHome, kCareOf1));
    CHECK(f.state(kHome) == "deleted");
    CHECK(f.node->bindings(f.now)[0].lifetime == std::nullopt);
  }
}

TEST_CASE("a lifetime that is not zero never deletes") {
  Fixture f;
  const Tokens tokens = f.bind();
  const auto before = f.fingerprint();
  for (const bool from_home : {false, true}) {
    Update update{.sequence = 10'001, .lifetime_units = 1, .key = wire::binding_management_key(tokens.home, std::nullopt)};
    if (from_home) {
      update.source = kHome;
      update.home_address_option = false;
    } else {
      update.alternate_care_of_address = kHome;
    }
    f.send(update, tokens);
    CHECK(f.silent());
    CHECK(f.fingerprint() == before);
  }
}

TEST_CASE("where nothing is bound, nothing is remembered either") {
  Fixture f;
  const Tokens tokens = f.return_routability();
  const Update deletion{.lifetime_units = 0};
  f.send(deletion, tokens);
  check_acknowledgement(f.take_one<wire::BindingAcknowledgement>(), BindingStatus::Accepted, deletion, tokens);
  CHECK(f.node->bindings(f.now).empty());
}

TEST_CASE("a deletion whose acknowledgement got lost is acknowledged again") {
  Fixture f;
  const Tokens tokens = f.bind();
  f.send({.sequence = 10'001, .lifetime_units = 0}, tokens);
  f.take_sent();
  const Update again{.sequence = 10'002, .lifetime_units = 0};
  f.send(again, tokens);
  check_acknowledgement(f.take_one<wire::BindingAcknowledgement>(), BindingStatus::Accepted, again, tokens);
}

TEST_CASE("a deletion with an old sequence number: 135, the binding stays") {
  Fixture f;
  const Tokens tokens = f.bind({.sequence = 1});
  const auto before = f.fingerprint();
  const Update deletion{.source = kHome, .sequence = 1, .lifetime_units = 0, .home_address_option = false};
  f.send(deletion, tokens);
  const auto answer = f.take_one<wire::BindingAcknowledgement>();
  check_acknowledgement(answer, BindingStatus::SequenceNumberOutOfWindow, deletion, tokens);
  CHECK(answer.message.sequence == 1);
  CHECK(f.fingerprint() == before);
}

TEST_CASE("what was sent before a deletion is refused until its nonces have expired, and no longer remembered then") {
  Fixture f;
  const Tokens tokens = f.bind({.sequence = 10'000});
  const Bytes registration = Fixture::packet_of({.sequence = 10'000}, tokens);
  const TimePoint expiry = f.now.monotonic + 240s;
  f.send({.sequence = 10'001, .lifetime_units = 0, .alternate_care_of_address = kHome}, tokens);
  f.take_sent();
  for (const Duration wait : {0s, 29s, 100s, 100s}) {
    f.advance(wait);
    f.send_packet(registration);
    const auto answer = f.take_one<wire::BindingAcknowledgement>();
    CHECK(answer.message.status == BindingStatus::SequenceNumberOutOfWindow);
    CHECK(answer.message.sequence == 10'001);
    CHECK(f.care_of(kHome) == Address{});
  }
  f.advance(expiry - f.now.monotonic - 1ns);
  CHECK(f.state(kHome) == "deleted");
  f.send_packet(registration);
  CHECK(f.take_one<wire::BindingAcknowledgement>().message.status == BindingStatus::SequenceNumberOutOfWindow);
  f.advance(1ns);
  CHECK(f.state(kHome) == "");
  f.send_packet(registration);
  CHECK(f.take_one<wire::BindingAcknowledgement>().message.status == BindingStatus::ExpiredNonces);
  CHECK(f.plan.correspondent_bindings.items().empty());
}

TEST_CASE("a binding that expired before its nonces did does not come back either") {
  Fixture f;
  const Tokens tokens = f.bind({.sequence = 5, .lifetime_units = 1});
  const Bytes registration = Fixture::packet_of({.sequence = 5, .lifetime_units = 1}, tokens);
  f.advance(4s);
  CHECK(f.care_of(kHome) == Address{});
  f.send_packet(registration);
  CHECK(f.take_one<wire::BindingAcknowledgement>().message.status == BindingStatus::SequenceNumberOutOfWindow);
  CHECK(f.care_of(kHome) == Address{});
  // The mobile node goes on counting, with the tokens that it has.
  const Update next{.sequence = 6};
  f.send(next, tokens);
  check_acknowledgement(f.take_one<wire::BindingAcknowledgement>(), BindingStatus::Accepted, next, tokens);
}

TEST_CASE("a mobile node that counts anew is heard with newer tokens, and what it sent before is void") {
  Fixture f;
  const Tokens old = f.bind({.sequence = 10'000});
  const Bytes registration = Fixture::packet_of({.sequence = 10'000}, old);
  const Bytes deletion = Fixture::packet_of({.sequence = 10'001, .lifetime_units = 0}, old);
  f.send_packet(deletion);
  f.take_sent();
  f.send({.sequence = 1}, old);
  CHECK(f.take_one<wire::BindingAcknowledgement>().message.status == BindingStatus::SequenceNumberOutOfWindow);

  f.advance(30s);  // another nonce
  Tokens half = old;
  f.care_of_test(half);
  f.send({.sequence = 1}, half);  // could still be a replay
  CHECK(f.take_one<wire::BindingAcknowledgement>().message.status == BindingStatus::SequenceNumberOutOfWindow);
  const Tokens fresh = f.return_routability();
  const Update first{.source = kCareOf1, .sequence = 1};
  f.send(first, fresh);
  check_acknowledgement(f.take_one<wire::BindingAcknowledgement>(), BindingStatus::Accepted, first, fresh);

  // 10,000 and 10,001 look newer than 1.
  const auto before = f.fingerprint();
  for (const Bytes& replay : {registration, deletion}) {
    f.send_packet(replay);
    CHECK_FALSE(wire::accepts(f.take_one<wire::BindingAcknowledgement>().message.status));
    CHECK(f.fingerprint() == before);
  }
}

TEST_CASE("sequence numbers, newer and stale, with and without A") {
  struct Row {
    std::uint16_t last, next;
    bool newer;
  };
  for (const Row row : {Row{10'000, 10'001, true}, {10'000, 42'767, true}, {42'768, 0, true}, {42'768, 9'999, true},
                        {10'000, 9'999, false}, {10'000, 10'000, false}, {10'000, 42'768, false}, {10'000, 0, false},
                        {65'535, 0, true}, {0, 65'535, false}})
    for (const bool acknowledge : {true, false}) {
      INFO(row.last << " then " << row.next);
      Fixture f;
      f.bind({.sequence = row.last});
      const Tokens tokens = f.return_routability(kHome, kCareOf2);
      const auto before = f.fingerprint();
      const Update update{.source = kCareOf2, .sequence = row.next, .acknowledge = acknowledge};
      f.send(update, tokens);
      if (!row.newer) {
        const auto answer = f.take_one<wire::BindingAcknowledgement>();
        check_acknowledgement(answer, BindingStatus::SequenceNumberOutOfWindow, update, tokens);
        CHECK(answer.message.sequence == row.last);
        CHECK(f.fingerprint() == before);
      } else {
        if (acknowledge)
          check_acknowledgement(f.take_one<wire::BindingAcknowledgement>(), BindingStatus::Accepted, update, tokens);
        CHECK(f.care_of(kHome) == kCareOf2);
      }
    }
  for (const std::uint16_t first : std::initializer_list<std::uint16_t>{0, 32'768, 65'535}) {
    Fixture f;
    f.bind({.sequence = first});
  }
}

TEST_CASE("whoever is not authorised does not learn the sequence number") {
  Fixture f;
  Tokens tokens = f.bind({.sequence = 1});
  tokens.home ^= 1;
  f.send({.sequence = 1}, tokens);
  CHECK(f.silent());
}
