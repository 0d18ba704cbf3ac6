// SPDX-License-Identifier: GPL-3.0-or-later
// What a home agent that is a DHCPv6 client on its home link is told about its UDP port 546 there.
#pragma once

#include <string>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"

namespace mipflow::home_agent {

// The payload of a datagram that arrived there; its checksum was right.
struct Dhcpv6Received {
  Bytes message;
  Address source;
  InterfaceIndex interface = 0;
};

// The port was opened, or can not be.
struct Dhcpv6Port {
  Address link_local_address;  // of the home link's interface: what messages leave from; `::` while the port is not open
  std::string trouble{};       // for the operator, why it is not open; empty while that is only a matter of time
};

}  // namespace mipflow::home_agent
