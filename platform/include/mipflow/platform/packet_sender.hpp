// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <unordered_map>

#include "mipflow/base/role.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/file_descriptor.hpp"

namespace mipflow::platform {

// Sends the complete IPv6 packets of a role with our mark, so that our own rules do not send them into the tunnel.
//   no interface            raw socket, the ordinary routing tables choose
//   interface               raw socket bound to it: its own default router, whichever one the system prefers
//   link-layer destination  packet socket: no neighbour discovery
class PacketSender {
 public:
  static Result<PacketSender> open();

  // Never blocks. The packet is lost when the kernel can not take it, as on any link; the failure is for the operator.
  Result<void> send(const OutgoingPacket& packet);

  // The interface went away: its number may come back for another one.
  void forget(InterfaceIndex interface) { bound_.erase(interface); }

 private:
  PacketSender() = default;
  Result<int> socket_for(InterfaceIndex interface);
  Result<void> send_to_neighbour(const OutgoingPacket& packet);

  FileDescriptor packet_socket_;
  std::unordered_map<InterfaceIndex, FileDescriptor> bound_;  // 0 = not bound
};

}  // namespace mipflow::platform
