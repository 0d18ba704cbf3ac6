// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/dhcpv6_client_port.hpp"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>

#include "kernel_bench.hpp"
#include "mipflow/platform/packet_sender.hpp"
#include "mipflow/wire/dhcpv6.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using namespace mipflow::platform::test;

namespace {

const Address kLocal = *Address::parse("fe80::a");

sockaddr_in6 socket_address(const Address& address, const char* interface, std::uint16_t port) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(port);
  out.sin6_scope_id = interface ? if_nametoindex(interface) : 0;
  std::ranges::copy(address.octets, out.sin6_addr.s6_addr);
  return out;
}

FileDescriptor bound(const Address& address, const char* interface, std::uint16_t port) {
  FileDescriptor socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  const sockaddr_in6 here = socket_address(address, interface, port);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0) return {};
  return socket;
}

// A home link, uplink, with the address fe80::a. The server of these tests runs on the same host, as it may.
struct HomeLink : Namespace {
  HomeLink() {
    give_uplink("fe80::a");
    uplink = if_nametoindex("uplink");
    port = std::make_unique<Dhcpv6ClientPort>(
        loop, uplink, "uplink", [this](const home_agent::Dhcpv6Port& state) { states.push_back(state); },
        [this](home_agent::Dhcpv6Received message) { received.push_back(std::move(message)); });
    port->want(true);
  }
  InterfaceAddress on(InterfaceIndex interface, std::uint32_t flags = IFA_F_PERMANENT) const {
    return {.interface = interface, .address = kLocal, .prefix_length = 64, .flags = flags};
  }
  template <class Condition>
  bool until(Condition&& condition) {
    return wait_for([&] {
      loop.restart();
      loop.poll();
      return condition();
    });
  }

  boost::asio::io_context loop;
  InterfaceIndex uplink = 0;
  std::vector<home_agent::Dhcpv6Port> states;
  std::vector<home_agent::Dhcpv6Received> received;
  std::unique_ptr<Dhcpv6ClientPort> port;
};

}  // namespace

TEST_CASE("the DHCPv6 client's port is open while the home link has a link-local address that is ready") {
  HomeLink link;
  link.port->on_address(link.on(link.uplink, IFA_F_TENTATIVE));
  link.port->on_address(link.on(if_nametoindex("far")));
  link.port->on_address({.interface = link.uplink, .address = kCareOf, .flags = IFA_F_PERMANENT});
  CHECK(link.states.empty());
  link.port->on_address(link.on(link.uplink));
  REQUIRE(link.states.size() == 1);
  CHECK(link.states[0].link_local_address == kLocal);
  CHECK(link.states[0].trouble.empty());
  link.port->on_address(link.on(link.uplink));
  CHECK(link.states.size() == 1);

  // Other interfaces and other addresses stay free for others.
  CHECK(bound(kCareOf, nullptr, 546));
  CHECK_FALSE(bound(kLocal, "uplink", 546));

  link.port->on_address_removed(link.on(link.uplink));
  REQUIRE(link.states.size() == 2);
  CHECK(link.states[1].link_local_address.is_unspecified());
  CHECK(bound(kLocal, "uplink", 546));
}

TEST_CASE("the DHCPv6 client's port is left alone while nobody wants it") {
  HomeLink link;
  link.port->want(false);
  link.port->on_address(link.on(link.uplink));
  CHECK(link.states.empty());
  link.port->want(true);
  REQUIRE(link.states.size() == 1);
  CHECK(link.states[0].link_local_address == kLocal);
  link.port->want(false);
  REQUIRE(link.states.size() == 2);
  CHECK(link.states[1].link_local_address.is_unspecified());
  CHECK(bound(kLocal, "uplink", 546));
}

TEST_CASE("answers of DHCPv6 servers arrive with their sender and interface") {
  HomeLink link;
  link.port->on_address(link.on(link.uplink));
  const FileDescriptor server = bound(kLocal, "uplink", 547);
  REQUIRE(server);
  const auto say = [&](const Bytes& message) {
    const sockaddr_in6 to = socket_address(kLocal, "uplink", 546);
    REQUIRE(::sendto(server.get(), message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) >
            0);
  };
  say(Bytes(5'000));  // longer than any answer: dropped, not cut
  say({7, 1, 2, 3});
  REQUIRE(link.until([&] { return !link.received.empty(); }));
  CHECK(link.received[0].message == Bytes{7, 1, 2, 3});
  CHECK(link.received[0].source == kLocal);
  CHECK(link.received[0].interface == link.uplink);
  CHECK(link.received.size() == 1);
}

TEST_CASE("a DHCPv6 client that has the port already keeps it, and is named") {
  HomeLink link;
  FileDescriptor other = bound(Address{}, nullptr, 546);
  REQUIRE(other);
  link.port->on_address(link.on(link.uplink));
  REQUIRE(link.states.size() == 1);
  CHECK(link.states[0].link_local_address.is_unspecified());
  CHECK(contains(link.states[0].trouble, "another program has UDP port 546 of uplink, probably a DHCPv6 client"));
  other.reset();
  CHECK(link.until([&] { return link.states.size() == 2; }));
  CHECK(link.states.back().link_local_address == kLocal);
}

TEST_CASE("the client's packet leaves the home link as it was built, also to a server on this host") {
  HomeLink link;
  auto sender = PacketSender::open();
  REQUIRE(sender);
  const wire::Dhcpv6Message solicit{
      .client_identifier = Bytes{0, 4, 1}, .associations = {{.identifier = 1}}, .elapsed_time = 0};
  const FileDescriptor here = bound(Address{}, nullptr, 547);
  REQUIRE(here);
  ipv6_mreq group{};
  group.ipv6mr_interface = link.uplink;
  REQUIRE(::inet_pton(AF_INET6, "ff02::1:2", &group.ipv6mr_multiaddr) == 1);
  REQUIRE(::setsockopt(here.get(), IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof group) == 0);
  REQUIRE(sender->send({.packet = wire::build_dhcpv6_packet(kLocal, solicit), .interface = link.uplink}));
  Bytes buffer(2'000);
  ssize_t size = -1;
  REQUIRE(wait_for([&] { return (size = ::recv(here.get(), buffer.data(), buffer.size(), 0)) > 0; }));
  buffer.resize(static_cast<std::size_t>(size));
  CHECK(buffer == wire::encode(solicit));
}
