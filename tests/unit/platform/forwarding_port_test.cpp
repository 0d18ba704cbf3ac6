// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/forwarding_port.hpp"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>

#include "kernel_bench.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using namespace mipflow::platform::test;

namespace {

constexpr std::uint16_t kPort = wire::kDefaultForwardingPort;
const Address kOwn = *Address::parse("2001:db8:100::2");
const Address kPeer = *Address::parse("2001:db8:100::3");
const Address kStranger = *Address::parse("2001:db8:100::4");

sockaddr_in6 socket_address(const Address& address, std::uint16_t port) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(port);
  std::ranges::copy(address.octets, out.sin6_addr.s6_addr);
  return out;
}

FileDescriptor bound(const Address& address, std::uint16_t port) {
  FileDescriptor socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  const sockaddr_in6 here = socket_address(address, port);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0) return {};
  return socket;
}

// The home agent and those who speak to it are addresses of one host, as they may.
struct Agents : Namespace {
  Agents() {
    run("ip link set lo up");
    for (const Address& address : {kOwn, kPeer, kStranger}) give_uplink(to_string(address));
    port.set_peers({kPeer});
  }
  InterfaceAddress own(std::uint32_t flags = IFA_F_PERMANENT) const {
    return {.interface = uplink, .address = kOwn, .prefix_length = 64, .flags = flags};
  }
  void say(const FileDescriptor& from, const Bytes& message) const {
    const sockaddr_in6 to = socket_address(kOwn, kPort);
    REQUIRE(::sendto(from.get(), message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) ==
            static_cast<ssize_t>(message.size()));
  }
  template <class Condition>
  bool until(Condition&& condition) {
    return wait_for([&] {
      loop.restart();
      loop.poll();
      return condition();
    });
  }
  std::size_t received() const {
    std::size_t out = 0;
    for (const auto& batch : batches) out += batch.size();
    return out;
  }

  InterfaceIndex uplink = if_nametoindex("uplink");
  boost::asio::io_context loop;
  std::vector<std::string> troubles;
  std::vector<std::vector<home_agent::ForwardingMessageReceived>> batches;
  ForwardingPort port{loop, kOwn, kPort, [this](const std::string& trouble) { troubles.push_back(trouble); },
                      [this](auto messages) { batches.push_back(std::move(messages)); }};
};

}  // namespace

TEST_CASE("the port of home agents that share the load is open while there is somebody to share with and the own address is ready") {
  Agents agents;
  CHECK_FALSE(agents.port.is_open());  // the address was not told of yet
  agents.port.on_address({.interface = agents.uplink, .address = kPeer});
  CHECK_FALSE(agents.port.is_open());
  agents.port.on_address(agents.own(IFA_F_TENTATIVE));
  CHECK_FALSE(agents.port.is_open());
  agents.port.on_address(agents.own());
  CHECK(agents.port.is_open());
  CHECK_FALSE(bound(kOwn, kPort));
  CHECK(bound(kPeer, kPort));  // every other address stays free

  agents.port.on_address({.interface = 1, .address = kOwn});  // on a second interface as well
  agents.port.on_address_removed(agents.own());
  CHECK(agents.port.is_open());
  agents.port.on_address_removed({.interface = 1, .address = kOwn});
  CHECK_FALSE(agents.port.is_open());
  CHECK(bound(kOwn, kPort));

  agents.port.on_address(agents.own());
  CHECK(agents.port.is_open());
  agents.port.set_peers({});
  CHECK_FALSE(agents.port.is_open());
  agents.port.set_peers({kPeer});
  CHECK(agents.port.is_open());
  CHECK(agents.troubles.empty());
}

TEST_CASE("messages of peers arrive whole and in order, those of strangers are counted") {
  Agents agents;
  agents.port.on_address(agents.own());
  const auto peer = bound(kPeer, kPort);
  const auto stranger = bound(kStranger, kPort);
  REQUIRE((peer && stranger));
  agents.say(stranger, {1});
  agents.say(peer, {2, 3});
  agents.say(stranger, {4});
  agents.say(peer, Bytes(wire::kLongestForwardingMessage, 5));
  agents.say(peer, Bytes(3'000, 6));
  agents.say(peer, {});
  REQUIRE(agents.until([&] { return agents.received() == 4; }));
  CHECK(agents.port.strangers() == 2);
  REQUIRE(agents.batches.size() == 1);  // they came together
  const auto& messages = agents.batches[0];
  CHECK(messages[0].message == Bytes{2, 3});
  CHECK(messages[0].source == kPeer);
  CHECK(messages[1].message.size() == wire::kLongestForwardingMessage);
  CHECK(messages[2].message.size() > wire::kLongestForwardingMessage);  // too long, and seen to be
  CHECK(messages[3].message.empty());
}

TEST_CASE("a flood is read a part at a time, and nothing of it is lost while the queue has room") {
  Agents agents;
  agents.port.on_address(agents.own());
  const auto peer = bound(kPeer, kPort);
  REQUIRE(peer);
  constexpr std::size_t kMany = 1'000;
  for (std::size_t i = 0; i < kMany; ++i) agents.say(peer, {static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8)});
  agents.loop.restart();
  agents.loop.poll_one();
  CHECK(agents.received() <= 256);
  REQUIRE(agents.until([&] { return agents.received() == kMany; }));
  std::size_t next = 0;
  for (const auto& batch : agents.batches)
    for (const auto& message : batch) {
      REQUIRE(message.message == Bytes{static_cast<std::uint8_t>(next), static_cast<std::uint8_t>(next >> 8)});
      ++next;
    }
}

TEST_CASE("a handler may close the port while it is read") {
  Agents agents;
  std::size_t heard = 0;
  ForwardingPort port(
      agents.loop, kOwn, kPort, [](const std::string&) {},
      [&](auto messages) {
        heard += messages.size();
        port.set_peers({});
      });
  port.set_peers({kPeer});
  port.on_address(agents.own());
  const auto peer = bound(kPeer, kPort);
  REQUIRE(peer);
  for (int i = 0; i < 100; ++i) agents.say(peer, {7});
  REQUIRE(agents.until([&] { return heard > 0; }));
  CHECK_FALSE(port.is_open());
  CHECK(heard <= 32);
}

TEST_CASE("another program that has the port keeps it and is told of once; the port is taken when it is free") {
  Agents agents;
  auto other = bound(Address{}, kPort);
  REQUIRE(other);
  agents.port.on_address(agents.own());
  CHECK_FALSE(agents.port.is_open());
  REQUIRE(agents.troubles.size() == 1);
  CHECK_THAT(agents.troubles[0], Catch::Contains("UDP port 6275 of 2001:db8:100::2") && Catch::Contains("[load-sharing]"));
  CHECK(agents.port.trouble() == agents.troubles[0]);
  agents.port.set_peers({kPeer, kStranger});
  CHECK(agents.troubles.size() == 1);
  other.reset();
  CHECK(agents.until([&] { return agents.port.is_open(); }));
  CHECK(agents.port.trouble().empty());
  CHECK(agents.troubles.back().empty());
}
