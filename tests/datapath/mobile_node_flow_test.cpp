// SPDX-License-Identifier: GPL-3.0-or-later
// What is written down about flows, their end, and which packets the daemon is asked about.
#include <cerrno>
#include <thread>

#include "mobile_node_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::packets;

namespace {

const Ends kOut{kHome1, kCorrespondent};
const Ends kIn2{kCorrespondent, kHome2};

}  // namespace

TEST_CASE_METHOD(MobileNodeFixture, "packets and octets are counted in both directions") {
  rewrite(kUdp, 1000, 53);
  const TimePoint before = activity().last_seen;
  out(udp(kOut, 1000, 53, 10));
  out(udp(kOut, 1000, 53, 20));
  in_tunnel(udp(kIn2, 53, 1000, 30));
  out(udp(kOut, 1001, 53, 40));  // another flow's
  const FlowActivity flow = activity();
  CHECK(flow.id == 7);
  CHECK(flow.key == key(kUdp, 1000, 53));
  CHECK(flow.packets_out == 2);
  CHECK(flow.bytes_out == 48 + 10 + 48 + 20);
  CHECK(flow.packets_in == 1);
  CHECK(flow.bytes_in == 48 + 30);
  CHECK(flow.last_seen > before);
  CHECK_FALSE(flow.closed);
}

TEST_CASE_METHOD(MobileNodeFixture, "two sources of the socket, one flow") {
  // A correspondent node asked at kHome2; the socket answers from there or from kHome1.
  const FlowKey asked{kHome2, kCorrespondent, 53, 1000, kUdp};
  const FlowKey answered{kHome1, kCorrespondent, 53, 1000, kUdp};
  const forwarding::FlowItem item{7, kHome2, 2};
  const bool answer_first = GENERATE(false, true);
  must(path->set_flow(answer_first ? answered : asked, item));
  must(path->set_flow(answer_first ? asked : answered, item));
  const auto check = [&] {
    for (const Address& source : {kHome1, kHome2}) {
      const Read outer = read(out(udp({source, kCorrespondent}, 53, 1000, 10)).packet);
      CHECK(outer.source == kOtherCareOf);
      CHECK(read(outer.payload).source == kHome2);
    }
    const Ran in = in_tunnel(udp(kIn2, 1000, 53, 20));
    CHECK(read(in.packet).destination == kHome2);  // where it was asked, whatever came first
    for (const FlowActivity& flow : path->activities()) {
      CHECK(flow.id == 7);
      CHECK(flow.packets_out == 2 * flow.packets_in);
    }
  };
  check();
  REQUIRE(path->activities().size() == 2);
  CHECK(path->activities()[0].packets_out == 2);

  // A daemon that takes over finds both.
  path.reset();
  auto opened = DataPath::open(options_for(Role::MobileNode, "/sys/fs/bpf/mipflow/test"));
  REQUIRE(opened);
  path = std::move(*opened);
  CHECK(path->flows().size() == 2);
  check();

  SECTION("without the answer the flow is what it was") {
    must(path->erase_flow(answered));
    CHECK(path->flows().size() == 1);
    CHECK(read(read(out(udp({kHome2, kCorrespondent}, 53, 1000)).packet).payload).source == kHome2);
    CHECK(read(in_tunnel(udp(kIn2, 1000, 53)).packet).destination == kHome2);
    CHECK(activity().packets_out == 5);
  }
  SECTION("another flow may not look like it") {
    const auto refused = path->set_flow(answered, {8, kHome2, 2});
    CHECK(refused);  // the same key with another id is a change, not another flow
    must(path->erase_flow(answered));
    const auto other = path->set_flow(answered, {9, kHome2, 2});
    REQUIRE_FALSE(other);
    CHECK(other.error().code == EADDRINUSE);
  }
  SECTION("slots do not leak") {
    for (int i = 0; i < 20; ++i) {
      must(path->erase_flow(asked));
      must(path->erase_flow(answered));
      must(path->set_flow(answered, item));
      must(path->set_flow(asked, item));
    }
    CHECK(path->flows().size() == 2);
    must(path->erase_flow(asked));
    must(path->erase_flow(answered));
    CHECK(path->activities().empty());
    must(path->set_flow(answered, {10, kHome1, 1}));
    CHECK(activity().packets_out == 0);
  }
}

TEST_CASE_METHOD(MobileNodeFixture, "the end of a TCP flow") {
  rewrite(kTcp, 1000, 80);
  const auto send = [&](std::uint8_t flags) { out(tcp(kOut, 1000, 80, flags)); };
  const auto receive = [&](std::uint8_t flags) { in_tunnel(tcp(kIn2, 80, 1000, flags)); };
  const auto closed_when_quiet = [&] {
    if (activity().closed) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1050));  // the quiet second is what is tested
    return activity().closed;
  };
  SECTION("FIN in both directions") {
    send(kFin | kAck);
    CHECK(read_all(*path).closed.empty());
    CHECK_FALSE(closed_when_quiet());
    receive(kFin | kAck);
    const auto closed = read_all(*path).closed;
    REQUIRE(closed.size() == 1);
    CHECK(closed[0].id == 7);
    CHECK(closed[0].key == key(kTcp, 1000, 80));
    send(kAck);
    CHECK_FALSE(activity().closed);  // not a second of quiet yet
    CHECK(closed_when_quiet());
    CHECK(read_all(*path).closed.empty());  // reported once
  }
  SECTION("our reset") {
    send(kRst);
    CHECK(read_all(*path).closed.size() == 1);
    CHECK(closed_when_quiet());
  }
  SECTION("their reset") {
    receive(kRst);
    CHECK(closed_when_quiet());
  }
  SECTION("a reset that the socket does not believe") {
    receive(kRst);
    send(kAck);
    CHECK(read_all(*path).closed.empty());
    CHECK_FALSE(closed_when_quiet());
  }
  SECTION("ports used again") {
    send(kFin | kAck);
    receive(kFin | kAck);
    send(kSyn);
    CHECK_FALSE(closed_when_quiet());
  }
  SECTION("only ordinary segments") {
    send(kSyn);
    receive(kSyn | kAck);
    send(kAck);
    CHECK_FALSE(closed_when_quiet());
  }
}

TEST_CASE_METHOD(MobileNodeFixture, "first packets are those of flows that are not in the table") {
  const auto known = [&](const Octets& packet) { return run_filter(path->known_flow_fd(), packet) != 0; };
  rewrite(kTcp, 1000, 80);
  CHECK(known(tcp(kOut, 1000, 80)));
  CHECK(known(tcp(turned(kOut), 80, 1000)));
  CHECK_FALSE(known(tcp(kOut, 1001, 80)));
  CHECK_FALSE(known(tcp(turned(kOut), 80, 1001)));
  CHECK_FALSE(known(udp(kOut, 1000, 80)));
  CHECK_FALSE(known(tcp(kIn2, 80, 1000)));  // on its way in it has been rewritten already when the filter sees it

  rewrite(kIcmpv6, 5, 5);
  CHECK(known(echo(kOut, 128, 5)));
  CHECK(known(echo(turned(kOut), 129, 5)));
  CHECK_FALSE(known(echo(kOut, 128, 6)));

  CHECK_FALSE(known(ipv6(kOut, 47, filler(20))));
  must(path->set_flow(key(47, 0, 0), {9, kHome1, 1}));
  CHECK(known(ipv6(kOut, 47, filler(20))));

  must(path->erase_flow(key(kTcp, 1000, 80)));
  CHECK_FALSE(known(tcp(kOut, 1000, 80)));
}

TEST_CASE_METHOD(MobileNodeFixture, "packets that are no flow's need no decision") {
  const auto known = [&](const Octets& packet) { return run_filter(path->known_flow_fd(), packet) != 0; };
  CHECK(known(udp({kHome1, address("ff02::fb")}, 5353, 5353)));
  CHECK(known(udp({address("fe80::1"), kCorrespondent}, 1, 2)));
  CHECK(known(udp({kHome1, address("fe80::1")}, 1, 2)));
  CHECK(known(ipv6(kOut, kMobility, mobility_header(kOut, 1))));
  CHECK(known(icmpv6_error(kOut, 1, 0, udp(turned(kOut), 1, 2))));
  CHECK(known(icmpv6(kOut, 135, filler(20))));
  CHECK(known(ipv6(kOut, kFragment, joined({kUdp, 0, 0, 8, 0, 0, 0, 1}, filler(50)))));
  CHECK_FALSE(known(ipv6(kOut, kFragment, joined({kUdp, 0, 0, 1, 0, 0, 0, 1}, udp_header_and(kOut, 1, 2, 8)))));
  const Octets whole = tcp(kOut, 1, 2);
  for (std::size_t length = kIpv6Header; length < kIpv6Header + 14; ++length)
    CHECK(known(Octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))));
}

TEST_CASE_METHOD(MobileNodeFixture, "the end of a flow that the ring had no room for is told with the flow's next packet") {
  constexpr std::uint16_t kFlows = 60;  // more records of their ends than fit where no packet fits any more
  for (std::uint16_t port = 1; port <= kFlows; ++port) rewrite(kTcp, port, 80, port);
  const Ends signalling{kHomeAgent, kCareOf};
  const Octets acknowledgement = ipv6(signalling, kMobility, mobility_header(signalling, 6));
  while (counter(*path, "ring_full") == 0) in(acknowledgement);
  const auto reset_all = [&] {
    for (std::uint16_t port = 1; port <= kFlows; ++port) out(tcp(kOut, port, 80, kRst));
    return read_all(*path).closed.size();
  };
  const std::size_t told = reset_all();
  CHECK(told < kFlows);
  CHECK(counter(*path, "ring_full") == 1 + kFlows - told);
  CHECK(reset_all() == kFlows - told);
  CHECK(reset_all() == 0);
  CHECK(counter(*path, "flows_closed") == kFlows);
}
