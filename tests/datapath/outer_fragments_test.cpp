// SPDX-License-Identifier: GPL-3.0-or-later
// Links that carry the 1280 octets that every link has to carry, but not with an outer header around them.
#include <algorithm>
#include <chrono>

#include "listener.hpp"
#include "mobile_node_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::packets;

namespace {

const Ends kOut{kHome1, kCorrespondent};
const Ends kIn{kCorrespondent, kHome1};

Octets fragment(const Ends& ends, const Octets& whole, std::size_t from, std::size_t to, bool more, std::uint8_t identification) {
  Octets header{kIpv6, 0, 0, 0, 0, 0, 0, identification};
  put16(header, 2, static_cast<std::uint32_t>(from | (more ? 1 : 0)));
  return ipv6(ends, kFragment, joined(header, Octets(whole.begin() + static_cast<std::ptrdiff_t>(from), whole.begin() + static_cast<std::ptrdiff_t>(to))));
}

class LeastMtuFixture : public MobileNodeFixture {
 public:
  LeastMtuFixture() {
    shell("ip link set wlan0 mtu 1280");
    must(path->refresh_next_hops());
  }
  ~LeastMtuFixture() { shell("ip link set wlan0 mtu 1500"); }
};

}  // namespace

TEST_CASE_METHOD(LeastMtuFixture, "the longest packet that needs no second fragment, and the shortest that does") {
  const Ran one = out(udp(kOut, 1, 2, 1240 - 48));
  CHECK(one.verdict == kRedirect);
  CHECK(read(one.packet).next_header == kIpv6);
  const Ran two = out(udp(kOut, 1, 2, 1241 - 48));
  CHECK(two.verdict == kRedirect);
  CHECK(read(two.packet).next_header == kFragment);
  CHECK(counter(*path, "fragmented_out") == 1);
  CHECK(counter(*path, "too_big") == 0);
}

TEST_CASE_METHOD(LeastMtuFixture, "the two fragments are the packet") {
  rewrite(kUdp, 1000, 53);
  must(path->set_flow(key(kUdp, 1000, 53), {7, kHome2, 1}));
  // What the program sends itself is seen at the other end of the link. The neighbour is unknown on this link, so nothing
  // leaves it unless its address is given.
  shell("ip -6 neigh replace 2001:db8:1::1 lladdr 02:00:00:00:00:99 dev wlan0");
  const Listener listener("far-wlan0");
  const Octets packet = udp(kOut, 1000, 53, 1280 - 48);
  const Ran second = out(packet);
  const Octets first = listener.hear(kFragment);
  shell("ip -6 neigh del 2001:db8:1::1 dev wlan0");

  REQUIRE(second.verdict == kRedirect);
  REQUIRE_FALSE(first.empty());
  const Read one = read(first), two = read(second.packet);
  CHECK(one.source == kCareOf);
  CHECK(one.destination == kHomeAgent);
  CHECK(one.next_header == kFragment);
  CHECK(two.next_header == kFragment);
  REQUIRE(one.payload.size() > 8);
  CHECK(one.payload_octets == one.payload.size());
  CHECK(two.payload_octets == two.payload.size());
  CHECK(get32(one.payload, 4) == get32(two.payload, 4));
  CHECK(get16(one.payload, 2) == 1);
  CHECK(get16(two.payload, 2) == one.payload.size() - 8);
  CHECK(first.size() <= 1280);
  CHECK(second.packet.size() <= 1280);
  Octets inner(one.payload.begin() + 8, one.payload.end());
  inner.insert(inner.end(), two.payload.begin() + 8, two.payload.end());
  CHECK(inner.size() == packet.size());
  CHECK(read(inner).source == kHome2);
  CHECK(checksum_is_right(read(inner)));
}

TEST_CASE_METHOD(MobileNodeFixture, "a packet is put together from two outer fragments, whichever comes first") {
  rewrite(kUdp, 1000, 53);
  const Octets inner = udp({kCorrespondent, kHome2}, 53, 1000, 1280 - 48);
  const Octets first = fragment(kOuterIn, inner, 0, 1232, true, 1);
  const Octets last = fragment(kOuterIn, inner, 1232, inner.size(), false, 1);
  const bool turned_around = GENERATE(false, true);
  CHECK(in(turned_around ? last : first).verdict == kDrop);
  const Ran ran = in(turned_around ? first : last);
  REQUIRE(ran.verdict == kToMip0);
  const Read arrived = read(ran.packet);
  CHECK(ran.packet.size() == inner.size());
  CHECK(arrived.destination == kHome1);
  CHECK(checksum_is_right(arrived));
  CHECK(counter(*path, "reassembled_in") == 1);
  // The same once more starts anew.
  CHECK(in(first).verdict == kDrop);
  CHECK(counter(*path, "reassembled_in") == 1);
}

TEST_CASE_METHOD(MobileNodeFixture, "link-layer padding behind a short last fragment is no part of the packet") {
  const Octets inner = udp(kIn, 53, 1000, 1240 - 48);
  CHECK(in(fragment(kOuterIn, inner, 0, 1232, true, 1)).verdict == kDrop);
  const Ran ran = in(joined(fragment(kOuterIn, inner, 1232, inner.size(), false, 1), Octets(10, 0xee)));
  REQUIRE(ran.verdict == kToMip0);
  CHECK(ran.packet == inner);
}

TEST_CASE_METHOD(MobileNodeFixture, "signalling can come in outer fragments") {
  const Octets inner = ipv6(kIn, kMobility, mobility_header(kIn, 3, 1232));
  CHECK(in(fragment(kOuterIn, inner, 0, 640, true, 1)).verdict == kDrop);
  CHECK(in(fragment(kOuterIn, inner, 640, inner.size(), false, 1)).verdict == kDrop);
  const auto ringed = read_all(*path);
  REQUIRE(ringed.packets.size() == 1);
  CHECK(ringed.packets[0].packet == inner);
  CHECK(ringed.packets[0].tunnel_source == kHomeAgent);
}

TEST_CASE_METHOD(MobileNodeFixture, "fragments that do not belong together") {
  const Octets inner = udp(kIn, 53, 1000, 1280 - 48);
  CHECK(in(fragment(kOuterIn, inner, 0, 1232, true, 1)).verdict == kDrop);
  SECTION("another packet's") { CHECK(in(fragment(kOuterIn, inner, 1232, inner.size(), false, 2)).verdict == kDrop); }
  SECTION("a gap between them") { CHECK(in(fragment(kOuterIn, inner, 1240, inner.size(), false, 1)).verdict == kPass); }
  SECTION("an overlap") { CHECK(in(fragment(kOuterIn, inner, 1224, inner.size(), false, 1)).verdict == kPass); }
  SECTION("one from the middle") { CHECK(in(fragment(kOuterIn, inner, 1232, inner.size(), true, 1)).verdict == kPass); }
  SECTION("from somebody else") {
    CHECK(in(fragment({kCorrespondent, kCareOf}, inner, 1232, inner.size(), false, 1)).verdict == kPass);
  }
  CHECK(counter(*path, "reassembled_in") == 0);
}

TEST_CASE_METHOD(MobileNodeFixture, "what is put together has to pass the same checks") {
  const Octets inner = udp({kCorrespondent, address("2001:db8:100::77")}, 53, 1000, 1280 - 48);
  CHECK(in(fragment(kOuterIn, inner, 0, 1232, true, 1)).verdict == kDrop);
  CHECK(in(fragment(kOuterIn, inner, 1232, inner.size(), false, 1)).verdict == kDrop);
  CHECK(counter(*path, "inner_refused") == 1);
}

TEST_CASE_METHOD(MobileNodeFixture, "a flood of fragments takes no more memory and does no harm") {
  const Octets inner = udp(kIn, 53, 1000, 1280 - 48);
  for (int i = 0; i < 2000; ++i) {
    Octets packet = fragment(kOuterIn, inner, 0, 1232, true, 0);
    put16(packet, kIpv6Header + 4, static_cast<std::uint32_t>(i));
    CHECK(in(packet).verdict == kDrop);
  }
  CHECK(in(fragment(kOuterIn, inner, 0, 1232, true, 9)).verdict == kDrop);
  CHECK(in(fragment(kOuterIn, inner, 1232, inner.size(), false, 9)).verdict == kToMip0);
}

TEST_CASE_METHOD(MobileNodeFixture, "a binding remembers what a router said about its path") {
  const Octets small = udp(kOut, 1, 2, 1280 - 48);
  CHECK(read(out(small).packet).next_header == kIpv6);
  const auto say = [&](std::uint32_t mtu) {
    in(icmpv6_error({kRouter, kCareOf}, 2, mtu, tunnelled({kCareOf, kHomeAgent}, small)));
  };
  say(1000);  // RFC 8201 §4: not believed
  CHECK(read(out(small).packet).next_header == kIpv6);
  say(1290);
  CHECK(read(out(small).packet).next_header == kFragment);
  say(1500);  // never upwards
  CHECK(read(out(small).packet).next_header == kFragment);
  must(path->refresh_next_hops());  // nothing is different
  CHECK(read(out(small).packet).next_header == kFragment);

  SECTION("until the way is another one") {
    shell("ip link set wlan0 mtu 1490");
    must(path->refresh_next_hops());
    CHECK(read(out(small).packet).next_header == kIpv6);
    shell("ip link set wlan0 mtu 1500");
  }
  SECTION("for its lifetime") {
    const auto longest = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (read(out(small).packet).next_header == kFragment && std::chrono::steady_clock::now() < longest) ::usleep(50'000);
    CHECK(read(out(small).packet).next_header == kIpv6);
  }
}
