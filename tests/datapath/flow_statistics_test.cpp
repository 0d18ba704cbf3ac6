// SPDX-License-Identifier: GPL-3.0-or-later
// What a move costs a flow, as it is written down: segments that were sent again, silences.
#include <random>
#include <thread>

#include "mobile_node_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::packets;
using namespace std::chrono_literals;

namespace {

const Ends kOut{kHome1, kCorrespondent};
const Ends kIn2{kCorrespondent, kHome2};

Octets segment(const Ends& ends, std::uint16_t source_port, std::uint16_t destination_port, std::uint32_t sequence, std::size_t payload,
               std::uint8_t flags = kAck) {
  Octets upper = read(tcp(ends, source_port, destination_port, flags, payload)).payload;
  put16(upper, 4, sequence >> 16);
  put16(upper, 6, sequence & 0xffff);
  return ipv6(ends, kTcp, with_checksum(ends.source, ends.destination, kTcp, std::move(upper), 16));
}

class Connection : public MobileNodeFixture {
 public:
  Connection() { rewrite(kTcp, 1000, 80); }
  void send(std::uint32_t sequence, std::size_t payload, std::uint8_t flags = kAck) { out(segment(kOut, 1000, 80, sequence, payload, flags)); }
  void receive(std::uint32_t sequence, std::size_t payload, std::uint8_t flags = kAck) {
    in_tunnel(segment(kIn2, 80, 1000, sequence, payload, flags));
  }
  std::uint64_t sent_again() { return activity().retransmissions_out; }
  std::uint64_t received_again() { return activity().retransmissions_in; }
};

}  // namespace

TEST_CASE_METHOD(Connection, "segments that carry nothing new were sent again") {
  // From just below the end of the sequence numbers on, too.
  const std::uint32_t start = GENERATE(0u, 5000u, 0xffffff00u);
  send(start, 100);
  send(start + 100, 100);
  send(start + 200, 300);
  CHECK(sent_again() == 0);
  send(start + 100, 100);
  CHECK(sent_again() == 1);
  send(start, 500);  // all of it in one segment
  CHECK(sent_again() == 2);
  send(start + 400, 101);  // one new octet at the end
  CHECK(sent_again() == 2);
  send(start + 501, 10);
  send(start + 300, 50);
  CHECK(sent_again() == 3);
  CHECK(received_again() == 0);
}

TEST_CASE_METHOD(Connection, "the two directions have sequence numbers of their own") {
  send(9000, 100);
  receive(1, 100);
  receive(101, 100);
  send(9100, 100);
  CHECK(sent_again() + received_again() == 0);
  receive(1, 100);
  receive(101, 100);
  send(9000, 100);
  CHECK(received_again() == 2);
  CHECK(sent_again() == 1);
}

TEST_CASE_METHOD(Connection, "a gap that is filled later was lost before it came here") {
  receive(1, 100);
  receive(201, 100);
  receive(301, 100);
  CHECK(received_again() == 0);
  receive(101, 100);
  CHECK(received_again() == 1);
}

TEST_CASE_METHOD(Connection, "what sends no octets again") {
  send(1, 100);
  SECTION("acknowledgements") {
    for (int i = 0; i < 3; ++i) send(101, 0);
    send(1, 0);
  }
  SECTION("keep-alives, with an octet and without") {
    for (int i = 0; i < 3; ++i) send(100, 0);
    for (int i = 0; i < 3; ++i) send(100, 1);
  }
  SECTION("resets") {
    send(1, 0, kRst);
    send(1, 50, kRst | kAck);
  }
  CHECK(sent_again() == 0);
  CHECK(activity().packets_out > 2);
}

TEST_CASE_METHOD(Connection, "SYN and FIN count like an octet") {
  send(77, 0, kSyn);
  CHECK(sent_again() == 0);
  send(77, 0, kSyn);
  CHECK(sent_again() == 1);
  receive(5000, 0, kSyn | kAck);
  receive(5000, 0, kSyn | kAck);
  CHECK(received_again() == 1);
  send(78, 10);
  send(88, 0, kFin | kAck);
  CHECK(sent_again() == 1);
  send(88, 0, kFin | kAck);
  CHECK(sent_again() == 2);

  // The same ports again, with numbers below and above those of before: nothing is sent again.
  for (const std::uint32_t start : {5u, 0x7fffffffu, 0xfffffff0u}) {
    send(start, 0, kSyn);
    receive(start - 1000, 0, kSyn | kAck);
    send(start + 1, 100);
    receive(start - 999, 100);
  }
  CHECK(sent_again() == 2);
  CHECK(received_again() == 1);
}

TEST_CASE_METHOD(Connection, "fragments say nothing about sequence numbers, and other protocols have none") {
  const Octets whole = segment(kOut, 1000, 80, 1, 400);
  out(whole);
  Octets first{kTcp, 0, 0, 1, 0, 0, 0, 9};
  const auto upper = whole.begin() + kIpv6Header;
  out(ipv6(kOut, kFragment, joined(first, Octets(upper, upper + 200))));
  put16(first, 2, 200);
  out(ipv6(kOut, kFragment, joined(first, Octets(upper + 200, whole.end()))));
  CHECK(sent_again() == 0);
  CHECK(activity().packets_out == 3);
  must(path->erase_flow(key(kTcp, 1000, 80)));
  rewrite(kUdp, 1000, 53);
  for (int i = 0; i < 3; ++i) out(udp(kOut, 1000, 53, 10));
  CHECK(sent_again() == 0);
}

TEST_CASE_METHOD(Connection, "a random conversation, counted by remembering every octet") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 engine(seed);
  const auto random = [&engine] { return static_cast<std::uint32_t>(engine()); };
  const std::uint32_t start = random();
  std::uint32_t next = 0;  // octets from `start` on that were sent
  std::uint64_t again = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::uint32_t length = 2 + random() % 400;
    const std::uint32_t from = random() % 3 == 0 && next > 0 ? random() % next : next;
    send(start + from, length);
    if (i > 0 && from + length <= next) ++again;
    next = std::max(next, from + length);
  }
  CHECK(sent_again() == again);
}

TEST_CASE_METHOD(Connection, "the longest silence of each direction since it was asked for") {
  CHECK(activity().longest_gap_out == 0ns);
  send(1, 10);
  receive(1, 10);
  FlowActivity flow = activity();
  CHECK(flow.longest_gap_out == 0ns);  // one packet has nothing before it
  CHECK(flow.longest_gap_in == 0ns);

  const TimePoint before = flow.last_seen;
  std::this_thread::sleep_for(40ms);  // the silence is what is measured
  CHECK(activity().longest_gap_out == 0ns);  // not over yet
  send(11, 10);
  send(21, 10);  // a short one does not hide the long one
  flow = activity();
  CHECK(flow.longest_gap_out >= 40ms);
  CHECK(flow.longest_gap_out < flow.last_seen - before + 40ms);
  CHECK(flow.longest_gap_in == 0ns);
  CHECK(activity().longest_gap_out == 0ns);  // told once

  receive(11, 10);
  flow = activity();
  CHECK(flow.longest_gap_in >= 40ms);  // begun before the last question
  CHECK(flow.longest_gap_out == 0ns);
  CHECK(activity().longest_gap_in == 0ns);
}

TEST_CASE_METHOD(Connection, "a slot that is used again begins from nothing") {
  send(1, 100);
  send(1, 100);
  CHECK(sent_again() == 1);
  for (int i = 0; i < 1024; ++i) {  // every slot
    must(path->erase_flow(key(kTcp, 1000, 80)));
    rewrite(kTcp, 1000, 80);
    send(1, 100);
    REQUIRE(sent_again() == 0);
    REQUIRE(activity().longest_gap_out == 0ns);
  }
}
