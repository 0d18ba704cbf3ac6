// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "mipflow/wire/packet.hpp"
#include "report.hpp"

namespace mipflow::tools {

Message describe(const wire::MobilityMessage& message);
Message describe(const wire::Icmpv6Message& message);
Item describe(const wire::MobilityOption& option);
// A Mobility Header that could not be decoded: its type is all there is to tell.
Message describe_unknown_mobility_type(std::uint8_t type);

// One sentence: what the error means and what a receiver does.
std::string explain(wire::DecodeErrorKind kind);

// The checks of RFC 6275 that a receiver makes behind the decoder and that need no state but the packet itself.
std::optional<Problem> broken_rule(const wire::SignallingPacket& packet);
// The same for a packet of data.
std::optional<Problem> broken_rule(const wire::PacketView& view);

// A field whose text is the name with spaces and the value.
Field field(std::string name, nlohmann::ordered_json value);
Field field(std::string name, const Address& value);
Field field(std::string name, nlohmann::ordered_json value, std::string text);
// "0x" and `digits` hex digits.
std::string hex_number(std::uint64_t value, int digits);

}  // namespace mipflow::tools
