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
  // The interface lost its carrier or was switched off, or is back. May be told again.
  void carrier_changed(InterfaceIndex interface, bool has_one);
  // It is of no interest any more.
  void forget(InterfaceIndex interface) { without_carrier_.erase(interface); }
  // Throws away the packets that wait for the routers of interfaces that lost their carrier or were switched off; also for those
  // that were released since, because an interface that is down has no routers. To be called when that happens, and again when
  // the interface is back: a flow whose Binding Update had to wait has gone on sending there. The kernel would keep them
  // for three seconds, and TCP does not retransmit what is still on its way out of the host: a flow that has long moved
  // to another interface would stand still for that time. And should the interface come back meanwhile, they would arrive from a
  // care-of address that the home agent has long forgotten.
  void drop_waiting();

 private:
  void ask(InterfaceIndex interface, const Address& router);

  NetlinkSocket& socket_;
  bool managed_ = true;
  std::set<std::pair<InterfaceIndex, Address>> kept_;
  std::set<std::pair<InterfaceIndex, Address>> released_;  // of interfaces without carrier, or since the last drop_waiting()
  std::set<InterfaceIndex> without_carrier_;
  std::set<InterfaceIndex> changed_;  // of these, and those that are back, since the last drop_waiting()
};

}  // namespace mipflow::platform
