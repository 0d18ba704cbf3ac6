// SPDX-License-Identifier: GPL-3.0-or-later
// ICMPv6 errors at a home agent, its tunnels on links that carry no more than every link has to, and congestion marks.
#include <string>
#include <vector>

#include "home_agent_fixture.hpp"
#include "listener.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::datapath::home_agent_tests;
using namespace mipflow::packets;

namespace {

const Ends kFromRouter{kRouter, kHomeAgent};
const Ends kOuterOut{kHomeAgent, kCareOf};

Octets too_big(const Octets& quoted, std::uint32_t mtu = 1380) { return icmpv6_error(kFromRouter, 2, mtu, quoted); }

class LeastMtuFixture : public HomeAgentFixture {
 public:
  LeastMtuFixture() { shell("ip link set wlan0 mtu 1280 && ip -6 neigh replace 2001:db8:1::1 lladdr 02:00:00:00:00:99 dev wlan0"); }
  ~LeastMtuFixture() { shell("ip -6 neigh del 2001:db8:1::1 dev wlan0 && ip link set wlan0 mtu 1500"); }

  // The packet that the two outer fragments carry.
  Octets through_fragments(const Octets& packet) {
    const Listener listener("far-wlan0");
    const Ran second = out(packet);
    const Octets first = listener.hear(kFragment);
    REQUIRE(second.verdict == kRedirect);
    REQUIRE_FALSE(first.empty());
    const Read one = read(first), two = read(second.packet);
    for (const Read& fragment : {one, two}) {
      CHECK(fragment.source == kHomeAgent);
      CHECK(fragment.destination == kCareOf);
      CHECK(fragment.next_header == kFragment);
      CHECK(fragment.payload_octets == fragment.payload.size());
      CHECK(fragment.payload.size() <= 1240);
      CHECK(fragment.payload[0] == kIpv6);
      CHECK(get32(fragment.payload, 4) == get32(one.payload, 4));
    }
    CHECK(get16(one.payload, 2) == 1);
    CHECK(get16(two.payload, 2) == one.payload.size() - 8);
    Octets inner(one.payload.begin() + 8, one.payload.end());
    inner.insert(inner.end(), two.payload.begin() + 8, two.payload.end());
    return inner;
  }
};

}  // namespace

TEST_CASE_METHOD(HomeAgentFixture, "errors that are about none of the tunnels are the kernel's business alone") {
  const Octets inner = tcp(kDown, 80, 1000, kAck, 1340);
  const std::vector<std::pair<std::string, Octets>> errors{
      {"half an outer header", too_big(front_of(tunnelled(kOuterOut, inner), 30))},
      {"headers cut", too_big(ipv6(kOuterOut, kDestinationOptions, {kIpv6, 0, 1}))},
      {"no tunnel", too_big(tcp(kOuterOut, 80, 1000))},
      {"not from us", too_big(tunnelled({kAnycast, kCareOf}, inner))},
      {"half an inner header", too_big(tunnelled(kOuterOut, front_of(inner, 30)))},
      {"inner ports cut", too_big(tunnelled(kOuterOut, front_of(inner, kIpv6Header + 13)))},
      {"to no home address", too_big(tunnelled(kOuterOut, tcp({kCorrespondent, kOtherHome}, 80, 1000)))},
      {"to another care-of address", too_big(tunnelled({kHomeAgent, kRouter}, inner))},
      {"to another of our addresses", icmpv6_error({kRouter, kAnycast}, 2, 1380, tunnelled(kOuterOut, inner))},
  };
  for (const auto& [name, error] : errors) {
    INFO(name);
    const Ran ran = in(error);
    CHECK(ran.verdict == kPass);
    CHECK(ran.packet == error);
    CHECK(read_all(*path).packets.empty());
  }
  // Nothing was believed: a packet of this length still leaves.
  CHECK(out(tcp(kDown, 80, 1000, kAck, 1400)).verdict == kRedirect);
  CHECK(counter(*path, "too_big") == 0);
}

TEST_CASE_METHOD(HomeAgentFixture, "errors about a tunnel that nobody can be told of go to the daemon and the kernel as they are") {
  const Octets inner = tcp(kDown, 80, 1000, kAck, 1340);
  const std::vector<std::pair<std::string, Octets>> errors{
      {"Destination Unreachable", icmpv6_error(kFromRouter, 1, 0, tunnelled(kOuterOut, inner))},
      {"Time Exceeded", icmpv6_error(kFromRouter, 3, 0, tunnelled(kOuterOut, inner))},
      {"an outer fragment", too_big(fragment_of(kOuterOut, kIpv6, inner, 0, 1280))},
      {"a packet that every link carries", too_big(tunnelled(kOuterOut, tcp(kDown, 80, 1000, kAck, 1280 - 60)))},
      {"an ICMPv6 error", too_big(tunnelled(kOuterOut, icmpv6(kDown, 1, filler(1400))))},
      {"from an address that no router answers", too_big(tunnelled(kOuterOut, tcp({address("fe80::9"), kHome}, 80, 1000, kAck, 1340)))},
  };
  for (const auto& [name, error] : errors) {
    INFO(name);
    expect_passed_and_told(in(error), *path, error);
  }
  CHECK(counter(*path, "packet_too_big_relayed") == 0);
}

TEST_CASE_METHOD(HomeAgentFixture, "a tunnel remembers what a router said about its path") {
  const auto length_that_fits = [&] { return get32(read(out(tcp(kDown, 80, 1000, kAck, 1440)).packet).payload, 4); };
  in(too_big(tunnelled(kOuterOut, tcp(kDown, 80, 1000, kAck, 1280 - 60))));
  read_all(*path);
  CHECK(length_that_fits() == 1340);
  CHECK(out(tcp(kDown, 80, 1000, kAck, 1340 - 60)).packet.size() == 1380);
  // Nothing more, and nothing that no link may do.
  for (std::uint32_t mtu : {0u, 1u, 68u, 1279u, 1381u, 0xffffffffu}) {
    in(too_big(tunnelled(kOuterOut, tcp(kDown, 80, 1000, kAck, 1340)), mtu));
    CHECK(length_that_fits() == 1340);
  }
  in(too_big(tunnelled(kOuterOut, tcp(kDown, 80, 1000, kAck, 1340)), 1280));
  CHECK(length_that_fits() == 1280);
  read_all(*path);
  // What is too long and no answer may be given to is dropped.
  CHECK(out(icmpv6(kDown, 1, filler(1400))).verdict == kDrop);
}

TEST_CASE_METHOD(LeastMtuFixture, "what every link has to carry reaches the mobile node in two outer fragments") {
  for (std::size_t octets : {1241, 1242, 1255, 1256, 1257, 1279, 1280}) {
    INFO(octets);
    const Octets packet = udp(kDown, 53, 1000, octets - 48);
    CHECK(through_fragments(packet) == packet);
  }
  CHECK(counter(*path, "fragmented_out") == 7);
  const Ran whole = out(udp(kDown, 53, 1000, 1240 - 48));
  CHECK(read(whole.packet).next_header == kIpv6);
  const Ran longer = out(udp(kDown, 53, 1000, 1281 - 48));
  CHECK(read(longer.packet).payload[0] == 2);
}

TEST_CASE_METHOD(LeastMtuFixture, "a checksum that was left to the network card is computed before its packet is fragmented") {
  const auto left_to_card = [&](std::uint8_t protocol, std::size_t place, Octets upper) {
    // The kernel leaves the sum of the pseudo header (not its complement) there.
    put16(upper, place, transport_sum(kDown.source, kDown.destination, protocol, Octets(upper.size())));
    return ipv6(kDown, protocol, upper);
  };
  const std::size_t payload = GENERATE(1200, 1201, 1210);
  SECTION("TCP") {
    const Octets finished = tcp(kDown, 80, 1000, kAck, payload);
    CHECK(through_fragments(left_to_card(kTcp, 16, read(finished).payload)) == finished);
  }
  SECTION("UDP") {
    const Octets finished = udp(kDown, 80, 1000, payload);
    CHECK(through_fragments(left_to_card(kUdp, 6, read(finished).payload)) == finished);
  }
  SECTION("UDP whose sum is zero, which is sent as ones") {
    Octets upper = read(udp(kDown, 80, 1000, 1210)).payload;
    put16(upper, 6, 0);
    put16(upper, 8, 0);
    put16(upper, 8, ~transport_sum(kDown.source, kDown.destination, kUdp, upper) & 0xffff);
    const Octets sent = through_fragments(left_to_card(kUdp, 6, upper));
    CHECK(get16(sent, kIpv6Header + 6) == 0xffff);
    CHECK(checksum_is_right(read(sent)));
  }
  SECTION("TCP whose sum is zero, which stays") {
    Octets upper = read(tcp(kDown, 80, 1000, kAck, 1200)).payload;
    put16(upper, 16, 0);
    put16(upper, 20, 0);
    put16(upper, 20, ~transport_sum(kDown.source, kDown.destination, kTcp, upper) & 0xffff);
    const Octets sent = through_fragments(left_to_card(kTcp, 16, upper));
    CHECK(get16(sent, kIpv6Header + 16) == 0);
    CHECK(checksum_is_right(read(sent)));
  }
}

TEST_CASE_METHOD(LeastMtuFixture, "outer fragments of what has no checksum of its own, or of a fragment") {
  const Octets sctp = ipv6(kDown, kSctp, filler(1220));
  CHECK(through_fragments(sctp) == sctp);
  const Octets inner_fragment = fragment_of(kDown, kUdp, udp_header_and(kDown, 53, 1000, 3000), 0, 1208);
  CHECK(through_fragments(inner_fragment) == inner_fragment);
  SECTION("a packet that ends in front of its checksum can not be sent") {
    Octets options(1208);
    options[0] = kTcp, options[1] = 1208 / 8 - 1;
    for (std::size_t i = 2; i < options.size(); i += 206) options[i] = 1, options[i + 1] = 200;
    for (std::size_t octets = 14; octets < 18; ++octets) {
      INFO(octets);
      CHECK(out(ipv6(kDown, kDestinationOptions, joined(options, filler(octets)))).verdict == kDrop);
    }
    CHECK(counter(*path, "encapsulation_failed") == 4);
  }
}

TEST_CASE_METHOD(HomeAgentFixture, "a reverse-tunnelled packet in two outer fragments") {
  const Octets inner = udp(kUp, 1000, 53, 1280 - 48);
  const auto half = [&](bool last, const Address& care_of = kCareOf, std::uint8_t identification = 3) {
    return fragment_of({care_of, kHomeAgent}, kIpv6, inner, last ? 1232 : 0, last ? inner.size() : 1232, identification);
  };
  const bool last_first = GENERATE(false, true);
  SECTION("is put together, whichever comes first") {
    CHECK(in(half(last_first)).verdict == kDrop);  // held
    const Ran ran = in(half(!last_first));
    CHECK(ran.verdict == kToMip0);
    CHECK(ran.packet == inner);
    CHECK(counter(*path, "reassembled_in") == 1);
    CHECK(counter(*path, "inner_refused") == 0);
  }
  SECTION("has to come from where its home address is registered") {
    const Address stranger = address("2001:db8:21::3");
    CHECK(in(half(last_first, stranger)).verdict == kDrop);
    CHECK(in(half(!last_first, stranger)).verdict == kDrop);
    CHECK(counter(*path, "wrong_tunnel_source") == 1);
  }
  SECTION("does not mix with another") {
    CHECK(in(half(last_first)).verdict == kDrop);
    CHECK(in(half(!last_first, kCareOf, 4)).verdict == kDrop);
    CHECK(counter(*path, "reassembled_in") == 0);
  }
}

TEST_CASE_METHOD(HomeAgentFixture, "outer fragments that can not be the two halves of a packet are refused") {
  const Octets inner = udp(kUp, 1000, 53, 1280 - 48);
  const auto refused = [&](const Octets& packet) {
    CHECK(in(packet).verdict == kDrop);
    CHECK(counter(*path, "inner_refused") == 1);
    CHECK(counter(*path, "reassembled_in") == 0);
  };
  SECTION("one in the middle") { refused(fragment_of(kOuterIn, kIpv6, inner, 800, 1000)); }
  SECTION("the only one") { refused(fragment_of(kOuterIn, kIpv6, inner, 0, inner.size())); }
  SECTION("without data") { refused(fragment_of(kOuterIn, kIpv6, inner, 0, 0)); }
  SECTION("longer than it says") {
    Octets cut = fragment_of(kOuterIn, kIpv6, inner, 0, 1232);
    cut.resize(cut.size() - 1);
    refused(cut);
  }
  SECTION("longer than a packet that every link carries could ever be") { refused(fragment_of(kOuterIn, kIpv6, Octets(2100), 0, 2056)); }
  SECTION("a gap between them") {
    in(fragment_of(kOuterIn, kIpv6, inner, 0, 800));
    refused(fragment_of(kOuterIn, kIpv6, inner, 808, inner.size()));
  }
}

TEST_CASE_METHOD(HomeAgentFixture, "what comes out of a tunnel has to be a whole packet") {
  const Octets with_options = ipv6(kUp, kDestinationOptions, joined(empty_options(kUdp), udp_header_and(kUp, 1, 2, 10)));
  for (std::size_t octets = 0; octets < kIpv6Header; ++octets) CHECK(in(tunnelled(kOuterIn, front_of(with_options, octets))).verdict == kDrop);
  for (std::size_t octets = kIpv6Header; octets < kIpv6Header + 12; ++octets)
    CHECK(in(tunnelled(kOuterIn, front_of(with_options, octets))).verdict == kDrop);
  CHECK(counter(*path, "inner_refused") == kIpv6Header + 12);
  CHECK(in(tunnelled(kOuterIn, with_options)).packet == with_options);
}

TEST_CASE_METHOD(HomeAgentFixture, "congestion marks on the way to the home agent, RFC 6040 section 4.2") {
  struct Row {
    std::uint8_t outer, inner, out;
    bool lost;
  };
  // 0 not ECN-capable, 1 ECT(1), 2 ECT(0), 3 congestion experienced
  for (const Row& row : {Row{0, 0, 0, false}, Row{2, 0, 0, false}, Row{3, 0, 0, true}, Row{0, 2, 2, false}, Row{3, 2, 3, false},
                         Row{3, 1, 3, false}, Row{3, 3, 3, false}, Row{0, 3, 3, false}}) {
    INFO("outer " << int{row.outer} << ", inner " << int{row.inner});
    const auto with_class = [&](std::uint8_t mark) {
      return ipv6(kUp, kUdp, udp_header_and(kUp, 1, 2, 10), static_cast<std::uint8_t>(0xb8 | mark));
    };
    const std::uint64_t lost_before = counter(*path, "congestion_lost");
    const Ran ran = in(tunnelled(kOuterIn, with_class(row.inner), row.outer));
    CHECK(ran.verdict == (row.lost ? kDrop : kToMip0));
    if (!row.lost) CHECK(ran.packet == with_class(row.out));
    CHECK(counter(*path, "congestion_lost") == lost_before + row.lost);
  }
}

TEST_CASE_METHOD(HomeAgentFixture, "a daemon that does not read costs nobody but itself") {
  const Octets update = ipv6(kOuterIn, kMobility, mobility_header(kOuterIn, 5));
  while (counter(*path, "ring_full") == 0) CHECK(in(update).verdict == kDrop);
  // A record about a stranger is smaller, so that some find room. One is told of every five milliseconds.
  Address stranger = address("2001:db8:21::3:0");
  for (std::uint16_t i = 0; counter(*path, "ring_full") == 1; ++i) {
    stranger.octets[14] = static_cast<std::uint8_t>(i >> 8);
    stranger.octets[15] = static_cast<std::uint8_t>(i);
    CHECK(in(tunnelled({stranger, kHomeAgent}, tcp(kUp, 1000, 80))).verdict == kDrop);
  }
  CHECK(in(tunnelled(kOuterIn, tcp(kUp, 1000, 80))).verdict == kToMip0);
  CHECK(out(tcp(kDown, 80, 1000)).verdict == kRedirect);
  const auto ringed = read_all(*path);
  CHECK(ringed.unbound.size() + 1 == counter(*path, "unbound_sources_told"));
  CHECK(in(update).verdict == kDrop);
  CHECK(read_all(*path).packets.size() == 1);
}
