// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/file_descriptor.hpp"

namespace mipflow::platform {

// Keeps this node a member of the solicited-node groups (RFC 4291 §2.7.1) of addresses that the home agent watches:
// switches that listen to MLD then forward the Neighbor Solicitations about them. Leaves everything when it goes.
class MulticastGroups {
 public:
  // Several addresses may share a group: they are counted.
  Result<void> watch(InterfaceIndex interface, const Address& address);
  void unwatch(InterfaceIndex interface, const Address& address);

 private:
  struct Membership {
    std::size_t socket = 0;
    std::size_t watchers = 0;
  };
  struct Socket {
    FileDescriptor descriptor;
    std::size_t memberships = 0;
  };
  Result<std::size_t> join(InterfaceIndex interface, const Address& group);

  // The kernel bounds what one socket may join (net.core.optmem_max), so there are as many as it takes.
  std::vector<Socket> sockets_;
  std::map<std::pair<InterfaceIndex, Address>, Membership> memberships_;
};

}  // namespace mipflow::platform
