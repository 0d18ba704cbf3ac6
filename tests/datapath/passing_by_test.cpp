// SPDX-License-Identifier: GPL-3.0-or-later
// What none of the programs has anything to do with: on an uplink it passes as it is, on mip0 it is dropped.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "correspondent_fixture.hpp"
#include "home_agent_fixture.hpp"
#include "mobile_node_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::packets;

namespace {

const Address kStranger = address("2001:db8:66::6");
const Address kHere = address("2001:db8:1::2");       // care-of address, home agent, correspondent node: each in its turn
const Address kElsewhere = address("2001:db8:77::7");  // on the other side of whoever forwards
const Ends kToUs{kStranger, kHere};
const Ends kToOthers{kStranger, kElsewhere};
constexpr std::uint8_t kNothing = 59;

struct Sample {
  std::string name;
  Octets frame;
};

Octets options_and(std::uint8_t next_header, const Octets& rest) { return joined(empty_options(next_header), rest); }
// One that is not the last.
Octets fragment(const Ends& ends, std::uint8_t next_header, std::size_t offset, const Octets& data) {
  return fragment_of(ends, next_header, joined(Octets(offset), joined(data, {0})), offset, offset + data.size());
}
Octets as_version_4(Octets packet) {
  packet[0] = 0x45;
  return packet;
}

// Cut in front of what a program has to know about it.
std::vector<Sample> cut_short(const Ends& ends) {
  std::vector<Sample> out;
  const auto add = [&](const char* name, const Octets& whole, std::size_t from, std::size_t to) {
    for (std::size_t octets = from; octets < to; ++octets) out.push_back({std::string(name) + ", " + std::to_string(octets) + " octets", frame(front_of(whole, octets))});
  };
  add("Destination Options", ipv6(ends, kDestinationOptions, options_and(kUdp, filler(8))), 40, 48);
  add("routing header", ipv6(ends, kRouting, type_2_routing_header(kUdp, kHere)), 40, 48);
  add("second Destination Options", ipv6(ends, kDestinationOptions, options_and(kDestinationOptions, options_and(kUdp, filler(8)))), 48, 56);
  add("Fragment header", fragment(ends, kUdp, 0, filler(16)), 40, 48);
  add("ICMPv6", icmpv6(ends, 1, filler(60)), 40, 48);
  return out;
}

std::vector<Sample> no_business_of_an_uplink() {
  std::vector<Sample> out = cut_short(kToUs);
  const auto add = [&](const std::string& name, const Octets& packet) { out.push_back({name, frame(packet)}); };
  out.push_back({"IPv4", frame(Octets(60, 0x45), 0x0800)});
  out.push_back({"ARP", frame(Octets(28, 1), 0x0806)});
  add("another version", as_version_4(udp(kToUs, 1, 2)));
  add("TCP", tcp(kToUs, 1, 2));
  add("UDP", udp(kToUs, 1, 2));
  add("SCTP", ipv6(kToUs, kSctp, filler(40)));
  add("no next header", ipv6(kToUs, kNothing, {}));
  add("echo request", echo(kToUs, 128, 5));
  add("echo request behind options", ipv6(kToUs, kDestinationOptions, options_and(kIcmpv6, read(echo(kToUs, 128, 5)).payload)));
  add("UDP behind options", ipv6(kToUs, kDestinationOptions, options_and(kUdp, read(udp(kToUs, 1, 2)).payload)));
  add("UDP behind hop-by-hop options", ipv6(kToUs, 0, options_and(kUdp, read(udp(kToUs, 1, 2)).payload)));
  for (int type : {130, 133, 134, 137, 138, 143, 148, 255})
    add("ICMPv6 type " + std::to_string(type), icmpv6(kToUs, static_cast<std::uint8_t>(type), filler(40), 0, 255));
  for (int type : {1, 2, 3, 4, 127})
    add("an error about somebody else's packet, type " + std::to_string(type),
        icmpv6_error(kToUs, static_cast<std::uint8_t>(type), 1400, udp({kHere, kStranger}, 3, 4, 1300)));
  for (std::size_t offset : {0, 80}) {
    add("fragment of an error at " + std::to_string(offset), fragment(kToUs, kIcmpv6, offset, filler(64)));
    add("fragment of an echo at " + std::to_string(offset), fragment(kToUs, kIcmpv6, offset, read(echo(kToUs, 128, 5)).payload));
    add("fragment of UDP at " + std::to_string(offset), fragment(kToUs, kUdp, offset, filler(64)));
    add("fragment of signalling at " + std::to_string(offset), fragment(kToUs, kMobility, offset, mobility_header(kToUs, 5, 24)));
  }
  add("signalling between others", ipv6(kToOthers, kMobility, mobility_header(kToOthers, 5)));
  add("an error to others", icmpv6_error(kToOthers, 1, 0, udp(turned(kToOthers), 3, 4)));
  add("a tunnel between others", tunnelled(kToOthers, udp({kElsewhere, kStranger}, 3, 4)));
  add("a type 2 routing header to others", ipv6(kToOthers, kRouting, joined(type_2_routing_header(kUdp, kHere), filler(20))));
  Octets many = read(udp(kToUs, 1, 2)).payload;
  for (int i = 0; i < 8; ++i) many = options_and(i == 0 ? kUdp : kDestinationOptions, many);
  add("more extension headers than are looked behind", ipv6(kToUs, kDestinationOptions, many));
  return out;
}

void check_passes(Role role, DataPath& path, const std::vector<Sample>& samples) {
  const int program = attached_program(role, "wlan0", true);
  for (const Sample& sample : samples) {
    INFO(sample.name);
    const Ran ran = run_program(program, "wlan0", sample.frame);
    CHECK(ran.verdict == kPass);
    CHECK(ran.frame == sample.frame);
  }
  ::close(program);
  CHECK(read_all(path).packets.empty());
  for (const auto& counted : path.counters()) {
    INFO(counted.name);
    CHECK(counted.value == 0);
  }
}

void check_is_not_sent(Role role, DataPath& path) {
  const Ends ends{address("2001:db8:100::1"), kStranger};
  std::vector<Sample> samples = cut_short(ends);
  const auto add = [&](const char* name, const Octets& packet) { samples.push_back({name, frame(packet)}); };
  samples.push_back({"IPv4", frame(Octets(60, 0x45), 0x0800)});
  add("another version", as_version_4(udp(ends, 1, 2)));
  for (std::size_t octets = 0; octets < 14; ++octets) add("TCP, cut", ipv6(ends, kTcp, front_of(filler(20), octets)));
  for (std::size_t octets = 0; octets < 4; ++octets) add("UDP, cut", ipv6(ends, kUdp, front_of(filler(20), octets)));
  for (std::size_t octets = 0; octets < 4; ++octets) add("SCTP, cut", ipv6(ends, kSctp, front_of(filler(20), octets)));
  for (const char* none : {"::", "::1", "fe80::1", "febf::1", "ff02::1", "ff0e::1"}) {
    add("from what is no address of a node", udp({address(none), kStranger}, 1, 2));
    add("to what is no address of a node", udp({ends.source, address(none)}, 1, 2));
  }
  const int program = attached_program(role, "mip0", false);
  for (const Sample& sample : samples) {
    INFO(sample.name);
    CHECK(run_program(program, "mip0", sample.frame).verdict == kDrop);
  }
  ::close(program);
  CHECK(counter(path, "not_forwardable") == samples.size());
}

}  // namespace

TEST_CASE_METHOD(MobileNodeFixture, "mobile node: what is not for its flows passes, and mip0 sends no nonsense") {
  check_passes(Role::MobileNode, *path, no_business_of_an_uplink());
  check_is_not_sent(Role::MobileNode, *path);
}
TEST_CASE_METHOD(MobileNodeFixture, "mobile node with bypassed flows: what is not for them passes") {
  must(path->set_binding(3, {forwarding::HeaderKind::Plain, kCareOf, kCareOf, kCorrespondent, interface_named("wlan0")}));
  must(path->set_flow(key(kTcp, 1000, 80), {7, kCareOf, 3}));
  check_passes(Role::MobileNode, *path, no_business_of_an_uplink());
}
TEST_CASE_METHOD(home_agent_tests::HomeAgentFixture, "home agent: what is not for its mobile nodes passes, and mip0 sends no nonsense") {
  check_passes(Role::HomeAgent, *path, no_business_of_an_uplink());
  check_is_not_sent(Role::HomeAgent, *path);
}
TEST_CASE_METHOD(correspondent_tests::CorrespondentFixture, "correspondent node: what is not from its mobile nodes passes, and mip0 sends no nonsense") {
  check_passes(role, *path, no_business_of_an_uplink());
  check_is_not_sent(role, *path);
}
