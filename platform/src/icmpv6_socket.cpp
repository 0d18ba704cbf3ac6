// SPDX-License-Identifier: GPL-3.0-or-later
#include "icmpv6_socket.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace mipflow::platform {

namespace {

constexpr std::size_t kLongest = 1500;  // octets of such a message with all its options

// The kernel hands up what this lets through, seen from the IPv6 header.
int attach_filter(int socket, std::uint8_t first, std::uint8_t last) {
  std::array<sock_filter, 7> program{{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 4),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kIcmpv6TypeOffset),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 2),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, kLongest),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0 ? 0 : errno;
}

}  // namespace

Result<FileDescriptor> open_icmpv6_socket(std::uint8_t first, std::uint8_t last, InterfaceIndex interface, const std::string& what) {
  // Protocol 0 until the filter is there, so that nothing else slips in before it.
  FileDescriptor socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail("cannot open a packet socket for " + what, errno);
  if (const int error = attach_filter(socket.get(), first, last)) return fail("cannot filter a packet socket", error);
  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_protocol = htons(ETH_P_IPV6);
  where.sll_ifindex = static_cast<int>(interface);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0)
    return fail("cannot bind a packet socket for " + what, errno);
  return socket;
}

std::optional<PacketReceived> receive_icmpv6(int socket) {
  std::array<std::uint8_t, kLongest> packet;
  while (true) {
    sockaddr_ll from{};
    socklen_t from_size = sizeof from;
    const ssize_t size = ::recvfrom(socket, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return std::nullopt;
    if (from.sll_pkttype == PACKET_OUTGOING) continue;
    PacketReceived received;
    received.packet.assign(packet.begin(), packet.begin() + size);
    received.interface = static_cast<InterfaceIndex>(from.sll_ifindex);
    if (LinkLayerAddress source; from.sll_halen == source.size()) {
      std::copy_n(from.sll_addr, source.size(), source.begin());
      received.link_layer_source = source;
    }
    return received;
  }
}

}  // namespace mipflow::platform
