// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>

#include "mipflow/base/bytes.hpp"

namespace mipflow::tools {

// The IPv6 packet in a captured frame.
struct CarriedPacket {
  BytesView packet;
  std::string carried_in{};  // "UDP port 4191 over IPv4 ..." (RFC 5555), else empty
};

// `link_type`: libpcap's DLT_ number. True for Ethernet (also with VLAN tags), raw IP, raw IPv6, Linux cooked v1 and v2,
// BSD loopback.
bool link_type_is_known(int link_type);
// nullopt when the frame carries no IPv6.
std::optional<CarriedPacket> ipv6_in_frame(int link_type, BytesView frame);
// The same for what starts with an IP header.
std::optional<CarriedPacket> ipv6_in_ip(BytesView packet);

}  // namespace mipflow::tools
