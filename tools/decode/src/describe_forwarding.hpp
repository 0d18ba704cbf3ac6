// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "mipflow/wire/packet.hpp"
#include "report.hpp"

namespace mipflow::tools {

// What a message between home agents that share the load says (docs/forwarding-protocol.md).
struct ForwardingDescription {
  Message message;
  std::optional<Checksum> checksum{};  // absent when the datagram is cut
  std::optional<Problem> problem{};
};

// nullopt for packets that are none: no UDP, not to `port`, another Magic or Version, a fragment. The Authenticator can not be
// checked here, as decode has no keys: the message says so of itself.
std::optional<ForwardingDescription> describe_forwarding(const wire::PacketView& view, std::uint16_t port);

}  // namespace mipflow::tools
