// SPDX-License-Identifier: GPL-3.0-or-later
// What is sent and heard on links past the kernel's own ends.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "kernel_bench.hpp"
#include "mipflow/platform/file_descriptor.hpp"
#include "mipflow/platform/multicast_groups.hpp"
#include "mipflow/platform/neighbour_keeper.hpp"
#include "mipflow/platform/neighbour_listener.hpp"
#include "mipflow/platform/packet_sender.hpp"
#include "mipflow/platform/router_listener.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using namespace mipflow::platform::test;

TEST_CASE("solicited-node groups are joined once and left with the last watcher") {
  Namespace space;
  const auto uplink = if_nametoindex("uplink");
  const auto is_member = [] { return contains(output_of("ip -6 maddr show dev uplink"), "ff02::1:ff00:100"); };
  const Address same_group = *Address::parse("2001:db8:2::100");
  MulticastGroups groups;
  REQUIRE(groups.watch(uplink, kPrimary));
  REQUIRE(groups.watch(uplink, same_group));
  CHECK(is_member());
  groups.unwatch(uplink, kPrimary);
  CHECK(is_member());
  groups.unwatch(uplink, same_group);
  CHECK_FALSE(is_member());
  // More than one socket may hold.
  for (std::uint8_t i = 0; i < 250; ++i) {
    Address address = kPrimary;
    address.octets[14] = i;
    address.octets[15] = 0x77;
    REQUIRE(groups.watch(uplink, address));
  }
  CHECK_FALSE(groups.watch(4711, kPrimary));
}

TEST_CASE("packets leave as they were built, by the interface and to the neighbour that was asked for") {
  Namespace space;
  const FileDescriptor far(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(0x86dd)));
  auto sender = PacketSender::open();
  REQUIRE(sender);
  Bytes packet(48);
  packet[0] = 0x60;
  packet[5] = 8;
  packet[6] = 135;
  packet[7] = 64;
  std::copy(kPrimary.octets.begin(), kPrimary.octets.end(), packet.begin() + 8);  // not an address of this host
  const Address peer = *Address::parse("2001:db8:99::1");
  std::copy(peer.octets.begin(), peer.octets.end(), packet.begin() + 24);
  run("ip -6 neigh replace fe80::1 dev uplink lladdr 02:00:00:00:00:01 nud permanent");
  const auto arrives = [&](const LinkLayerAddress& destination) {
    return wait_for([&] {
      std::array<std::uint8_t, 2000> frame;
      ssize_t size = 0;
      while ((size = ::recv(far.get(), frame.data(), frame.size(), 0)) > 0)
        if (size == 14 + 48 && std::equal(destination.begin(), destination.end(), frame.begin()) && std::equal(packet.begin(), packet.end(), frame.begin() + 14))
          return true;
      return false;
    });
  };
  REQUIRE(sender->send({.packet = packet}));
  CHECK(arrives({2, 0, 0, 0, 0, 1}));
  REQUIRE(sender->send({.packet = packet, .interface = if_nametoindex("uplink")}));
  CHECK(arrives({2, 0, 0, 0, 0, 1}));
  REQUIRE(sender->send({.packet = packet, .interface = if_nametoindex("uplink"), .link_layer_destination = LinkLayerAddress{2, 0, 0, 0, 0, 9}}));
  CHECK(arrives({2, 0, 0, 0, 0, 9}));
  CHECK_FALSE(sender->send({.packet = Bytes(39)}));
  CHECK_FALSE(sender->send({.packet = packet, .interface = 4711}));
}

TEST_CASE("solicitations and advertisements about watched addresses are heard, and nothing else") {
  Namespace space;
  const auto uplink = if_nametoindex("uplink");
  boost::asio::io_context loop;
  std::vector<PacketReceived> heard;
  NeighbourListener listener(loop, [&](PacketReceived packet) { heard.push_back(std::move(packet)); });
  REQUIRE(listener.watch({uplink, kPrimary}));

  // From the far end: type, target.
  const FileDescriptor far(::socket(AF_PACKET, SOCK_DGRAM, 0));
  const auto say = [&](std::uint8_t type, const Address& target, std::size_t size = 64) {
    Bytes packet(size);
    packet[0] = 0x60;
    packet[5] = 24;
    packet[6] = 58;
    packet[7] = 255;
    packet[40] = type;
    if (size >= 64) std::copy(target.octets.begin(), target.octets.end(), packet.begin() + 48);
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_protocol = htons(0x86dd);
    to.sll_ifindex = static_cast<int>(if_nametoindex("far"));
    to.sll_halen = 6;
    std::fill_n(to.sll_addr, 6, static_cast<unsigned char>(0xff));
    REQUIRE(::sendto(far.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) > 0);
  };
  const auto hears = [&](std::size_t count) {
    return wait_for([&] {
      loop.restart();
      loop.poll();
      return heard.size() >= count;
    });
  };
  say(135, kOther);
  say(128, kPrimary);
  say(135, kPrimary, 60);
  say(135, kPrimary);
  say(136, kPrimary);
  REQUIRE(hears(2));
  CHECK(heard.size() == 2);
  CHECK(heard[0].packet.size() == 64);
  CHECK(heard[0].packet[40] == 135);
  CHECK(heard[1].packet[40] == 136);
  CHECK(heard[0].interface == uplink);
  CHECK(heard[0].link_layer_source.has_value());

  listener.unwatch({uplink, kPrimary});
  say(135, kPrimary);
  REQUIRE(listener.watch({uplink, kOther}));
  say(135, kOther);
  REQUIRE(hears(3));
  CHECK(heard.size() == 3);
}

TEST_CASE("advertisements of routers are heard on their interface, and nothing else") {
  Namespace space;
  const auto uplink = if_nametoindex("uplink");
  boost::asio::io_context loop;
  std::vector<PacketReceived> heard;
  RouterListener listener(loop, [&](PacketReceived packet) { heard.push_back(std::move(packet)); });
  REQUIRE(listener.open(uplink));
  CHECK_FALSE(RouterListener(loop, [](PacketReceived) {}).open(4711));

  const FileDescriptor socket(::socket(AF_PACKET, SOCK_DGRAM, 0));
  const auto say = [&](const char* interface, std::uint8_t type) {
    Bytes packet(64);
    packet[0] = 0x60;
    packet[5] = 24;
    packet[6] = 58;
    packet[7] = 255;
    packet[40] = type;
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_protocol = htons(0x86dd);
    to.sll_ifindex = static_cast<int>(if_nametoindex(interface));
    to.sll_halen = 6;
    std::fill_n(to.sll_addr, 6, static_cast<unsigned char>(0xff));
    REQUIRE(::sendto(socket.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) > 0);
  };
  for (const std::uint8_t type : {std::uint8_t{133}, std::uint8_t{135}, std::uint8_t{136}, std::uint8_t{128}}) say("far", type);
  say("uplink", 134);  // our own
  say("far", 134);
  REQUIRE(wait_for([&] {
    loop.restart();
    loop.poll();
    return !heard.empty();
  }));
  CHECK(heard.size() == 1);
  CHECK(heard[0].packet.size() == 64);
  CHECK(heard[0].packet[40] == 134);
  CHECK(heard[0].interface == uplink);
  CHECK(heard[0].link_layer_source.has_value());
}

TEST_CASE("what waits for the router of an interface that was switched off does not leave when that is back") {
  Namespace space;
  const auto uplink = if_nametoindex("uplink");
  const Address silent = *Address::parse("fe80::6275:ffff");
  auto socket = NetlinkSocket::open(NETLINK_ROUTE);
  REQUIRE(socket);
  NeighbourKeeper keeper(*socket);
  // The kernel asks for a router that nobody is, and packets queue for the answer.
  const auto is_waited_for = [&] { return contains(output_of("ip -6 neigh show dev uplink"), to_string(silent)); };
  keeper.keep(uplink, silent);
  run("ping -6 -c 1 -W 0.1 -I uplink " + to_string(silent) + " || true");
  REQUIRE(is_waited_for());

  const auto lost_carrier = [&](InterfaceIndex interface) {
    keeper.carrier_changed(interface, false);
    keeper.drop_waiting();
  };
  SECTION("it is still a router") { lost_carrier(uplink); }
  SECTION("with the interface its default route went") {
    keeper.release(uplink, silent);
    CHECK(is_waited_for());
    lost_carrier(uplink);
    CHECK_FALSE(is_waited_for());
    // A flow that had to wait before it could move has sent once more; then the interface is back.
    run("ping -6 -c 1 -W 0.1 -I uplink " + to_string(silent) + " || true");
    REQUIRE(is_waited_for());
    keeper.carrier_changed(uplink, true);
    keeper.drop_waiting();
  }
  SECTION("another interface") {
    keeper.release(uplink, silent);
    lost_carrier(uplink + 1);
    CHECK(is_waited_for());
    // Long ago released: it may be of others by now.
    lost_carrier(uplink);
    CHECK(is_waited_for());
    return;
  }
  CHECK_FALSE(is_waited_for());
}
