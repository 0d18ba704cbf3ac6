// SPDX-License-Identifier: GPL-3.0-or-later
// What arrives at an IPv6 socket, with where it came from, and at which of our addresses and interfaces.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/file_descriptor.hpp"

namespace mipflow::platform {

struct SocketMessage {
  BytesView octets;  // valid during the call
  Address source;
  Address destination;
  InterfaceIndex interface = 0;
};

// Has the kernel say with each message where it arrived; without that read_messages() hands out none. False, with errno, when it
// refuses.
bool tell_arrivals(int socket);

// Hands out what waits at a non-blocking socket, not more than 64 messages, so that the loop's other work has its turn. `room`:
// for one message; longer ones are dropped. The handler may close the socket, which ends the reading.
void read_messages(const FileDescriptor& socket, std::span<std::uint8_t> room, const std::function<void(const SocketMessage&)>& handler);

}  // namespace mipflow::platform
