// SPDX-License-Identifier: GPL-3.0-or-later
#include "socket_messages.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace mipflow::platform {

namespace {

constexpr int kAtOnce = 64;

std::optional<in6_pktinfo> arrival(msghdr& message) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr; control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != IPPROTO_IPV6 || control->cmsg_type != IPV6_PKTINFO) continue;
    in6_pktinfo out;
    std::memcpy(&out, CMSG_DATA(control), sizeof out);
    return out;
  }
  return std::nullopt;
}

Address address_of(const in6_addr& address) {
  Address out;
  std::copy_n(address.s6_addr, out.octets.size(), out.octets.begin());
  return out;
}

}  // namespace

bool tell_arrivals(int socket) {
  const int on = 1;
  return ::setsockopt(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == 0;
}

void read_messages(const FileDescriptor& socket, std::span<std::uint8_t> room, const std::function<void(const SocketMessage&)>& handler) {
  for (int i = 0; i < kAtOnce && socket; ++i) {
    sockaddr_in6 from{};
    iovec data{room.data(), room.size()};
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo))> control;
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket.get(), &message, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return;
    const auto arrived = arrival(message);
    if (!arrived || (message.msg_flags & MSG_TRUNC) != 0) continue;
    handler({.octets = BytesView(room.data(), static_cast<std::size_t>(size)),
             .source = address_of(from.sin6_addr),
             .destination = address_of(arrived->ipi6_addr),
             .interface = static_cast<InterfaceIndex>(arrived->ipi6_ifindex)});
  }
}

}  // namespace mipflow::platform
