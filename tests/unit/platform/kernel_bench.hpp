// SPDX-License-Identifier: GPL-3.0-or-later
// For the tests of what the adapters do to a real kernel, each case in a network namespace of its own that goes with it.
// Needs root.
//
//   (namespace)  mip0      uplink ══ far
#pragma once

#include <catch2/catch.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "mipflow/platform/kernel_tables.hpp"
#include "mipflow/platform/mip_device.hpp"
#include "mipflow/platform/netlink_socket.hpp"

namespace mipflow::platform::test {

inline const Address kHomeAgent = *Address::parse("2001:db8:1::1");
inline const Address kPrimary = *Address::parse("2001:db8:1::100");
inline const Address kOther = *Address::parse("2001:db8:1::101");
inline const Address kCareOf = *Address::parse("2001:db8:a::1");

// What a command prints; it has to succeed. Tests may run commands, daemons may not.
std::string output_of(const std::string& command);
void run(const std::string& command);
bool wait_for(const std::function<bool()>& condition);
bool contains(const std::string& text, const std::string& part);
// Gives uplink an address with a 64-bit prefix, and returns when packets to it are the host's: the kernel lists the address first,
// and until a worker of its has made the route, they leave on the link.
void give_uplink(const std::string& address);

// A new network namespace.
struct Namespace {
  Namespace();
};

struct Bench : Namespace {
  NetlinkSocket socket = std::move(NetlinkSocket::open(NETLINK_ROUTE).value());
  InterfaceIndex device = ensure_mip_device(socket, "mip0", 1460).value();
  KernelTables tables{socket, device};
  std::vector<Failure> refused;
};

forwarding::ForwardingPlan mobile_node_plan();

}  // namespace mipflow::platform::test
