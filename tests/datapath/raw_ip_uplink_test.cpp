// SPDX-License-Identifier: GPL-3.0-or-later
// An uplink without link-layer header, as cellular modems have: real packets through a TUN device.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "home_agent_fixture.hpp"
#include "listener.hpp"
#include "mobile_node_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::packets;

namespace {

const Address kCellular = address("2001:db8:3::2");

int open_modem() {
  const int tun = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  ifreq request{};
  std::strcpy(request.ifr_name, "modem0");
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  REQUIRE(::ioctl(tun, TUNSETIFF, &request) == 0);
  return tun;
}

class RawIpFixture : public MobileNodeFixture {
 public:
  RawIpFixture() {
    tun = open_modem();
    shell("ip link set modem0 addrgenmode none up && ip -6 addr add 2001:db8:3::2/128 dev modem0 nodad");
    shell("ip -6 route add default dev modem0 metric 300");
    shell("ip -6 addr add 2001:db8:100::1/128 dev mip0 nodad && ip -6 route add 2001:db8:6::/64 dev mip0");
    must(path->attach_uplink(interface_named("modem0")));
    must(path->set_care_of_address(kCellular, {interface_named("modem0")}));
    must(path->set_binding(1, binding(kHome1, kCellular, "modem0")));
    server = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in6 local{};
    local.sin6_family = AF_INET6;
    local.sin6_port = htons(1000);
    std::memcpy(&local.sin6_addr, kHome1.octets.data(), 16);
    REQUIRE(::bind(server, reinterpret_cast<const sockaddr*>(&local), sizeof local) == 0);
  }
  ~RawIpFixture() {
    ::close(server);
    ::close(tun);
    shell("ip -6 addr del 2001:db8:100::1/128 dev mip0 && ip -6 route del 2001:db8:6::/64 dev mip0");
  }

  // Empty when nothing comes within a second.
  static Octets next_from(int fd) {
    pollfd waiting{fd, POLLIN, 0};
    if (::poll(&waiting, 1, 1000) != 1) return {};
    Octets out(2048);
    const ssize_t got = ::read(fd, out.data(), out.size());
    out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return out;
  }
  // The next packet with this next header; the kernel's own chatter on a new interface is left out.
  Octets next_with(std::uint8_t next_header) {
    for (;;) {
      Octets packet = next_from(tun);
      if (packet.empty() || packet[6] == next_header) return packet;
    }
  }
  void send_hello() {
    sockaddr_in6 peer{};
    peer.sin6_family = AF_INET6;
    peer.sin6_port = htons(53);
    std::memcpy(&peer.sin6_addr, kCorrespondent.octets.data(), 16);
    REQUIRE(::sendto(server, "hello", 5, 0, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) == 5);
  }
  static std::string route_to_correspondent() {
    std::unique_ptr<FILE, int (*)(FILE*)> route(::popen("ip -6 route get 2001:db8:6::2 from 2001:db8:100::1", "r"), ::pclose);
    char line[512] = "";
    REQUIRE(std::fgets(line, sizeof line, route.get()) != nullptr);
    return line;
  }
  void arrive(const Octets& packet) { REQUIRE(::write(tun, packet.data(), packet.size()) == std::ssize(packet)); }

  int tun = -1;
  int server = -1;
};

}  // namespace

TEST_CASE_METHOD(RawIpFixture, "an uplink without link-layer header carries the tunnel in both directions") {
  const Ends outer_in{kHomeAgent, kCellular};
  const Octets inner = udp({kCorrespondent, kHome1}, 53, 1000, 77);
  arrive(tunnelled(outer_in, inner));
  CHECK(next_from(server) == filler(77));

  send_hello();
  const Read outer = read(next_with(kIpv6));
  CHECK(outer.source == kCellular);
  CHECK(outer.destination == kHomeAgent);
  const Read sent = read(outer.payload);
  CHECK(sent.source == kHome1);
  CHECK(checksum_is_right(sent));
  CHECK(std::memcmp(sent.payload.data() + 8, "hello", 5) == 0);
}

TEST_CASE_METHOD(RawIpFixture, "signalling and errors on an uplink without link-layer header") {
  const Ends outer_in{kHomeAgent, kCellular};
  const Octets acknowledgement = ipv6(outer_in, kMobility, mobility_header(outer_in, 6));
  arrive(acknowledgement);
  auto ringed = read_all(*path);
  REQUIRE(ringed.packets.size() == 1);
  CHECK(ringed.packets[0].packet == acknowledgement);
  CHECK_FALSE(ringed.packets[0].link_layer_source);

  const Octets inner = udp({kHome1, kCorrespondent}, 1000, 53, 1340);
  arrive(icmpv6_error({address("2001:db8:3::1"), kCellular}, 2, 1380, tunnelled({kCellular, kHomeAgent}, inner)));
  CHECK(counter(*path, "packet_too_big_relayed") == 1);
  // The kernel believed it: the route to the correspondent node has the new MTU.
  CHECK_THAT(route_to_correspondent(), Catch::Contains("mtu 1340"));
}

TEST_CASE_METHOD(RawIpFixture, "the direct path over an uplink without link-layer header, with an error about it") {
  const Ends wire_out{kCellular, kCorrespondent};
  must(path->set_binding(11, {forwarding::HeaderKind::RouteOptimized, kHome1, kCellular, kCorrespondent, interface_named("modem0")}));
  must(path->set_routing_header_source({kHome1, kCorrespondent}));
  must(path->set_flow(key(kUdp, 1000, 53), {7, kHome1, 11}));
  send_hello();
  const Read sent = read(next_with(kDestinationOptions));
  REQUIRE(sent.payload.size() == 24 + 8 + 5);
  CHECK(sent.source == kCellular);
  CHECK(sent.destination == kCorrespondent);
  CHECK(Octets(sent.payload.begin(), sent.payload.begin() + 24) == home_address_option(kUdp, kHome1));
  CHECK(transport_sum(kHome1, kCorrespondent, kUdp, std::span(sent.payload).subspan(24)) == 0xffff);

  const Read reply = read(udp({kCorrespondent, kHome1}, 53, 1000, 77));
  arrive(ipv6(turned(wire_out), kRouting, joined(type_2_routing_header(kUdp, kHome1), reply.payload)));
  CHECK(next_from(server) == filler(77));

  const Read longer = read(udp({kHome1, kCorrespondent}, 1000, 53, 1340));
  arrive(icmpv6_error({address("2001:db8:3::1"), kCellular}, 2, 1380,
                      ipv6(wire_out, kDestinationOptions, joined(home_address_option(kUdp, kHome1), longer.payload))));
  CHECK(counter(*path, "optimized_errors") == 1);
  CHECK_THAT(route_to_correspondent(), Catch::Contains("mtu 1356"));
}

TEST_CASE_METHOD(home_agent_tests::HomeAgentFixture, "a home agent on a link without link-layer header: tunnels, signalling, errors") {
  using namespace home_agent_tests;
  const int tun = open_modem();
  shell("ip link set modem0 addrgenmode none up");
  shell("ip -6 neigh replace 2001:db8:1::1 lladdr 02:00:00:00:00:99 dev wlan0");
  must(path->attach_uplink(interface_named("modem0")));
  const Listener far("far-wlan0");
  const auto arrive = [&](const Octets& packet) { REQUIRE(::write(tun, packet.data(), packet.size()) == std::ssize(packet)); };
  const Ends outer_in = home_agent_tests::kOuterIn, own{home_agent_tests::kRouter, home_agent_tests::kHomeAgent};

  arrive(tunnelled(outer_in, udp(kUp, 1000, 53)));
  const Read forwarded = read(far.hear(kUdp));
  CHECK(forwarded.destination == home_agent_tests::kCorrespondent);
  CHECK(forwarded.hop_limit == 63);
  CHECK(forwarded.payload == read(udp(kUp, 1000, 53)).payload);

  const Octets update = ipv6(outer_in, kMobility, mobility_header(outer_in, 5));
  arrive(update);
  const auto ringed = read_all(*path);
  REQUIRE(ringed.packets.size() == 1);
  CHECK(ringed.packets[0].packet == update);
  CHECK_FALSE(ringed.packets[0].link_layer_source);

  const Octets inner = tcp(home_agent_tests::kDown, 80, 1000, kAck, 1340);
  arrive(icmpv6_error(own, 2, 1380, tunnelled(turned(outer_in), inner)));
  Read answer;
  do answer = read(far.hear(kIcmpv6));
  while (!answer.payload.empty() && answer.payload[0] != 2);  // the interface looks for routers
  CHECK(answer.source == home_agent_tests::kHomeAgent);
  CHECK(answer.destination == home_agent_tests::kCorrespondent);
  REQUIRE(answer.payload.size() > 100);
  CHECK(answer.payload[0] == 2);
  CHECK(get32(answer.payload, 4) == 1340);
  CHECK(checksum_is_right(answer));
  CHECK(std::equal(answer.payload.begin() + 8, answer.payload.end(), inner.begin()));
  ::close(tun);
  shell("ip -6 neigh del 2001:db8:1::1 dev wlan0");
}
