// SPDX-License-Identifier: GPL-3.0-or-later
// A socket for one exchange with the kernel by netlink.
#pragma once

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <memory>

namespace mipflow::datapath {

struct CloseNetlinkSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using NetlinkSocket = std::unique_ptr<mnl_socket, CloseNetlinkSocket>;

// `protocol`: NETLINK_ROUTE, NETLINK_SOCK_DIAG. Connected to the kernel, so that nobody else's messages arrive at it. nullptr and
// errno when there is none.
inline NetlinkSocket open_netlink_socket(int protocol) {
  NetlinkSocket out(mnl_socket_open2(protocol, SOCK_CLOEXEC));
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (!out || mnl_socket_bind(out.get(), 0, MNL_SOCKET_AUTOPID) < 0 ||
      ::connect(mnl_socket_get_fd(out.get()), reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel) != 0)
    return nullptr;
  return out;
}

}  // namespace mipflow::datapath
