// SPDX-License-Identifier: GPL-3.0-or-later
// What a mobile node's socket sends arrives at the other end as if nothing had been between them, and the answers at the
// socket: random packets through the programs of one node, and what comes out through those of the next.
#include <random>
#include <vector>

#include "mobile_node_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::packets;

namespace {

constexpr int kPackets = 400;  // per way and direction

const Address kVisited = address("2001:db8:21::2");  // care-of address
const Address kAgent = address("2001:db8:5::2");
const Address kPeer = address("2001:db8:6::2");
const Address kSocket = kHome1;   // what the sockets have
const Address kOnTheWire = kHome2;  // what the flows have

class RandomPackets {
 public:
  explicit RandomPackets(std::uint32_t seed) : random_(seed) {}

  // Between flows' ends; with right checksums.
  struct Flow {
    std::uint8_t protocol;
    std::uint16_t port, peer_port;
  };
  static std::vector<Flow> flows() {
    return {{kTcp, 1000, 80}, {kUdp, 2000, 53}, {kUdp, 2001, 53}, {kIcmpv6, 4711, 4711}, {kSctp, 3000, 3001}, {kUdpLite, 0, 0}, {kDccp, 0, 0}};
  }

  // The same packet twice: between one pair of ends and between another.
  std::pair<Octets, Octets> next(const Ends& first, const Ends& second, bool from_mobile_node) {
    const std::vector<Flow> all = flows();
    const Flow flow = all[random_() % all.size()];
    const std::uint16_t source = from_mobile_node ? flow.port : flow.peer_port, destination = from_mobile_node ? flow.peer_port : flow.port;
    const std::size_t payload = random_() % 3 == 0 ? random_() % 4 : random_() % 1200;
    Octets upper = upper_layer(flow.protocol, source, destination, payload);
    const Octets options = random_options(flow.protocol);
    const auto traffic_class = static_cast<std::uint8_t>(random_());
    const auto hop_limit = static_cast<std::uint8_t>(random_());
    const auto label = static_cast<std::uint32_t>(random_() & 0xfffff);
    const auto between = [&](const Ends& ends) {
      Octets packet = ipv6(ends, options.empty() ? flow.protocol : kDestinationOptions, joined(options, checksummed(ends, flow.protocol, upper)), traffic_class, hop_limit);
      packet[1] = static_cast<std::uint8_t>((packet[1] & 0xf0) | label >> 16);
      put16(packet, 2, label & 0xffff);
      return packet;
    };
    return {between(first), between(second)};
  }

 private:
  Octets noise(std::size_t octets) {
    Octets out(octets);
    for (auto& octet : out) octet = static_cast<std::uint8_t>(random_());
    return out;
  }
  Octets upper_layer(std::uint8_t protocol, std::uint16_t source, std::uint16_t destination, std::size_t payload) {
    Octets upper = noise((protocol == kTcp ? 20 : 12) + payload);
    if (protocol == kIcmpv6) {
      upper[0] = random_() % 2 ? 128 : 129;
      put16(upper, 4, source);
    } else {
      put16(upper, 0, source);
      put16(upper, 2, destination);
    }
    if (protocol == kTcp) upper[12] = 0x50, upper[13] = kAck;
    return upper;
  }
  static Octets checksummed(const Ends& ends, std::uint8_t protocol, Octets upper) {
    if (protocol == kSctp) return upper;
    const std::size_t place = protocol == kTcp ? 16 : protocol == kIcmpv6 ? 2 : 6;
    return with_checksum(ends.source, ends.destination, protocol, std::move(upper), place);
  }
  Octets random_options(std::uint8_t next_header) {
    Octets out;
    for (std::size_t headers = random_() % 4; headers > 0; --headers) {
      const auto units = static_cast<std::uint8_t>(random_() % 3);
      Octets one{out.empty() ? next_header : kDestinationOptions, units, 1, static_cast<std::uint8_t>(units * 8 + 4)};
      one.resize((units + 1u) * 8);
      out = joined(one, out);
    }
    return out;
  }
  std::mt19937 random_;
};

// A checksum that is right can be written in two ways when it is zero (UDP's can not: zero says that there is none).
bool is_same(const Octets& packet, const Octets& expected) {
  if (packet.size() != expected.size()) return false;
  std::size_t different = 0, first = 0;
  for (std::size_t i = 0; i < packet.size(); ++i)
    if (packet[i] != expected[i] && different++ == 0) first = i;
  return different == 0 || (different == 2 && packet[first] == packet[first + 1] && expected[first] == expected[first + 1] &&
                            packet[first] + expected[first] == 0xff && (packet[first] == 0 || expected[first] == 0));
}

struct Step {
  Octets in, expected;
};

std::uint32_t new_seed() {
  const std::uint32_t seed = std::random_device{}();
  WARN("seed " << seed);
  return seed;
}

// A mobile node whose every flow has kSocket at its socket and kOnTheWire outside.
class MobileNode : public MobileNodeFixture {
 public:
  explicit MobileNode(forwarding::BindingId id) {
    must(path->set_home_agent(kAgent));
    must(path->set_care_of_address(kVisited, {interface_named("wlan0")}));
    must(path->set_binding(2, {forwarding::HeaderKind::Tunnel, kOnTheWire, kVisited, kAgent, interface_named("wlan0")}));
    must(path->set_binding(12, {forwarding::HeaderKind::RouteOptimized, kOnTheWire, kVisited, kPeer, interface_named("wlan0")}));
    must(path->set_routing_header_source({kOnTheWire, kPeer}));
    FlowId flow_id = 1;
    for (const auto& [protocol, port, peer_port] : RandomPackets::flows())
      must(path->set_flow({kSocket, kPeer, port, peer_port, protocol}, {flow_id++, kOnTheWire, id}));
  }
  // Each packet leaves; what is on the wire.
  Octets sent(const Octets& packet) {
    const Ran ran = out(packet);
    REQUIRE(ran.verdict == kRedirect);
    return ran.packet;
  }
};

// Runs a program of another node's role, which has these tables.
class OtherNode {
 public:
  explicit OtherNode(Role role) : role_(role), path_(borrow(role, {"wlan0"})) {}
  ~OtherNode() { give_back(role_, std::move(path_)); }
  DataPath& path() { return *path_; }
  Ran in(const Octets& packet) { return run_ingress(role_, "wlan0", packet); }
  Ran out(const Octets& packet, const char* came_from) {
    return run_frame(role_, "mip0", false, frame(packet), {.came_from = came_from});
  }

 private:
  Role role_;
  std::unique_ptr<DataPath> path_;
};

}  // namespace

TEST_CASE("random packets through the tunnel: what the socket sent leaves the home agent, and the answers come back") {
  RandomPackets random(new_seed());
  std::vector<Step> up, down;
  {
    MobileNode node(2);
    for (int i = 0; i < kPackets; ++i) {
      const auto [at_socket, outside] = random.next({kSocket, kPeer}, {kOnTheWire, kPeer}, true);
      up.push_back({node.sent(at_socket), outside});
    }
  }
  {
    OtherNode agent(Role::HomeAgent);
    MobileNodeFixture::must(agent.path().set_signalling_address(kAgent));
    MobileNodeFixture::must(agent.path().set_tunnel(kOnTheWire, {kVisited, kAgent}));
    MobileNodeFixture::must(agent.path().set_tunnel_source({kOnTheWire, kVisited}));
    for (const auto& [in, expected] : up) {
      const Ran ran = agent.in(in);
      REQUIRE(ran.verdict == kToMip0);
      REQUIRE(is_same(ran.packet, expected));
    }
    for (int i = 0; i < kPackets; ++i) {
      const auto [outside, at_socket] = random.next({kPeer, kOnTheWire}, {kPeer, kSocket}, false);
      const Ran ran = agent.out(outside, "wwan0");
      REQUIRE(ran.verdict == kRedirect);
      down.push_back({ran.packet, at_socket});
    }
  }
  MobileNode node(2);
  for (const auto& [in, expected] : down) {
    const Ran ran = node.in(in);
    REQUIRE(ran.verdict == kToMip0);
    REQUIRE(is_same(ran.packet, expected));
  }
}

TEST_CASE("random packets over the direct path: what the socket sent arrives at the correspondent node, and the answers come back") {
  const Role role = GENERATE(Role::CorrespondentNode, Role::HomeAgent);
  RandomPackets random(new_seed());
  std::vector<Step> up, down;
  {
    MobileNode node(12);
    for (int i = 0; i < kPackets; ++i) {
      const auto [at_socket, outside] = random.next({kSocket, kPeer}, {kOnTheWire, kPeer}, true);
      up.push_back({node.sent(at_socket), outside});
    }
  }
  {
    OtherNode peer(role);
    MobileNodeFixture::must(peer.path().set_signalling_address(kPeer));
    MobileNodeFixture::must(peer.path().set_correspondent_binding({kOnTheWire, kPeer}, {kVisited, {}}));
    for (const auto& [in, expected] : up) {
      const Ran ran = peer.in(in);
      REQUIRE(ran.verdict == kPass);
      REQUIRE(is_same(ran.packet, expected));
    }
    for (int i = 0; i < kPackets; ++i) {
      const auto [outside, at_socket] = random.next({kPeer, kOnTheWire}, {kPeer, kSocket}, false);
      const Ran ran = peer.out(outside, nullptr);
      REQUIRE(ran.verdict == kRedirect);
      down.push_back({ran.packet, at_socket});
    }
  }
  MobileNode node(12);
  for (const auto& [in, expected] : down) {
    const Ran ran = node.in(in);
    REQUIRE(ran.verdict == kToMip0);
    REQUIRE(is_same(ran.packet, expected));
  }
}
