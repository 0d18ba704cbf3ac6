// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §9.5.1: (new - last) modulo 2^16 in 1..32767 is newer.
#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::home_agent::test;
using wire::BindingStatus;

TEST_CASE("sequence numbers, newer and stale, with and without A") {
  struct Row {
    std::uint16_t last, next;
    bool newer;
  };
  for (const Row row : {Row{15, 16, true}, {15, 32782, true}, {15, 14, false}, {15, 15, false}, {15, 32783, false},
                        {15, 0, false}, {15, 65535, false}, {32783, 32784, true}, {32783, 14, true},
                        {32783, 32782, false}, {32783, 32783, false}, {32783, 15, false}, {65535, 0, true},
                        {0, 65535, false}})
    for (const bool acknowledge : {true, false}) {
      INFO(row.last << " then " << row.next);
      Fixture f(Fixture::on_virtual_home_link());
      f.establish({.sequence = row.last});
      f.take_sent();
      f.advance(1s);
      const auto before = f.fingerprint();
      f.send({.care_of_address = kCareOf2, .sequence = row.next, .acknowledge = acknowledge});
      const auto answer = f.take_acknowledgement();
      REQUIRE(answer);
      CHECK(answer->authentic);
      CHECK(answer->view.destination == kCareOf2);
      CHECK(answer->view.routing_header_home_address == kPrimary);
      if (row.newer) {
        CHECK(answer->message.status == BindingStatus::Accepted);
        CHECK(answer->message.sequence == row.next);
        CHECK(f.tunnelled_to(kPrimary) == kCareOf2);
      } else {
        CHECK(answer->message.status == BindingStatus::SequenceNumberOutOfWindow);
        CHECK(answer->message.sequence == row.last);
        CHECK(f.fingerprint() == before);
        CHECK(f.agent->counters().replayed == 1);
      }
    }
}

TEST_CASE("the first Binding Update of a home address may have any sequence number") {
  for (const std::uint16_t sequence : std::initializer_list<std::uint16_t>{0, 1, 32767, 32768, 65535}) {
    Fixture f(Fixture::on_virtual_home_link());
    f.establish({.sequence = sequence});
  }
}

TEST_CASE("a refused Binding Update does not move the sequence number") {
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({.sequence = 15});
  f.advance(1ms);
  f.send({.care_of_address = kHomeAgent, .wire_source = kCareOf2, .sequence = 100});
  f.advance(1ms);
  f.take_sent();
  f.send({.sequence = 16});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::Accepted);
}
