// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/packet_sender.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "mipflow/platform/names.hpp"

namespace mipflow::platform {

namespace {

constexpr std::size_t kIpv6HeaderLength = 40;
constexpr std::size_t kDestinationOffset = 24;

Result<FileDescriptor> open_raw_socket(InterfaceIndex interface) {
  // IPPROTO_RAW: the packet brings its own IPv6 header.
  FileDescriptor descriptor(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW));
  if (!descriptor) {
    if (errno == EPERM) return fail("cannot open a raw socket: CAP_NET_RAW is missing; run as root or give the capability", errno);
    return fail("cannot open a raw socket", errno);
  }
  const std::uint32_t mark = kMark;
  if (::setsockopt(descriptor.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0)
    return fail("cannot set the mark of a raw socket: CAP_NET_ADMIN is missing; run as root or give the capability", errno);
  const int index = static_cast<int>(interface);
  if (interface != 0 && ::setsockopt(descriptor.get(), SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof index) != 0)
    return fail("cannot bind a raw socket to interface number " + std::to_string(interface), errno);
  return descriptor;
}

}  // namespace

Result<PacketSender> PacketSender::open() {
  PacketSender sender;
  if (const auto first = sender.socket_for(0); !first) return Unexpected{first.error()};
  // Protocol 0: it only sends, nothing is ever queued on it.
  sender.packet_socket_ = FileDescriptor(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!sender.packet_socket_) return fail("cannot open a packet socket: CAP_NET_RAW is missing; run as root or give the capability", errno);
  return sender;
}

Result<int> PacketSender::socket_for(InterfaceIndex interface) {
  if (const auto found = bound_.find(interface); found != bound_.end()) return found->second.get();
  auto descriptor = open_raw_socket(interface);
  if (!descriptor) return Unexpected{descriptor.error()};
  return bound_.emplace(interface, std::move(*descriptor)).first->second.get();
}

Result<void> PacketSender::send(const OutgoingPacket& packet) {
  if (packet.packet.size() < kIpv6HeaderLength) return fail("a packet to send is shorter than an IPv6 header");
  if (packet.link_layer_destination) return send_to_neighbour(packet);
  const auto descriptor = socket_for(packet.interface);
  if (!descriptor) return Unexpected{descriptor.error()};
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  std::copy_n(packet.packet.begin() + kDestinationOffset, sizeof to.sin6_addr, to.sin6_addr.s6_addr);
  if (IN6_IS_ADDR_LINKLOCAL(&to.sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&to.sin6_addr)) to.sin6_scope_id = packet.interface;
  if (::sendto(*descriptor, packet.packet.data(), packet.packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0) {
    const int error = errno;
    // The interface under the socket is another one now, or none.
    if (error == ENODEV || error == ENXIO) forget(packet.interface);
    Address destination;
    std::copy_n(to.sin6_addr.s6_addr, destination.octets.size(), destination.octets.begin());
    return fail("cannot send to " + to_string(destination) + " on interface number " + std::to_string(packet.interface), error);
  }
  return {};
}

Result<void> PacketSender::send_to_neighbour(const OutgoingPacket& packet) {
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETH_P_IPV6);
  to.sll_ifindex = static_cast<int>(packet.interface);
  to.sll_halen = static_cast<unsigned char>(packet.link_layer_destination->size());
  std::copy(packet.link_layer_destination->begin(), packet.link_layer_destination->end(), to.sll_addr);
  if (::sendto(packet_socket_.get(), packet.packet.data(), packet.packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0)
    return fail("cannot send to a neighbour on interface number " + std::to_string(packet.interface), errno);
  return {};
}

}  // namespace mipflow::platform
