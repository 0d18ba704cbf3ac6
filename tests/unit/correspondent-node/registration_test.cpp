// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §9.5.1, §9.5.2, §9.5.4: Binding Updates that are accepted.
#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::correspondent_node::test;
using wire::BindingStatus;

TEST_CASE("a Binding Update after return routability is accepted, acknowledged and put into the plan") {
  Fixture f;
  const Update update;
  const Tokens tokens = f.return_routability();
  CHECK(f.node->bindings(f.now).empty());  // nothing is remembered before
  f.send(update, tokens);
  const auto answer = f.take_one<wire::BindingAcknowledgement>();
  check_acknowledgement(answer, BindingStatus::Accepted, update, tokens);
  CHECK(answer.message.lifetime_units == 105);
  CHECK(answer.message.options.size() == 1);
  CHECK(f.care_of(kHome) == kCareOf1);
  CHECK(f.permits(kHome, kCareOf1));
  CHECK_FALSE(f.permits(kHome, kCareOf2));
  CHECK_FALSE(f.permits(kHome2, kCareOf1));
  CHECK_FALSE(f.permits(kHome, kCareOf1, kSecondAddress));
  CHECK_FALSE(f.permits(kHome, Address{}));

  const auto bindings = f.node->bindings(f.now);
  REQUIRE(bindings.size() == 1);
  CHECK(bindings[0].state == "bound");
  CHECK(bindings[0].sequence == 10'000);
  CHECK(bindings[0].lifetime == 420s);
  CHECK_FALSE(bindings[0].idle);
  CHECK(f.node->counters().accepted == 1);
  CHECK(f.node->counters().binding_updates == 1);
}

TEST_CASE("without A there is no acknowledgement to what is accepted") {
  Fixture f;
  f.bind({.acknowledge = false});
  CHECK(f.silent());
  CHECK(f.permits(kHome, kCareOf1));
}

TEST_CASE("flags and options that mean nothing to a correspondent node are ignored") {
  Update update;
  SECTION("L") { update.link_local = true; }
  SECTION("K") { update.key_management = true; }  // check_acknowledgement() wants K = 0
  SECTION("reserved bits") { update.other_flags = 0x0fff; }
  SECTION("an option of acknowledgements") { update.extra_options = {wire::BindingRefreshAdvice{10}}; }
  SECTION("an option that nobody knows") { update.extra_options = {wire::UnknownOption{200, {1, 2, 3}}}; }
  SECTION("the alternate care-of address is the source") { update.alternate_care_of_address = kCareOf1; }
  Fixture f;
  f.bind(update);
  CHECK(f.permits(kHome, kCareOf1));
}

TEST_CASE("the alternate care-of address is bound, the source on the wire is answered") {
  Fixture f;
  f.bind({.source = kCareOf1, .alternate_care_of_address = kCareOf2});
  CHECK(f.care_of(kHome) == kCareOf2);
  CHECK_FALSE(f.permits(kHome, kCareOf1));
}

TEST_CASE("a binding may be asked for from the home address itself, through the home agent's tunnel") {
  Fixture f;
  f.bind({.source = kHome, .home_address_option = false, .alternate_care_of_address = kCareOf2});
  CHECK(f.care_of(kHome) == kCareOf2);
}

TEST_CASE("the answer to a link-local source leaves by the interface that it came from") {
  Fixture f;
  const Update update{.source = address("fe80::5"), .alternate_care_of_address = kCareOf1};
  const Tokens tokens = f.return_routability();
  f.send_packet(Fixture::packet_of(update, tokens), 9);
  const auto sent = f.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].out.interface == 9);
  CHECK(f.care_of(kHome) == kCareOf1);
}

TEST_CASE("each address of the correspondent node has a Binding Cache of its own, each home address an entry") {
  Fixture f;
  f.bind();
  f.bind({.source = kCareOf2, .correspondent = kSecondAddress, .sequence = 5});
  f.bind({.home_address = kHome2, .source = kCareOf3, .sequence = 77});
  CHECK(f.care_of(kHome) == kCareOf1);
  CHECK(f.care_of(kHome, kSecondAddress) == kCareOf2);
  CHECK(f.care_of(kHome2) == kCareOf3);
  CHECK(f.node->bindings(f.now).size() == 3);
}

TEST_CASE("tokens for one address of the correspondent node are good for the other") {
  // §5.2.5 does not put the correspondent node's address into them; the authenticator has it.
  Fixture f;
  const Tokens tokens = f.return_routability();
  const Update update{.correspondent = kSecondAddress};
  f.send(update, tokens);
  check_acknowledgement(f.take_one<wire::BindingAcknowledgement>(), BindingStatus::Accepted, update, tokens);
}

TEST_CASE("a handover with both tests, and with the home token that is there already") {
  Fixture f;
  Tokens tokens = f.bind({.sequence = 1});
  SECTION("both") { tokens = f.return_routability(kHome, kCareOf2); }
  SECTION("the care-of test alone") { f.care_of_test(tokens, kCareOf2); }
  const Update move{.source = kCareOf2, .sequence = 2};
  f.send(move, tokens);
  check_acknowledgement(f.take_one<wire::BindingAcknowledgement>(), BindingStatus::Accepted, move, tokens);
  CHECK(f.care_of(kHome) == kCareOf2);
  CHECK(f.permits(kHome, kCareOf2));
}

TEST_CASE("one care-of test serves several home addresses") {
  Fixture f;
  Tokens tokens = f.bind();
  f.home_test(tokens, kHome2);
  const Update second{.home_address = kHome2};
  f.send(second, tokens);
  check_acknowledgement(f.take_one<wire::BindingAcknowledgement>(), BindingStatus::Accepted, second, tokens);
  CHECK(f.care_of(kHome) == kCareOf1);
  CHECK(f.care_of(kHome2) == kCareOf1);
}

TEST_CASE("what was under way from the care-of address before is accepted for two seconds more") {
  Fixture f;
  f.bind({.sequence = 1});
  Tokens tokens = f.return_routability(kHome, kCareOf2);
  f.send({.source = kCareOf2, .sequence = 2}, tokens);
  CHECK(f.permits(kHome, kCareOf1));
  f.advance(2s - 1ns);
  CHECK(f.permits(kHome, kCareOf1));
  f.advance(1ns);
  CHECK_FALSE(f.permits(kHome, kCareOf1));
  CHECK(f.permits(kHome, kCareOf2));
}

TEST_CASE("the care-of address before: one only, not longer by a refresh, gone with the binding, off when zero") {
  Fixture f;
  f.bind({.sequence = 1});
  Tokens tokens = f.return_routability(kHome, kCareOf2);
  f.send({.source = kCareOf2, .sequence = 2}, tokens);
  f.take_sent();
  f.advance(1s);
  SECTION("a refresh") {
    f.send({.source = kCareOf2, .sequence = 3}, tokens);
    f.advance(1s);
    CHECK_FALSE(f.permits(kHome, kCareOf1));
  }
  SECTION("another move") {
    tokens = f.return_routability(kHome, kCareOf3);
    f.send({.source = kCareOf3, .sequence = 3}, tokens);
    CHECK_FALSE(f.permits(kHome, kCareOf1));
    CHECK(f.permits(kHome, kCareOf2));
    f.advance(2s);
    CHECK_FALSE(f.permits(kHome, kCareOf2));
  }
  SECTION("and back") {
    tokens = f.return_routability(kHome, kCareOf1);
    f.send({.source = kCareOf1, .sequence = 3}, tokens);
    CHECK(f.permits(kHome, kCareOf1));
    CHECK(f.permits(kHome, kCareOf2));
    f.advance(3s);
    CHECK(f.permits(kHome, kCareOf1));
    CHECK_FALSE(f.permits(kHome, kCareOf2));
  }
  SECTION("de-registration") {
    f.send({.source = kCareOf2, .sequence = 3, .lifetime_units = 0}, tokens);
    CHECK_FALSE(f.permits(kHome, kCareOf1));
    CHECK_FALSE(f.permits(kHome, kCareOf2));
  }
  SECTION("off") {
    correspondent_node::Configuration strict;
    strict.previous_care_of_address_grace = 0s;
    Fixture other(strict);
    other.bind({.sequence = 1});
    other.bind({.source = kCareOf2, .sequence = 2});
    CHECK_FALSE(other.permits(kHome, kCareOf1));
  }
}
