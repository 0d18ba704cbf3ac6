// SPDX-License-Identifier: GPL-3.0-or-later
// What a data path does to the headers of packets, on whole octets.
#pragma once

#include <optional>

#include "mipflow/wire/packet.hpp"

namespace mipflow::simulation {

// The same upper layer with the headers of the envelope. The upper layer's checksum stays right as long as the envelope's
// logical addresses are those that it was made for.
Bytes with_headers(const wire::PacketView& view, const wire::Envelope& envelope);
// The packet between the addresses that the upper layer sees, with neither Home Address option nor type 2 routing header.
Bytes without_mobility_headers(const wire::PacketView& view);

bool is_icmpv6_error(const wire::PacketView& view);
// The packet that an ICMPv6 error quotes, as far as its headers can be read; points into `view`.
std::optional<wire::PacketView> quoted_packet(const wire::PacketView& view);

// The wire's destination, also of a packet whose extension headers are malformed; nullopt when it is no IPv6 packet.
std::optional<Address> destination_on_the_wire(BytesView packet);

}  // namespace mipflow::simulation
