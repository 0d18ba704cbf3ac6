// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/file_descriptor.hpp"
#include "mipflow/platform/kernel_objects.hpp"
#include "mipflow/platform/netlink_socket.hpp"
#include "mipflow/platform/sysctls.hpp"

namespace mipflow::had {

using namespace home_agent;

// The kernel's settings that a home agent needs: it forwards, it answers for the home addresses of nodes that are away.
// A host that forwards ignores router advertisements; interfaces that listened to them go on doing so (accept_ra=2).
// `home_link` is empty when it is virtual.
platform::Result<void> prepare_forwarding(platform::Sysctls& sysctls, const std::vector<std::string>& interfaces, const std::string& home_link);

// Makes this node answer at the anycast addresses while it lives.
class AnycastMemberships {
 public:
  platform::Result<void> join(InterfaceIndex interface, const Address& address);

 private:
  std::vector<platform::FileDescriptor> sockets_;
};

}  // namespace mipflow::had
