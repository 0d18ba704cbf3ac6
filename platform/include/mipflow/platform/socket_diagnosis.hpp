// SPDX-License-Identifier: GPL-3.0-or-later
// What the kernel says about local sockets (sock_diag(7), linux/inet_diag.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "mipflow/base/flow_key.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/netlink_socket.hpp"

namespace mipflow::platform {

struct SocketFacts {
  std::uint32_t user = 0;    // uid
  std::uint64_t inode = 0;   // as in /proc/PID/fd: "socket:[INODE]"; never 0
  std::uint64_t cookie = 0;  // SO_COOKIE: never used again while the host is up; 0 when it can not be had
  std::uint64_t cgroup = 0;  // id of the cgroup v2 that the socket was made in, 0 when it can not be had
  Address local;             // what it has bound, whatever getsockname() was made to say; `::` for nothing
};

// Sees the sockets of the network namespace in which it was opened.
class SocketDiagnosis {
 public:
  static Result<SocketDiagnosis> open();

  // The socket that sends the flow's packets or takes them: connected, bound only, or listening for a connection that has
  // none yet. TCP and UDP by the kernel's own look-up. ICMPv6 and protocols without ports when only one socket comes into
  // question, given `user` only among the sockets of this user. Costs a few dozen microseconds.
  std::optional<SocketFacts> find(const FlowKey& key, std::optional<std::uint32_t> user = std::nullopt);
  // The TCP or UDP socket with this port of its own and this cookie.
  std::optional<SocketFacts> find_by_cookie(std::uint8_t protocol, std::uint16_t source_port, std::uint64_t cookie);
  // The flows of all UDP sockets that are connected from this address.
  std::vector<FlowKey> connected_from(const Address& source);

 private:
  explicit SocketDiagnosis(NetlinkSocket socket) : socket_(std::move(socket)) {}
  std::optional<SocketFacts> look_up(const FlowKey& key);
  std::optional<SocketFacts> among_all(const FlowKey& key);
  void dump(std::uint8_t protocol, std::uint16_t source_port, const std::function<void()>& restart, const NetlinkSocket::Handler& handler);

  NetlinkSocket socket_;
};

}  // namespace mipflow::platform
