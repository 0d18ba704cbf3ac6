// SPDX-License-Identifier: GPL-3.0-or-later
// What the kernel says about held packets and about sockets, as values. Each is nullopt for a message about something else.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <optional>
#include <string>

#include "mipflow/platform/packet_queue.hpp"
#include "mipflow/platform/socket_diagnosis.hpp"

namespace mipflow::platform {

// One end of a socket in an answer, with what says how well it fits.
struct SocketCandidate {
  SocketFacts facts;
  Address remote;
  std::uint16_t local_port = 0, remote_port = 0;
};

// A message of NFQUEUE. The packet points into it.
std::optional<QueuedPacket> decode_queued_packet(const nlmsghdr& message);

// An answer of sock_diag.
std::optional<SocketCandidate> decode_socket(const nlmsghdr& message);

// A line of /proc/net/raw6 or icmp6: number, local address:port, remote address:port, state, queues, timer, retransmissions,
// uid, timeout, inode. The addresses are four words of the host's byte order each.
std::optional<SocketCandidate> decode_socket_line(const std::string& line);

}  // namespace mipflow::platform
