// SPDX-License-Identifier: GPL-3.0-or-later
// The kernel may refuse what a program asks of it. A packet that is to be cut up later, in a way that the kernel does not allow
// to be made longer or shorter, is such a case (a test run knows the size of the segments, but not that they are TCP's): it is
// dropped and counted, and never sent half changed.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "correspondent_fixture.hpp"
#include "home_agent_fixture.hpp"
#include "route_optimized_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::packets;

namespace {

constexpr std::uint32_t kSegment = 1000;

Ran run_large(Role role, const char* interface, bool ingress, const Octets& packet, std::uint32_t segment = kSegment, const char* came_from = nullptr) {
  return run_frame(role, interface, ingress, frame(packet), {.came_from = came_from, .gso_size = segment});
}

struct Refused {
  const char* what;
  const char* interface;
  Octets packet;
  const char* counter;
};
void check_refused(Role role, const DataPath& path, const std::vector<Refused>& table, const char* came_from = nullptr) {
  for (const Refused& refused : table) {
    INFO(refused.what);
    const bool ingress = refused.interface != std::string("mip0");
    const std::uint64_t before = counter(path, refused.counter);
    CHECK(run_large(role, refused.interface, ingress, refused.packet, kSegment, came_from).verdict == kDrop);
    CHECK(counter(path, refused.counter) == before + 1);
    // Nothing is wrong with the packet itself.
    CHECK(run_frame(role, refused.interface, ingress, frame(refused.packet), {.came_from = came_from}).verdict != kDrop);
    CHECK(counter(path, refused.counter) == before + 1);
  }
}

}  // namespace

TEST_CASE_METHOD(RouteOptimizedFixture, "mobile node: what the kernel can not make longer or shorter is dropped and counted") {
  const Ends out_ends{kHome1, kCorrespondent}, in_ends{kCorrespondent, kHome1}, from_router{kRouter, kCareOf};
  flow(kTcp, 2000, 80);
  const Octets direct = tcp(out_ends, 2000, 80, kAck, 1390);
  check_refused(Role::MobileNode, *path,
                {{"into the tunnel", "mip0", tcp(out_ends, 1000, 80, kAck, 1390), "encapsulation_failed"},
                 {"with a Home Address option", "mip0", direct, "encapsulation_failed"},
                 {"out of the tunnel", "wlan0", tunnelled(kOuterIn, tcp(in_ends, 80, 1000, kAck, 1390)), "encapsulation_failed"},
                 {"with a type 2 routing header", "wlan0", behind_routing_header(tcp(in_ends, 80, 2000, kAck, 1390), kHome1), "rewriting_failed"},
                 {"an error about a direct path", "wlan0", icmpv6_error(from_router, 1, 0, behind_home_address_option(direct)), "rewriting_failed"},
                 {"Packet Too Big about the tunnel", "wlan0",
                  icmpv6_error(from_router, 2, 1400, tunnelled({kCareOf, kHomeAgent}, tcp(out_ends, 1000, 80, kAck, 1390))), "rewriting_failed"}});
}

TEST_CASE_METHOD(home_agent_tests::HomeAgentFixture, "home agent: what the kernel can not make longer or shorter is dropped and counted") {
  using namespace home_agent_tests;
  CHECK(path->take_tunnel_activity().empty());  // from now on it is counted
  check_refused(Role::HomeAgent, *path,
                {{"into the tunnel", "mip0", tcp(home_agent_tests::kDown, 80, 1000, kAck, 1390), "encapsulation_failed"},
                 {"out of the tunnel", "wlan0", tunnelled(home_agent_tests::kOuterIn, tcp(kUp, 1000, 80, kAck, 1390)), "encapsulation_failed"},
                 {"Packet Too Big about the tunnel", "wlan0",
                  icmpv6_error({home_agent_tests::kRouter, home_agent_tests::kHomeAgent}, 2, 1400,
                               tunnelled({home_agent_tests::kHomeAgent, home_agent_tests::kCareOf}, tcp(home_agent_tests::kDown, 80, 1000, kAck, 1390))),
                  "encapsulation_failed"}},
                "wwan0");
  // Each of the three ran twice: only what left counts for who divides the load.
  const auto activity = path->take_tunnel_activity();
  REQUIRE(activity.size() == 1);
  CHECK(activity[0].packets == 1);
}

TEST_CASE_METHOD(correspondent_tests::CorrespondentFixture, "correspondent node: what the kernel can not make longer or shorter is dropped and counted") {
  using namespace correspondent_tests;
  const Octets sent = tcp(correspondent_tests::kDown, 80, 1000, kAck, 1390);
  const Octets received = tcp(correspondent_tests::kUp, 1000, 80, kAck, 1390);
  const Octets option = joined(home_address_option(kTcp, kHome), read(received).payload);
  const Octets routing = joined(type_2_routing_header(kTcp, kHome), read(sent).payload);
  check_refused(role, *path,
                {{"with a type 2 routing header", "mip0", sent, "encapsulation_failed"},
                 {"with a Home Address option", "wlan0", ipv6(kWireUp, kDestinationOptions, option), "rewriting_failed"},
                 {"an error about a direct path", "wlan0",
                  icmpv6_error({address("2001:db8:1::1"), kHere}, 1, 0, ipv6({kHere, correspondent_tests::kCareOf}, kRouting, routing)), "rewriting_failed"}});
}

TEST_CASE_METHOD(MobileNodeFixture, "a packet that is cut up later counts as its segments, and has their length") {
  const Ends ends{kHome1, kCorrespondent};
  must(path->set_flow(key(kTcp, 1000, 80), {7, kHome1, 1}));
  const auto sent = [&](std::size_t payload, std::uint32_t segment) {
    const FlowActivity before = activity();
    const Ran ran = run_large(Role::MobileNode, "mip0", false, tcp(ends, 1000, 80, kAck, payload), segment);
    const FlowActivity after = activity();
    return std::tuple{ran, after.packets_out - before.packets_out, after.bytes_out - before.bytes_out};
  };
  SECTION("with the headers of each") {
    const std::size_t payload = GENERATE(1, 999, 1000, 1001, 2000, 2001);
    const auto [ran, packets, octets] = sent(payload, 1000);
    const std::size_t segments = (payload + 999) / 1000;
    CHECK(packets == segments);
    CHECK(octets == payload + segments * 60);
  }
  SECTION("without data") { CHECK(std::get<1>(sent(0, 1000)) == 1); }
  SECTION("segments that are too long are answered with the MTU that fits") {
    CHECK(std::get<0>(sent(3000, 1400)).verdict == kDrop);  // 1460 octets fit; the kernel refuses the rest of the way
    const Ran ran = std::get<0>(sent(3000, 1401));
    REQUIRE(ran.verdict == kRedirect);
    const Read answer = read(ran.packet);
    CHECK(answer.destination == kHome1);
    CHECK(answer.payload[0] == 2);
    CHECK(get32(answer.payload, 4) == 1460);
    CHECK(checksum_is_right(answer));
    CHECK(counter(*path, "too_big") == 1);
  }
  SECTION("segments that every link has to carry are made shorter instead, which only TCP's can be") {
    shell("ip link set wlan0 mtu 1280");
    must(path->refresh_next_hops());
    CHECK(std::get<0>(sent(3000, 1200)).verdict == kDrop);
    shell("ip link set wlan0 mtu 1500");
    CHECK(counter(*path, "encapsulation_failed") == 1);
    CHECK(counter(*path, "too_big") == 0);
    CHECK(counter(*path, "fragmented_out") == 0);
  }
}
