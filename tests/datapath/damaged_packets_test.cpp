// SPDX-License-Identifier: GPL-3.0-or-later
// Packets that a program accepts, damaged: cut at every octet (behind the IPv6 header: the kernel runs no program without one), every octet of the headers with other values, many at once at
// random. Whatever comes of it, the verdict is one of those that the program has for packets of this kind, and what it has not
// accepted it has not touched.
#include <algorithm>
#include <iomanip>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "correspondent_fixture.hpp"
#include "home_agent_fixture.hpp"
#include "route_optimized_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::packets;

namespace {

constexpr std::size_t kHeaders = 128;  // octets that are changed one by one
constexpr int kRandomPackets = 3000;   // per direction

std::string in_hex(const Octets& packet) {
  std::ostringstream out;
  out << std::hex << std::setfill('0');
  for (std::size_t i = 0; i < std::min<std::size_t>(packet.size(), 200); ++i) out << std::setw(2) << int{packet[i]};
  return out.str();
}

// Octets of a whole packet according to its header; 0 when it has none.
std::size_t announced(const Octets& packet) {
  return packet.size() < kIpv6Header || packet[0] >> 4 != 6 ? 0 : kIpv6Header + get16(packet, 4);
}

class Damage {
 public:
  Damage(Role role, DataPath& path, const char* interface, const char* came_from = nullptr)
      : path_(path), interface_(interface), came_from_(came_from), program_(attached_program(role, interface, !leaves())) {}
  ~Damage() { ::close(program_); }
  Damage(const Damage&) = delete;
  Damage& operator=(const Damage&) = delete;

  void of(const std::vector<Octets>& samples, std::uint32_t seed) {
    for (const Octets& sample : samples) {
      cut(sample);
      change_each_octet(sample);
    }
    change_at_random(samples, seed);
  }

 private:
  bool leaves() const { return std::string(interface_) == "mip0"; }

  void cut(const Octets& sample) {
    for (std::size_t octets = kIpv6Header; octets < sample.size(); ++octets) check(front_of(sample, octets));
  }
  void change_each_octet(const Octets& sample) {
    for (std::size_t place = 0; place < std::min(sample.size(), kHeaders); ++place)
      for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff, sample[place] ^ 1, sample[place] + 1, sample[place] - 1, sample[place] ^ 0x10}) {
        Octets changed = sample;
        changed[place] = static_cast<std::uint8_t>(value);
        check(changed);
      }
  }
  void change_at_random(const std::vector<Octets>& samples, std::uint32_t seed) {
    std::mt19937 random(seed);
    for (int i = 0; i < kRandomPackets; ++i) {
      Octets changed = samples[random() % samples.size()];
      const std::size_t headers = std::min(changed.size(), kHeaders);
      for (std::size_t changes = 1 + random() % 4; changes > 0; --changes) changed[random() % headers] = static_cast<std::uint8_t>(random());
      if (random() % 4 == 0) changed.resize(kIpv6Header + random() % (changed.size() - kIpv6Header + 1));
      if (random() % 4 == 0) {  // a piece of another one in its place
        const Octets& other = samples[random() % samples.size()];
        const std::size_t from = random() % other.size(), to = random() % changed.size();
        std::copy_n(other.begin() + static_cast<std::ptrdiff_t>(from), std::min(other.size() - from, changed.size() - to),
                    changed.begin() + static_cast<std::ptrdiff_t>(to));
      }
      check(changed);
    }
  }

  void check(const Octets& packet) {
    const Octets whole = frame(packet);
    const Ran ran = run_program(program_, interface_, whole, {.came_from = came_from_});
    const std::string wrong = leaves() ? wrong_departure(packet, ran) : wrong_arrival(packet, whole, ran);
    if (wrong.empty() && ++ran_ % 64 != 0) return;
    INFO(in_hex(packet) << " (" << packet.size() << " octets), verdict " << ran.verdict << ", out " << in_hex(ran.packet));
    CHECK(wrong == "");
    read_all(path_);
  }

  // Out of a tunnel, with a header less, or with other addresses: never more than came, and an IPv6 packet that announces no more
  // than the one that came has behind its own headers, if that told the truth.
  std::string wrong_arrival(const Octets& packet, const Octets& whole, const Ran& ran) const {
    switch (ran.verdict) {
      case kDrop: return "";
      case kPass:
        if (ran.frame == whole) return "";
        return ran.packet.size() <= packet.size() ? "" : "it has grown";
      case kToMip0:
        if (ran.packet.size() < kIpv6Header || ran.packet[0] >> 4 != 6) return "what goes to mip0 is no IPv6 packet";
        if (ran.packet.size() > packet.size() && ran.packet.size() > kLongestHeld) return "it has grown";
        return "";
      case kRedirect:  // Packet Too Big for the sender
        return is_right_answer(ran.packet) ? "" : "the answer is wrong";
      default: return "there is no such verdict";
    }
  }
  // Into a tunnel, with another header, as it is, or an answer to the sender.
  std::string wrong_departure(const Octets& packet, const Ran& ran) const {
    if (ran.verdict == kDrop) return "";
    if (ran.verdict != kRedirect) return "there is no such verdict";
    if (ran.packet.size() == packet.size()) return "";
    if (announced(ran.packet) == ran.packet.size()) {
      const std::size_t added = ran.packet.size() - packet.size();
      // A damaged Packet Too Big may have been believed: then this is the second of two outer fragments.
      if (added == kIpv6Header || added == 24 || ran.packet[6] == kFragment) return "";
    }
    return is_right_answer(ran.packet) ? "" : "what leaves is not what came with a header";
  }
  static bool is_right_answer(const Octets& packet) {
    const Read answer = read(packet);
    return packet.size() <= 1280 && announced(packet) == packet.size() && answer.next_header == kIcmpv6 && answer.payload[0] == 2 &&
           checksum_is_right(answer);
  }

  static constexpr std::size_t kLongestHeld = 4096;
  DataPath& path_;
  const char* interface_;
  const char* came_from_;
  int program_;
  std::size_t ran_ = 0;
};

std::uint32_t new_seed() {
  const std::uint32_t seed = std::random_device{}();
  WARN("seed " << seed);
  return seed;
}

}  // namespace

TEST_CASE_METHOD(RouteOptimizedFixture, "damaged packets do no harm at a mobile node") {
  const std::uint32_t seed = new_seed();
  const Ends out_ends{kHome1, kCorrespondent}, in_ends{kCorrespondent, kHome2}, from_router{kRouter, kCareOf};
  must(path->set_binding(3, {forwarding::HeaderKind::Plain, kCareOf, kCareOf, kCorrespondent, interface_named("wlan0")}));
  must(path->set_flow(key(kTcp, 3000, 80), {9, kCareOf, 3}));
  rewrite(kTcp, 1000, 80, 1);
  must(path->set_flow(key(kUdp, 2000, 53), {2, kHome2, 12}));
  const Octets on_the_wire = behind_home_address_option(udp({kHome2, kCorrespondent}, 2000, 53, 1300), kCareOf);
  const Octets inner = udp(in_ends, 53, 2000, 1200);
  Damage(Role::MobileNode, *path, "wlan0")
      .of({tunnelled(kOuterIn, tcp(in_ends, 80, 1000)), tunnelled(kOuterIn, icmpv6_error({kRouter, kHome2}, 1, 0, tcp({kHome2, kCorrespondent}, 1000, 80))),
           behind_routing_header(udp(in_ends, 53, 2000, 40), kHome2), tcp({kCorrespondent, kCareOf}, 80, 3000),
           icmpv6_error(from_router, 2, 1400, on_the_wire), icmpv6_error(from_router, 2, 1400, tunnelled({kCareOf, kHomeAgent}, udp({kHome2, kCorrespondent}, 1, 2, 1300))),
           icmpv6_error(from_router, 3, 0, tcp({kCareOf, kCorrespondent}, 3000, 80)), ipv6(kOuterIn, kMobility, mobility_header(kOuterIn, 6, 40)),
           fragment_of(kOuterIn, kIpv6, inner, 0, 1208), fragment_of(kOuterIn, kIpv6, inner, 1208, inner.size())},
          seed);
  Damage(Role::MobileNode, *path, "mip0")
      .of({tcp(out_ends, 1000, 80), udp(out_ends, 2000, 53, 60), tcp(out_ends, 3000, 80), icmpv6_error(out_ends, 1, 0, tcp({kCorrespondent, kHome1}, 80, 1000)),
           ipv6(out_ends, kDestinationOptions, joined(empty_options(kTcp), read(tcp(out_ends, 1000, 80)).payload)),
           fragment_of(out_ends, kUdp, udp_header_and(out_ends, 2000, 53, 200), 0, 104), tcp(out_ends, 1000, 80, kAck, 1420)},
          seed);
}

TEST_CASE_METHOD(home_agent_tests::HomeAgentFixture, "damaged packets do no harm at a home agent") {
  using namespace home_agent_tests;
  const std::uint32_t seed = new_seed();
  const Ends from_router{home_agent_tests::kRouter, home_agent_tests::kHomeAgent}, outer_in = home_agent_tests::kOuterIn,
      outer_out = turned(outer_in), down = home_agent_tests::kDown, own{home_agent_tests::kHomeAgent, kHome};
  must(path->set_correspondent_binding({kHome, home_agent_tests::kHomeAgent}, {home_agent_tests::kCareOf, {}}));
  must(path->set_watched_address({interface_named("wlan0"), kHome}));
  Octets target(4);
  target.insert(target.end(), kHome.octets.begin(), kHome.octets.end());
  const Octets inner = udp(kUp, 53, 2000, 1200);
  Damage(Role::HomeAgent, *path, "wlan0")
      .of({tunnelled(outer_in, tcp(kUp, 1000, 80)), icmpv6_error(from_router, 2, 1380, tunnelled(outer_out, tcp(down, 80, 1000, kAck, 1340))),
           ipv6(outer_in, kDestinationOptions, joined(home_address_option(kUdp, kHome), udp_header_and(turned(own), 1, 2, 30))),
           ipv6(outer_in, kDestinationOptions, joined(home_address_option(kMobility, kHome), mobility_header(turned(own), 5, 40))),
           icmpv6({kHome, address("ff02::1")}, 136, target, 0, 255), fragment_of(outer_in, kIpv6, inner, 0, 1208),
           fragment_of(outer_in, kIpv6, inner, 1208, inner.size())},
          seed);
  Damage(Role::HomeAgent, *path, "mip0", "wwan0").of({tcp(down, 80, 1000), tcp(down, 80, 1000, kAck, 1420), fragment_of(down, kUdp, udp_header_and(down, 1, 2, 200), 0, 104)}, seed);
  Damage(Role::HomeAgent, *path, "mip0").of({tcp(own, 80, 1000), ipv6(own, kMobility, mobility_header(own, 6))}, seed);
}

TEST_CASE_METHOD(correspondent_tests::CorrespondentFixture, "damaged packets do no harm at a correspondent node") {
  using namespace correspondent_tests;
  const std::uint32_t seed = new_seed();
  const Ends down = correspondent_tests::kDown, up = correspondent_tests::kUp;
  const Octets routing = joined(type_2_routing_header(kUdp, kHome), udp_header_and(down, 53, 2000, 1300));
  const Octets beside = {kUdp, 3, 0x1f, 4, 0, 0, 0, 0};  // an unknown option in front of it
  const Octets option = home_address_option(kUdp, kHome);
  Damage(role, *path, "wlan0")
      .of({ipv6(kWireUp, kDestinationOptions, joined(option, udp_header_and(up, 1, 2, 30))),
           ipv6(kWireUp, kDestinationOptions, joined(joined(beside, Octets(option.begin() + 6, option.end())), joined({1, 4, 0, 0, 0, 0}, udp_header_and(up, 1, 2, 30)))),
           ipv6(kWireUp, 0, joined(empty_options(kDestinationOptions), joined(option, udp_header_and(up, 1, 2, 30)))),
           icmpv6_error({address("2001:db8:1::1"), kHere}, 2, 1400, ipv6({kHere, correspondent_tests::kCareOf}, kRouting, routing)),
           ipv6(kWireUp, kRouting, joined(type_2_routing_header(kUdp, kHere), udp_header_and(up, 1, 2, 30)))},
          seed);
  Damage(role, *path, "mip0").of({tcp(down, 80, 1000), udp(down, 53, 1000, 1440), tcp({kHere, kOtherHome}, 80, 1000)}, seed);
}
