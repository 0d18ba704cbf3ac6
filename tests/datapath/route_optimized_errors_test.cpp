// SPDX-License-Identifier: GPL-3.0-or-later
// ICMPv6 errors about the mobile node's packets with a Home Address option, and about its signalling.
#include "route_optimized_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::packets;

namespace {

const Ends kFromRouter{kRouter, kCareOf};

class OptimizedErrorFixture : public RouteOptimizedFixture {
 public:
  // As the socket made it, and as it was on the wire.
  Octets sent = tcp({kHome1, kCorrespondent}, 1000, 80, kAck, 1400 - 60);
  Octets on_the_wire = behind_home_address_option(sent);
  OptimizedErrorFixture() { flow(kTcp, 1000, 80); }

  void only_for_daemon(const Octets& error) {
    CHECK(in(error).verdict == kDrop);
    told(error);
  }
  void told(const Octets& error) {
    const auto ringed = read_all(*path);
    REQUIRE(ringed.packets.size() == 1);
    CHECK(ringed.packets[0].packet == error);
  }
};

}  // namespace

TEST_CASE_METHOD(OptimizedErrorFixture, "an error about a packet with the option reaches daemon and socket") {
  const auto check = [&](std::uint8_t type, std::uint8_t code, std::uint32_t parameter, std::uint32_t told_parameter) {
    Octets error = icmpv6_error(kFromRouter, type, parameter, on_the_wire);
    error[kIpv6Header + 1] = code;
    error = ipv6(kFromRouter, kIcmpv6, with_checksum(kRouter, kCareOf, kIcmpv6, read(error).payload, 2));
    const Ran ran = in(error);
    REQUIRE(ran.verdict == kToMip0);
    told(error);
    const Read relayed = read(ran.packet);
    CHECK(relayed.source == kRouter);
    CHECK(relayed.destination == kHome1);
    CHECK(relayed.payload_octets == relayed.payload.size());
    CHECK(checksum_is_right(relayed));
    CHECK(relayed.payload[0] == type);
    CHECK(relayed.payload[1] == code);
    CHECK(get32(relayed.payload, 4) == told_parameter);
    CHECK(std::equal(relayed.payload.begin() + 8, relayed.payload.end(), sent.begin()));
    CHECK(relayed.payload.size() == 8 + 1232 - 24);
  };
  SECTION("Destination Unreachable") { check(1, 0, 0, 0); }
  SECTION("Time Exceeded") { check(3, 0, 0, 0); }
  SECTION("Packet Too Big") { check(2, 0, 1380, 1356); }
  SECTION("Packet Too Big, never less than every link carries") { check(2, 0, 1290, 1280); }
  SECTION("Parameter Problem in what the application sent") { check(4, 1, 64, 40); }
  CHECK(counter(*path, "optimized_errors") == 1);
}

TEST_CASE_METHOD(OptimizedErrorFixture, "an error about a packet cut behind the option reaches the socket as well") {
  for (std::size_t octets = kIpv6Header + 24; octets < 150; ++octets) {
    const Octets quoted(on_the_wire.begin(), on_the_wire.begin() + static_cast<std::ptrdiff_t>(octets));
    const Ran ran = in(icmpv6_error(kFromRouter, 1, 0, quoted));
    INFO("quoted " << octets << " octets");
    REQUIRE(ran.verdict == kToMip0);
    CHECK(checksum_is_right(read(ran.packet)));
    read_all(*path);
  }
}

TEST_CASE_METHOD(OptimizedErrorFixture, "a wrong checksum stays wrong") {
  Octets error = icmpv6_error(kFromRouter, 1, 0, on_the_wire);
  error.back() ^= 1;
  CHECK_FALSE(checksum_is_right(read(in(error).packet)));
}

TEST_CASE_METHOD(OptimizedErrorFixture, "an error about a rewritten flow's packet names what its socket sent") {
  flow(kTcp, 2000, 80, kHome2, 12);
  const Octets wire = behind_home_address_option(tcp({kHome2, kCorrespondent}, 2000, 80, kAck, 1340), kOtherCareOf);
  const Ran ran = in(icmpv6_error({kRouter, kOtherCareOf}, 3, 0, wire));
  REQUIRE(ran.verdict == kToMip0);
  const Read relayed = read(ran.packet);
  CHECK(relayed.destination == kHome1);
  CHECK(checksum_is_right(relayed));
  const Read quoted = read(std::span(relayed.payload).subspan(8));
  CHECK(quoted.source == kHome1);
  CHECK(get16(quoted.payload, 16) == get16(tcp({kHome1, kCorrespondent}, 2000, 80, kAck, 1340), kIpv6Header + 16));
}

TEST_CASE_METHOD(OptimizedErrorFixture, "a Packet Too Big is remembered for the flow's path") {
  CHECK(out(sent).packet.size() == sent.size() + 24);
  in(icmpv6_error(kFromRouter, 2, 1400, on_the_wire));
  const Read answer = read(out(sent).packet);
  CHECK(answer.next_header == kIcmpv6);
  CHECK(get32(answer.payload, 4) == 1376);
  // Another path of the same home address is another path.
  CHECK(read(out(tcp({kHome1, kCorrespondent}, 1001, 80, kAck, 1340)).packet).next_header == kIpv6);
  must(path->set_binding(11, direct(kHome1, kOtherCareOf, "wwan0")));
  CHECK(read(out(sent).packet).next_header == kDestinationOptions);
}

TEST_CASE_METHOD(OptimizedErrorFixture, "what the socket has nothing to do with is for the daemon alone") {
  SECTION("Parameter Problem at the option") { only_for_daemon(icmpv6_error(kFromRouter, 4, 46, on_the_wire)); }
  SECTION("Parameter Problem in our header") { only_for_daemon(icmpv6_error(kFromRouter, 4, 40, on_the_wire)); }
  SECTION("Parameter Problem in the IPv6 header") { only_for_daemon(icmpv6_error(kFromRouter, 4, 6, on_the_wire)); }
  SECTION("an MTU below what IPv6 allows") { only_for_daemon(icmpv6_error(kFromRouter, 2, 1279, on_the_wire)); }
  SECTION("Packet Too Big about what every link has to carry") {
    const Octets small = behind_home_address_option(tcp({kHome1, kCorrespondent}, 1000, 80, kAck, 1280 - 60));
    only_for_daemon(icmpv6_error(kFromRouter, 2, 1290, small));
    // It goes through the tunnel from now on.
    CHECK(read(out(tcp({kHome1, kCorrespondent}, 1000, 80, kAck, 1280 - 60)).packet).destination == kHomeAgent);
  }
  SECTION("an unknown error") { only_for_daemon(icmpv6_error(kFromRouter, 100, 0, on_the_wire)); }
}

TEST_CASE_METHOD(OptimizedErrorFixture, "errors about signalling are for the daemon alone") {
  const Octets test_init = ipv6({kCareOf, kCorrespondent}, kMobility, mobility_header({kCareOf, kCorrespondent}, 2));
  only_for_daemon(icmpv6_error({kCorrespondent, kCareOf}, 4, 6, test_init));
  const Octets update = behind_home_address_option(ipv6({kHome1, kCorrespondent}, kMobility, mobility_header({kHome1, kCorrespondent}, 5)));
  only_for_daemon(icmpv6_error({kCorrespondent, kCareOf}, 4, 46, update));
  const Octets home_test_init = ipv6({kHome1, kCorrespondent}, kMobility, mobility_header({kHome1, kCorrespondent}, 1));
  const Octets inner = icmpv6_error({kCorrespondent, kHome1}, 4, 6, home_test_init);
  CHECK(in_tunnel(inner).verdict == kDrop);
  const auto ringed = read_all(*path);
  REQUIRE(ringed.packets.size() == 1);
  CHECK(ringed.packets[0].packet == inner);
  CHECK(ringed.packets[0].tunnel_source == kHomeAgent);
}

TEST_CASE_METHOD(OptimizedErrorFixture, "errors about what is not ours are the kernel's business alone") {
  const auto untouched = [&](const Octets& error) {
    const Ran ran = in(error);
    CHECK(ran.verdict == kPass);
    CHECK(ran.packet == error);
    CHECK(read_all(*path).packets.empty());
  };
  SECTION("not our home address") {
    untouched(icmpv6_error(kFromRouter, 1, 0, behind_home_address_option(tcp({kRouter, kCorrespondent}, 1000, 80))));
  }
  SECTION("not sent from the address that the error goes to") {
    untouched(icmpv6_error(kFromRouter, 1, 0, behind_home_address_option(sent, kOtherCareOf)));
  }
  SECTION("no option") { untouched(icmpv6_error(kFromRouter, 1, 0, tcp({kCareOf, kCorrespondent}, 1000, 80))); }
  SECTION("quoted no further than the option") {
    for (std::size_t octets = 0; octets < kIpv6Header + 24; ++octets)
      untouched(icmpv6_error(kFromRouter, 1, 0, Octets(on_the_wire.begin(), on_the_wire.begin() + static_cast<std::ptrdiff_t>(octets))));
  }
}

TEST_CASE_METHOD(OptimizedErrorFixture, "the correspondent node's own errors come with a type 2 routing header") {
  const Octets error = icmpv6_error({kCorrespondent, kHome1}, 1, 4, sent);
  const Ran ran = in(behind_routing_header(error, kHome1));
  REQUIRE(ran.verdict == kToMip0);
  CHECK(ran.packet == error);
}
