// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "kernel_fixture.hpp"

namespace mipflow::datapath {

// Hears what comes out of an interface.
class Listener {
 public:
  explicit Listener(const char* interface) : socket_(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_IPV6))) {
    sockaddr_ll here{};
    here.sll_family = AF_PACKET;
    here.sll_protocol = htons(ETH_P_IPV6);
    here.sll_ifindex = static_cast<int>(interface_named(interface));
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0);
  }
  ~Listener() { ::close(socket_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // The next packet with this next header; empty when there is none within five seconds.
  packets::Octets hear(std::uint8_t next_header) const {
    pollfd ready{socket_, POLLIN, 0};
    while (::poll(&ready, 1, 5000) > 0) {
      packets::Octets packet(2000);
      const ssize_t octets = ::recv(socket_, packet.data(), packet.size(), 0);
      packet.resize(static_cast<std::size_t>(std::max<ssize_t>(0, octets)));
      if (packet.size() >= packets::kIpv6Header && packet[6] == next_header) return packet;
    }
    return {};
  }

 private:
  int socket_;
};

}  // namespace mipflow::datapath
