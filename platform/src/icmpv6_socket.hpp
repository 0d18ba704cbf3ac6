// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "mipflow/base/role.hpp"
#include "mipflow/platform/event_loop.hpp"
#include "mipflow/platform/failure.hpp"

namespace mipflow::platform {

inline constexpr std::size_t kIcmpv6TypeOffset = 40;  // behind the IPv6 header: neighbour discovery comes without others

// A packet socket that hears the ICMPv6 messages of the types `first` to `last`, also those that are forwarded or for somebody
// else. `interface` 0: of all interfaces. `what` is said in failures.
Result<FileDescriptor> open_icmpv6_socket(std::uint8_t first, std::uint8_t last, InterfaceIndex interface, const std::string& what);

// The next packet that is not our own; nullopt when there is none.
std::optional<PacketReceived> receive_icmpv6(int socket);

}  // namespace mipflow::platform
