// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <set>
#include <utility>

#include "mipflow/base/address.hpp"
#include "mipflow/platform/netlink_socket.hpp"

namespace mipflow::platform {

// Keeps the neighbour entries of default routers resolved, so that the data path can hand a packet to the uplink the
// moment a flow moves there. The kernel does the work (NTF_EXT_MANAGED, Linux 5.16); older ones are asked once.
class NeighbourKeeper {
 public:
  explicit NeighbourKeeper(NetlinkSocket& socket) : socket_(socket) {}

  void keep(InterfaceIndex interface, const Address& router);
  void release(InterfaceIndex interface, const Address& router);
  void release_all();
  // Throws away the packets that wait for the routers of an interface that lost its carrier. The kernel would keep them
  // for three seconds, and TCP does not retransmit what is still on its way out of the host: a flow that has long moved
  // to another interface would stand still for that time.
  void drop_waiting(InterfaceIndex interface);

 private:
  NetlinkSocket& socket_;
  bool managed_ = true;
  std::set<std::pair<InterfaceIndex, Address>> kept_;
};

}  // namespace mipflow::platform
