// SPDX-License-Identifier: GPL-3.0-or-later
// The walk over a packet's headers that parse_packet() and flow_key_of() share, and the numbers of the headers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "mipflow/base/bytes.hpp"
#include "mipflow/wire/error.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::wire {

inline constexpr std::size_t kIpv6HeaderLength = 40;

// Next Header values of the extension headers that have an upper layer behind them.
inline constexpr std::uint8_t kHopByHopOptions = 0;
inline constexpr std::uint8_t kRoutingHeader = 43;
inline constexpr std::uint8_t kFragmentHeader = 44;
inline constexpr std::uint8_t kAuthenticationHeader = 51;
inline constexpr std::uint8_t kDestinationOptions = 60;

// RFC 6275 §6.3: 0xc9 asks nodes that do not know it to discard the packet and to say so.
inline constexpr std::uint8_t kHomeAddressOption = 0xc9;

// Reads the fixed header; the reader then stands behind it.
std::optional<DecodeError> read_ipv6_header(Reader& reader, PacketView& view, std::size_t& payload_length);

// Reads the extension headers from `view.protocol` on; the reader then stands at the upper layer, whose number is in
// `view.protocol`. Leaves `view.payload` alone.
std::optional<DecodeError> walk_extension_headers(Reader& reader, PacketView& view);

}  // namespace mipflow::wire
