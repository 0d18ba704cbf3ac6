// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §9.6 and §5.2.8: what makes room in a full cache, and that replay protection survives it in bounded memory.
#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::correspondent_node::test;
using correspondent_node::Configuration;
using wire::BindingStatus;

namespace {

Configuration room_for(std::size_t capacity) {
  Configuration out;
  out.binding_cache_capacity = capacity;
  return out;
}

Address home(unsigned number) {
  Address out = address("2001:db8:999::");
  out.octets[14] = static_cast<std::uint8_t>(number >> 8);
  out.octets[15] = static_cast<std::uint8_t>(number);
  return out;
}

BindingStatus try_to_bind(Fixture& f, const Address& home_address, std::uint16_t sequence = 1) {
  const Tokens tokens = f.return_routability(home_address, kCareOf1);
  f.send({.home_address = home_address, .sequence = sequence}, tokens);
  return f.take_one<wire::BindingAcknowledgement>().message.status;
}

}  // namespace

TEST_CASE("the binding that was used least recently makes room; those that never carried anything go by their age") {
  Fixture f(room_for(4));
  for (unsigned i = 0; i < 4; ++i) {
    CHECK(try_to_bind(f, home(i)) == BindingStatus::Accepted);
    f.advance(10s);
  }
  f.use(home(0));  // 40 s after its Binding Update
  f.advance(1s);
  CHECK(try_to_bind(f, home(4)) == BindingStatus::Accepted);
  CHECK(f.care_of(home(1)) == Address{});
  CHECK(f.care_of(home(0)) == kCareOf1);
  CHECK(f.node->counters().replaced == 1);
  CHECK(f.noticed("correspondent-binding-replaced"));
  CHECK(f.state(home(1)) == "deleted");
  f.advance(50s);
  // 0 was used 51 s ago, 2 never since 71 s, 3 never since 61 s.
  CHECK(try_to_bind(f, home(5)) == BindingStatus::Accepted);
  CHECK(f.care_of(home(2)) == Address{});
  CHECK(try_to_bind(f, home(6)) == BindingStatus::Accepted);
  CHECK(f.care_of(home(3)) == Address{});
  // Now 4 is the oldest without use, but 0 carried its packet a second before that.
  CHECK(try_to_bind(f, home(7)) == BindingStatus::Accepted);
  CHECK(f.care_of(home(0)) == Address{});
  CHECK(f.care_of(home(4)) == kCareOf1);
}

TEST_CASE("what carries packets is not replaced: 130, also without A, and nothing changes") {
  Fixture f(room_for(2));
  CHECK(try_to_bind(f, home(0)) == BindingStatus::Accepted);
  CHECK(try_to_bind(f, home(1)) == BindingStatus::Accepted);
  f.advance(100s);
  f.use(home(0));
  f.use(home(1));
  f.advance(30s - 1ns);
  const auto before = f.fingerprint();
  const Tokens tokens = f.return_routability();
  const Update update{.acknowledge = false};
  f.send(update, tokens);
  check_acknowledgement(f.take_one<wire::BindingAcknowledgement>(), BindingStatus::InsufficientResources, update, tokens);
  CHECK(f.fingerprint() == before);
  // Those that are bound may still move and be refreshed.
  CHECK(try_to_bind(f, home(0), 2) == BindingStatus::Accepted);
  f.advance(1ns);
  CHECK(try_to_bind(f, kHome) == BindingStatus::Accepted);
  CHECK(f.plan.correspondent_bindings.items().size() == 2);
}

TEST_CASE("a flood of new bindings does not push out those that carry packets") {
  Fixture f(room_for(50));
  for (unsigned i = 0; i < 10; ++i) CHECK(try_to_bind(f, home(i)) == BindingStatus::Accepted);
  f.advance(5s);
  for (unsigned i = 0; i < 2000; ++i) {
    if (i % 100 == 0)
      for (unsigned busy = 0; busy < 10; ++busy) f.use(home(busy));
    CHECK(try_to_bind(f, home(1000 + i)) == BindingStatus::Accepted);  // new ones still come in
    f.advance(50ms);
    REQUIRE(f.plan.correspondent_bindings.items().size() <= 50);
    REQUIRE(f.node->bindings(f.now).size() <= 100);
  }
  for (unsigned i = 0; i < 10; ++i) CHECK(f.care_of(home(i)) == kCareOf1);
}

TEST_CASE("a cache without any room refuses everything") {
  Fixture f(room_for(0));
  CHECK(try_to_bind(f, kHome) == BindingStatus::InsufficientResources);
  CHECK(f.node->bindings(f.now).empty());
}

TEST_CASE("what was replaced can not be brought back by what was sent before") {
  Fixture f(room_for(1));
  const Tokens tokens = f.bind();
  const Bytes registration = Fixture::packet_of({}, tokens);
  CHECK(try_to_bind(f, home(1)) == BindingStatus::Accepted);
  f.send_packet(registration);
  CHECK(f.take_one<wire::BindingAcknowledgement>().message.status == BindingStatus::SequenceNumberOutOfWindow);
  CHECK(f.care_of(kHome) == Address{});
}

TEST_CASE("when even sequence numbers have to be forgotten, their nonces are void for whoever has no entry") {
  Fixture f(room_for(2));
  const Tokens tokens = f.bind();
  const Bytes registration = Fixture::packet_of({}, tokens);
  f.send({.sequence = 10'001, .lifetime_units = 0}, tokens);
  f.take_sent();
  CHECK(try_to_bind(f, home(50)) == BindingStatus::Accepted);  // stays
  const Tokens staying = f.return_routability(home(50), kCareOf1);
  f.advance(30s);
  // Two more that are deleted: kHome is the first to be forgotten.
  for (unsigned i = 0; i < 2; ++i) {
    const Tokens others = f.bind({.home_address = home(i)});
    f.send({.home_address = home(i), .sequence = 10'001, .lifetime_units = 0}, others);
    f.take_sent();
  }
  CHECK(f.state(kHome) == "");
  CHECK(f.node->bindings(f.now).size() == 3);
  f.send_packet(registration);
  CHECK(f.take_one<wire::BindingAcknowledgement>().message.status == BindingStatus::ExpiredNonces);
  CHECK(f.care_of(kHome) == Address{});
  // With the nonce of now anybody can come, and whoever has an entry is not touched by this at all.
  f.send({.home_address = home(50), .sequence = 2}, staying);
  CHECK(f.take_one<wire::BindingAcknowledgement>().message.status == BindingStatus::Accepted);
  CHECK(try_to_bind(f, kHome) == BindingStatus::Accepted);
  // And what was void stays void although there is an entry again, whose numbers began anew.
  f.send_packet(registration);
  CHECK_FALSE(wire::accepts(f.take_one<wire::BindingAcknowledgement>().message.status));
}
