// SPDX-License-Identifier: GPL-3.0-or-later
// The NFQUEUE that first packets wait in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "mipflow/base/bytes.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/netlink_socket.hpp"

namespace mipflow::platform {

// A packet that the kernel holds until a verdict. `packet` is valid during the call only and ends after
// PacketQueue::kCopyRange octets; `length` is the true length.
struct QueuedPacket {
  HeldPacketId id = 0;
  bool incoming = false;  // from INPUT, otherwise from OUTPUT
  BytesView packet;
  std::uint32_t length = 0;
  std::optional<std::uint32_t> user;   // uid of the local socket, known in OUTPUT only
  std::optional<std::uint32_t> group;  // its gid, likewise
};

class PacketQueue {
 public:
  static constexpr std::uint32_t kCopyRange = 128;  // all headers that tell a flow from another
  static constexpr std::uint32_t kCapacity = 4096;  // packets; those that find it full pass (fail open)

  // Refused when another process reads this queue. The descriptor is non-blocking.
  static Result<PacketQueue> open(std::uint16_t number);

  // Hands the packets that wait to `on_packet`, at most `limit`, so that a flood of new flows can not starve the rest
  // of the loop. Returns how many.
  std::size_t read(const std::function<void(const QueuedPacket&)>& on_packet, std::size_t limit = 64);

  // Exactly one for each packet. Verdicts about packets that the kernel has let go of meanwhile are ignored by it.
  void verdict(HeldPacketId packet, VerdictKind kind);

  int descriptor() const { return socket_.descriptor(); }
  // How often the kernel had to drop messages because we were too slow.
  std::uint64_t overruns() const { return overruns_; }

 private:
  PacketQueue(NetlinkSocket socket, std::uint16_t number) : socket_(std::move(socket)), number_(number), buffer_(kBufferSize) {}
  Result<void> configure();

  static constexpr std::size_t kBufferSize = 8192;  // one message: copy range, attributes

  NetlinkSocket socket_;
  std::uint16_t number_;
  std::vector<std::byte> buffer_;
  std::uint64_t overruns_ = 0;
};

}  // namespace mipflow::platform
