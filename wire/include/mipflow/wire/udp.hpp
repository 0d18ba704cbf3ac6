// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "mipflow/base/bytes.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::wire {

// An IPv6 packet with one UDP datagram (RFC 768, RFC 8200 §8.1), its checksum filled. The payload has to fit the 16-bit lengths.
Bytes build_udp_packet(const Envelope& envelope, std::uint16_t source_port, std::uint16_t destination_port, BytesView payload);

}  // namespace mipflow::wire
