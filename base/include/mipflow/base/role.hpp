// SPDX-License-Identifier: GPL-3.0-or-later
// The contract between a role (mobile node, home agent, correspondent node) and whoever runs it.
//
// Events in, outputs out, a deadline, and a desired kernel state. A role has:
//   handle(event, now, outputs)            something happened
//   on_deadline(now, outputs)              next_deadline() has been reached
//   next_deadline() -> TimePoint           when the role wants to be woken; a query, never a callback
//   plan() -> ForwardingPlan&              what the kernel should look like (forwarding-plan/)
// The runner's one rule is make before break: handle, add what the plan has more, send the packets, release the
// verdicts, remove what the plan has less, arm the timer.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/base/notice.hpp"

namespace mipflow {

using LinkLayerAddress = std::array<std::uint8_t, 6>;

// A complete IPv6 packet that has to leave. `interface` 0 lets the routing table choose; with `link_layer_destination`
// the packet goes to that neighbour without neighbour discovery (RFC 6275 §11.5.5).
struct OutgoingPacket {
  Bytes packet;
  InterfaceIndex interface = 0;
  std::optional<LinkLayerAddress> link_layer_destination = std::nullopt;
};

// A complete IPv6 packet of signalling that arrived, as it was on the wire: Mobility Header, ICMPv6 of Mobile IPv6,
// neighbour discovery about an address we act for, ICMPv6 errors about our tunnel. A packet that came out of the
// home agent's tunnel is the inner packet, with the outer source in `tunnel_source`.
struct PacketReceived {
  Bytes packet;
  InterfaceIndex interface = 0;
  std::optional<Address> tunnel_source = std::nullopt;
  std::optional<LinkLayerAddress> link_layer_source = std::nullopt;
};

// What becomes of an application packet that was held for the role.
enum class VerdictKind : std::uint8_t { Accept, Drop };
using HeldPacketId = std::uint64_t;
struct Verdict {
  HeldPacketId packet;
  VerdictKind kind;
};

// A text that the role wants to have again after a restart; replaces the one with the same name.
struct KeptText {
  std::string name;  // letters and hyphens
  std::string text;
};

struct Outputs {
  std::vector<OutgoingPacket> packets;
  std::vector<Verdict> verdicts;
  std::vector<Notice> notices;
  std::vector<KeptText> kept;

  void clear() { packets.clear(); verdicts.clear(); notices.clear(); kept.clear(); }
};

}  // namespace mipflow
