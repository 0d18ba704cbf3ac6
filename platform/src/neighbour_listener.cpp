// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/neighbour_listener.hpp"

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

constexpr std::uint8_t kNeighborSolicitation = 135;  // RFC 4861 §4.3; the advertisement is the next number
constexpr std::size_t kTypeOffset = 40;              // behind the IPv6 header: these messages come without others
constexpr std::size_t kTargetOffset = kTypeOffset + 8;
constexpr std::size_t kLongest = 1500;               // octets of such a message with all its options
constexpr int kAtOnce = 64;                          // messages, before the loop's other work has its turn

// The kernel hands up what this lets through: ICMPv6 types 135 and 136, seen from the IPv6 header.
int attach_filter(int socket) {
  std::array<sock_filter, 7> program{{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 4),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kTypeOffset),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kNeighborSolicitation, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kNeighborSolicitation + 1, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, kLongest),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0 ? 0 : errno;
}

}  // namespace

Result<void> NeighbourListener::watch(const forwarding::OnInterface& watched) {
  if (!socket_)
    if (const auto opened = open(); !opened) return opened;
  watched_.insert(watched);
  return {};
}

void NeighbourListener::unwatch(const forwarding::OnInterface& watched) {
  watched_.erase(watched);
  if (!watched_.empty()) return;
  watch_.reset();
  socket_.reset();
}

Result<void> NeighbourListener::open() {
  // Protocol 0 until the filter is there, so that nothing else slips in before it.
  FileDescriptor socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail("cannot open a packet socket for neighbour discovery", errno);
  if (const int error = attach_filter(socket.get())) return fail("cannot filter a packet socket", error);
  sockaddr_ll everywhere{};
  everywhere.sll_family = AF_PACKET;
  everywhere.sll_protocol = htons(ETH_P_IPV6);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&everywhere), sizeof everywhere) != 0)
    return fail("cannot bind a packet socket for neighbour discovery", errno);
  socket_ = std::move(socket);
  watch_ = std::make_unique<DescriptorWatch>(loop_, socket_.get(), [this] { read(); });
  return {};
}

void NeighbourListener::read() {
  std::array<std::uint8_t, kLongest> packet;
  // The handler may end the watching, and the socket with it.
  for (int i = 0; i < kAtOnce && socket_; ++i) {
    sockaddr_ll from{};
    socklen_t from_size = sizeof from;
    const ssize_t size = ::recvfrom(socket_.get(), packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return;
    const auto length = static_cast<std::size_t>(size);
    if (from.sll_pkttype == PACKET_OUTGOING || length < kTargetOffset + 16) continue;
    forwarding::OnInterface about;
    about.interface = static_cast<InterfaceIndex>(from.sll_ifindex);
    std::copy_n(packet.begin() + kTargetOffset, about.address.octets.size(), about.address.octets.begin());
    if (!watched_.contains(about)) continue;
    PacketReceived received;
    received.packet.assign(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(length));
    received.interface = about.interface;
    if (LinkLayerAddress source; from.sll_halen == source.size()) {
      std::copy_n(from.sll_addr, source.size(), source.begin());
      received.link_layer_source = source;
    }
    handler_(std::move(received));
  }
}

}  // namespace mipflow::platform
