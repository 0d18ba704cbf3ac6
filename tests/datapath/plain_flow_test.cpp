// SPDX-License-Identifier: GPL-3.0-or-later
// Bypassed flows: their sockets have a home address, their packets are the uplink's own on the wire.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "mobile_node_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::packets;

namespace {

constexpr forwarding::BindingId kPlain = 3;
const Ends kOut{kHome1, kCorrespondent};
const Ends kOutOnTheWire{kCareOf, kCorrespondent};
const Ends kInOnTheWire{kCorrespondent, kCareOf};
const Ends kIn{kCorrespondent, kHome1};

class BypassFixture : public MobileNodeFixture {
 public:
  BypassFixture() { must(path->set_binding(kPlain, plain_binding(kCareOf, "wlan0"))); }
  static forwarding::BindingItem plain_binding(const Address& care_of, const char* uplink) {
    return {forwarding::HeaderKind::Plain, {}, care_of, {}, interface_named(uplink)};
  }
  void bypass(std::uint8_t protocol, std::uint16_t port, std::uint16_t correspondent_port, FlowId id = 7) {
    must(path->set_flow(key(protocol, port, correspondent_port), {id, kCareOf, kPlain}));
  }
  void passes(const Octets& packet) {
    const Ran ran = in(packet);
    CHECK(ran.verdict == kPass);
    CHECK(ran.packet == packet);
  }
};

Octets fragment(const Ends& ends, std::uint8_t protocol, const Octets& upper, std::size_t from, std::size_t to, bool more) {
  Octets header{protocol, 0, 0, 0, 0, 0, 0, 9};
  put16(header, 2, static_cast<std::uint32_t>(from | (more ? 1 : 0)));
  return ipv6(ends, kFragment,
              joined(header, Octets(upper.begin() + static_cast<std::ptrdiff_t>(from), upper.begin() + static_cast<std::ptrdiff_t>(to))));
}

sockaddr_in6 socket_address(const Address& address, std::uint16_t port) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(port);
  std::memcpy(&out.sin6_addr, address.octets.data(), address.octets.size());
  return out;
}

class Socket {
 public:
  Socket(int type, const Address& address, std::uint16_t port) : fd_(::socket(AF_INET6, type | SOCK_CLOEXEC, 0)) {
    const auto name = socket_address(address, port);
    REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  void listen() { REQUIRE(::listen(fd_, 1) == 0); }
  void connect(const Address& address, std::uint16_t port) {
    const auto name = socket_address(address, port);
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
  }

 private:
  int fd_;
};

}  // namespace

TEST_CASE_METHOD(BypassFixture, "a bypassed flow is the uplink's own traffic on the wire") {
  const auto check = [&](const Octets& sent, const Octets& on_the_wire, const Octets& answer, const Octets& answer_for_socket,
                         std::uint8_t protocol, std::uint16_t port, std::uint16_t correspondent_port) {
    bypass(protocol, port, correspondent_port);
    const Ran gone = out(sent);
    CHECK(gone.verdict == kRedirect);
    CHECK(gone.packet == on_the_wire);
    CHECK(counter(*path, "plain_out") == 1);
    const Ran come = in(answer);
    CHECK(come.verdict == kToMip0);
    CHECK(come.packet == answer_for_socket);
    CHECK(counter(*path, "plain_in") == 1);
    CHECK(counter(*path, "tunnelled_out") + counter(*path, "tunnelled_in") == 0);
    const FlowActivity flow = activity();
    CHECK(flow.packets_out == 1);
    CHECK(flow.bytes_out == sent.size());
    CHECK(flow.packets_in == 1);
    CHECK(flow.bytes_in == answer.size());
  };
  SECTION("TCP") { check(tcp(kOut, 1000, 80), tcp(kOutOnTheWire, 1000, 80), tcp(kInOnTheWire, 80, 1000), tcp(kIn, 80, 1000), kTcp, 1000, 80); }
  SECTION("UDP") { check(udp(kOut, 1000, 53), udp(kOutOnTheWire, 1000, 53), udp(kInOnTheWire, 53, 1000), udp(kIn, 53, 1000), kUdp, 1000, 53); }
  SECTION("ICMPv6 echo") {
    check(echo(kOut, 128, 9), echo(kOutOnTheWire, 128, 9), echo(kInOnTheWire, 129, 9), echo(kIn, 129, 9), kIcmpv6, 9, 9);
  }
  SECTION("behind Destination Options") {
    const auto with_options = [](const Ends& ends, std::uint16_t from, std::uint16_t to) {
      return ipv6(ends, kDestinationOptions, joined({kUdp, 0, 1, 4, 0, 0, 0, 0}, udp_header_and(ends, from, to, 33)));
    };
    check(with_options(kOut, 1000, 53), with_options(kOutOnTheWire, 1000, 53), with_options(kInOnTheWire, 53, 1000),
          with_options(kIn, 53, 1000), kUdp, 1000, 53);
  }
}

TEST_CASE_METHOD(BypassFixture, "fragments of a bypassed flow, in both directions") {
  bypass(kUdp, 1000, 53);
  const Octets sent = udp_header_and(kOut, 1000, 53, 1200), wire = udp_header_and(kOutOnTheWire, 1000, 53, 1200);
  CHECK(out(fragment(kOut, kUdp, sent, 0, 800, true)).packet == fragment(kOutOnTheWire, kUdp, wire, 0, 800, true));
  CHECK(out(fragment(kOut, kUdp, sent, 800, sent.size(), false)).packet == fragment(kOutOnTheWire, kUdp, wire, 800, wire.size(), false));

  const Octets answer = udp_header_and(kInOnTheWire, 53, 1000, 1200), given = udp_header_and(kIn, 53, 1000, 1200);
  passes(fragment(kInOnTheWire, kUdp, answer, 800, answer.size(), false));  // whose it is nobody knows yet
  const Ran first = in(fragment(kInOnTheWire, kUdp, answer, 0, 800, true));
  CHECK(first.verdict == kToMip0);
  CHECK(first.packet == fragment(kIn, kUdp, given, 0, 800, true));
  const Ran last = in(fragment(kInOnTheWire, kUdp, answer, 800, answer.size(), false));
  CHECK(last.verdict == kToMip0);
  CHECK(last.packet == fragment(kIn, kUdp, given, 800, given.size(), false));
  CHECK(counter(*path, "fragments_unmatched") == 0);  // the uplink's own fragments are no business of ours
}

TEST_CASE_METHOD(BypassFixture, "the uplink's other traffic passes untouched") {
  bypass(kTcp, 1000, 80);
  for (const Octets& packet :
       {tcp(kInOnTheWire, 80, 1001), tcp(kInOnTheWire, 81, 1000), udp(kInOnTheWire, 80, 1000), tcp({kHomeAgent, kCareOf}, 80, 1000),
        tcp({kCorrespondent, kOtherCareOf}, 80, 1000), echo(kInOnTheWire, 129, 9), icmpv6(kInOnTheWire, 136, filler(20), 0, 255),
        icmpv6({kRouter, kCareOf}, 134, filler(12), 0, 255), ipv6(kInOnTheWire, 47, filler(20)),
        icmpv6_error({kRouter, kCareOf}, 1, 0, tcp(kOutOnTheWire, 1001, 80)), icmpv6_error({kRouter, kCareOf}, 1, 0, {})})
    passes(packet);
  CHECK(counter(*path, "plain_in") == 0);
  // Tunnel and signalling stay what they are.
  CHECK(in_tunnel(tcp(kIn, 80, 1000)).verdict == kToMip0);
  CHECK(in(ipv6(kOuterIn, kMobility, mobility_header(kOuterIn, 6))).verdict == kDrop);
  CHECK(read_all(*path).packets.size() == 1);
}

TEST_CASE_METHOD(BypassFixture, "neighbour discovery of a bypassed correspondent node is the link's") {
  bypass(kIcmpv6, 0, 0);
  for (std::uint8_t type = 133; type <= 137; ++type) passes(icmpv6(kInOnTheWire, type, filler(28), 0, 255));
}

TEST_CASE_METHOD(BypassFixture, "nothing that belongs into the tunnel is accepted without it") {
  rewrite(kTcp, 1000, 80);  // on the wire from kHome2
  passes(tcp({kCorrespondent, kHome2}, 80, 1000));
  passes(icmpv6_error({kRouter, kHome2}, 1, 0, tcp({kHome2, kCorrespondent}, 1000, 80)));
}

TEST_CASE_METHOD(BypassFixture, "a home address never leaves without a header") {
  SECTION("a flow whose home address is not the binding's care-of address") {
    must(path->set_flow(key(kTcp, 1000, 80), {7, kHome2, kPlain}));
    CHECK(out(tcp(kOut, 1000, 80)).verdict == kDrop);
    must(path->set_flow(key(kTcp, 1000, 80), {7, kOtherCareOf, kPlain}));
    CHECK(out(tcp(kOut, 1000, 80)).verdict == kDrop);
    CHECK(counter(*path, "no_binding") == 2);
  }
  SECTION("a packet of no flow whose home address has such a binding") {
    must(path->set_home_address(kHome1, {kPlain, true}));
    CHECK(out(tcp(kOut, 1000, 80)).verdict == kDrop);
    CHECK(counter(*path, "no_binding") == 1);
  }
  CHECK(counter(*path, "plain_out") == 0);
}

TEST_CASE_METHOD(BypassFixture, "without such a binding nobody looks at the uplink's traffic") {
  bypass(kTcp, 1000, 80);
  const Octets answer = tcp(kInOnTheWire, 80, 1000);
  CHECK(in(answer).verdict == kToMip0);
  must(path->set_binding(4, plain_binding(kOtherCareOf, "wwan0")));
  must(path->set_binding(4, plain_binding(kOtherCareOf, "wwan0")));
  must(path->erase_binding(kPlain));
  CHECK(in(answer).verdict == kToMip0);  // another one is left
  SECTION("erased") { must(path->erase_binding(4)); }
  SECTION("replaced by one with a header") { must(path->set_binding(4, binding(kHome2, kOtherCareOf, "wwan0"))); }
  passes(answer);
  must(path->set_binding(kPlain, plain_binding(kCareOf, "wlan0")));
  CHECK(in(answer).verdict == kToMip0);
}

TEST_CASE_METHOD(BypassFixture, "ICMPv6 errors about a bypassed flow reach its socket") {
  bypass(kTcp, 1000, 80);
  for (const auto& [type, parameter] : {std::pair<std::uint8_t, std::uint32_t>{1, 0}, {2, 1400}, {3, 0}, {4, 40}}) {
    const Ran ran = in(icmpv6_error({kRouter, kCareOf}, type, parameter, tcp(kOutOnTheWire, 1000, 80, kAck, 1300)));
    REQUIRE(ran.verdict == kToMip0);
    CHECK(ran.packet == icmpv6_error({kRouter, kHome1}, type, parameter, tcp(kOut, 1000, 80, kAck, 1300)));
  }
  CHECK(counter(*path, "errors_translated") == 4);
  CHECK(read_all(*path).packets.empty());

  SECTION("and those that this host sends about it reach the correspondent node") {
    const Ran ran = out(icmpv6_error({kHome1, kCorrespondent}, 1, 4, tcp(kIn, 80, 1000)));
    CHECK(ran.verdict == kRedirect);
    CHECK(ran.packet == icmpv6_error({kCareOf, kCorrespondent}, 1, 4, tcp(kInOnTheWire, 80, 1000)));
  }
  SECTION("an error for another address of ours is not its") {
    passes(icmpv6_error({kRouter, kOtherCareOf}, 1, 0, tcp(kOutOnTheWire, 1000, 80)));
  }
  SECTION("errors about the tunnel are still the daemon's") {
    const Octets error = icmpv6_error({kRouter, kCareOf}, 1, 0, tunnelled({kCareOf, kHomeAgent}, tcp(kOut, 1000, 80)));
    passes(error);
    const auto ringed = read_all(*path);
    REQUIRE(ringed.packets.size() == 1);
    CHECK(ringed.packets[0].packet == error);
  }
}

TEST_CASE_METHOD(BypassFixture, "a packet that is too long for the uplink is answered, and has its whole MTU") {
  bypass(kUdp, 1000, 53);
  shell("ip link set dev wlan0 mtu 1400");
  must(path->refresh_next_hops());
  CHECK(out(udp(kOut, 1000, 53, 1400 - 48)).verdict == kRedirect);
  CHECK(counter(*path, "plain_out") == 1);
  const Ran ran = out(udp(kOut, 1000, 53, 1401 - 48));
  shell("ip link set dev wlan0 mtu 1500");
  REQUIRE(ran.verdict == kRedirect);
  const Read answer = read(ran.packet);
  CHECK(answer.destination == kHome1);
  CHECK(answer.payload[0] == 2);
  CHECK(get32(answer.payload, 4) == 1400);
  CHECK(counter(*path, "plain_out") == 1);
}

TEST_CASE_METHOD(BypassFixture, "the next daemon takes bypassed flows over") {
  bypass(kTcp, 1000, 80);
  path.reset();
  CHECK(in(tcp(kInOnTheWire, 80, 1000)).verdict == kToMip0);
  auto opened = DataPath::open(options_for(Role::MobileNode, "/sys/fs/bpf/mipflow/test"));
  REQUIRE(opened);
  path = std::move(*opened);
  CHECK(in(tcp(kInOnTheWire, 80, 1000)).verdict == kToMip0);
  CHECK(path->bindings().at(kPlain) == plain_binding(kCareOf, "wlan0"));
  must(path->erase_binding(kPlain));
  passes(tcp(kInOnTheWire, 80, 1000));
}

TEST_CASE_METHOD(BypassFixture, "two sockets that would look the same on the wire") {
  const auto refused = [&](std::uint8_t protocol, std::uint16_t port, const Address& correspondent, std::uint16_t correspondent_port) {
    const FlowKey flow{kHome1, correspondent, port, correspondent_port, protocol};
    const auto result = path->set_flow(flow, {7, kCareOf, kPlain});
    if (!result) CHECK(result.error().code == EADDRINUSE);
    if (result) must(path->erase_flow(flow));
    return !result;
  };
  SECTION("two flows") {
    bypass(kTcp, 1000, 80);
    const auto second = path->set_flow({kHome2, kCorrespondent, 1000, 80, kTcp}, {8, kCareOf, kPlain});
    REQUIRE_FALSE(second);
    CHECK(second.error().code == EADDRINUSE);
  }
  SECTION("a UDP socket of the uplink's own") {
    Socket own(SOCK_DGRAM, kCareOf, 1000);
    CHECK_FALSE(refused(kUdp, 1000, kCorrespondent, 53));  // not connected: what it hears may be anybody's
    own.connect(kCorrespondent, 53);
    CHECK(refused(kUdp, 1000, kCorrespondent, 53));
    CHECK(path->flows().empty());
    CHECK_FALSE(refused(kUdp, 1000, kCorrespondent, 54));
    CHECK_FALSE(refused(kUdp, 1001, kCorrespondent, 53));
    CHECK_FALSE(refused(kTcp, 1000, kCorrespondent, 53));
    must(path->set_flow({kHome1, kCorrespondent, 1000, 53, kUdp}, {7, kHome1, 1}));  // by the tunnel they can be told apart
  }
  SECTION("a TCP connection of the uplink's own") {
    Socket listener(SOCK_STREAM, kOtherCareOf, 80);  // both ends are here, as far as the kernel is concerned
    listener.listen();
    CHECK_FALSE(refused(kTcp, 1000, kOtherCareOf, 80));
    Socket own(SOCK_STREAM, kCareOf, 1000);
    own.connect(kOtherCareOf, 80);
    CHECK(refused(kTcp, 1000, kOtherCareOf, 80));
    CHECK_FALSE(refused(kTcp, 1001, kOtherCareOf, 80));
  }
  SECTION("a socket that came later does not end the flow") {
    bypass(kUdp, 1000, 53);
    Socket own(SOCK_DGRAM, kCareOf, 1000);
    own.connect(kCorrespondent, 53);
    bypass(kUdp, 1000, 53, 8);
    CHECK(path->flows().at(key(kUdp, 1000, 53)).id == 8);
  }
}

TEST_CASE_METHOD(BypassFixture, "packets cut anywhere do no harm while flows are bypassed") {
  bypass(kTcp, 1000, 80);
  for (const Octets& whole : {tcp(kInOnTheWire, 80, 1000), icmpv6_error({kRouter, kCareOf}, 2, 1380, tcp(kOutOnTheWire, 1000, 80)),
                              fragment(kInOnTheWire, kTcp, read(tcp(kInOnTheWire, 80, 1000)).payload, 0, 80, true)})
    for (std::size_t length = kIpv6Header; length < whole.size(); ++length) {
      const Ran ran = in(Octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
      INFO("cut behind " << length << " of " << whole.size());
      CHECK((ran.verdict == kPass || ran.verdict == kToMip0 || ran.verdict == kDrop));
    }
}

TEST_CASE_METHOD(BypassFixture, "a flow to somebody on the link goes to him and not to the router") {
  must(path->set_binding(4, plain_binding(address("2001:db8:9::2"), "wlan0")));
  shell("ip -6 route add 2001:db8:9::/64 dev wlan0");
  must(path->refresh_next_hops());
  const FlowKey on_link{kHome1, address("2001:db8:9::7"), 1000, 80, kTcp};
  must(path->set_flow(on_link, {7, address("2001:db8:9::2"), 4}));
  const Ran ran = out(tcp({kHome1, on_link.correspondent}, 1000, 80));
  CHECK(ran.verdict == kRedirect);
  CHECK(ran.packet == tcp({address("2001:db8:9::2"), on_link.correspondent}, 1000, 80));
  shell("ip -6 route del 2001:db8:9::/64 dev wlan0");
}

TEST_CASE_METHOD(BypassFixture, "at home the home address is the uplink's own, and what comes to it is nobody's bypassed flow") {
  bypass(kTcp, 1000, 80);
  must(path->set_care_of_address(kHome1, {interface_named("wlan0")}));
  must(path->set_flow({kHome2, kCorrespondent, 1001, 80, kTcp}, {8, kHome1, kPlain}));
  passes(tcp({kCorrespondent, kHome1}, 80, 1001));
}

TEST_CASE_METHOD(BypassFixture, "while no flow is bypassed nobody looks at other protocols either") {
  must(path->erase_binding(kPlain));
  must(path->set_flow({kHome1, kCorrespondent, 1000, 80, kSctp}, {7, kCareOf, 1}));
  passes(ipv6(kInOnTheWire, kSctp, udp_header_and(kInOnTheWire, 80, 1000, 20)));
}
