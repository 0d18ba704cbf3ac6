// SPDX-License-Identifier: GPL-3.0-or-later
// What happens to interfaces, addresses and default routers, told by rtnetlink. Nothing is ever polled.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "mipflow/platform/kernel_objects.hpp"
#include "mipflow/platform/netlink_socket.hpp"

namespace mipflow::platform {

// Hears about changes in the order in which they are found. A thing is told again only when something about it changed.
class NetworkListener {
 public:
  virtual ~NetworkListener() = default;
  virtual void on_link(const Link& link) = 0;
  // Comes behind the removal of the link's addresses and routers.
  virtual void on_link_removed(const Link& link) = 0;
  // Global and link-local unicast addresses.
  virtual void on_address(const InterfaceAddress& address) = 0;
  virtual void on_address_removed(const InterfaceAddress& address) = 0;
  // A default router of table main; `::` on a point-to-point link whose default route names none.
  virtual void on_router(InterfaceIndex interface, const Address& router, bool reachable) = 0;
  virtual void on_router_removed(InterfaceIndex interface, const Address& router) = 0;
  // Every rtnetlink notification as it came, for who looks after objects of their own.
  virtual void on_notification(const nlmsghdr& notification) = 0;
  // Notifications were lost: whatever depends on them has to look for itself.
  virtual void on_overrun() = 0;
};

// All interfaces of this network namespace, once.
Result<std::vector<Link>> list_links(NetlinkSocket& requests);

class NetworkObserver {
 public:
  // Both must outlive this. `requests` is a request socket that others may use as well.
  NetworkObserver(NetlinkSocket& requests, NetworkListener& listener) : requests_(requests), listener_(listener) {}

  // Subscribes, then dumps, so that nothing falls in between; the present state comes as changes.
  Result<void> start();
  // To be called when descriptor() is readable.
  Result<void> on_readable();
  int descriptor() const { return notifications_->descriptor(); }

  const Link* find_link(InterfaceIndex index) const;
  // Tells the addresses and routers of an interface again, to a listener that did not care about it before.
  void tell_again(InterfaceIndex interface);

 private:
  using RouterKey = std::pair<InterfaceIndex, Address>;
  using AddressKey = std::pair<InterfaceIndex, Address>;

  Result<void> resync();
  int refresh_routers();
  void note(const nlmsghdr& message);
  void note_link(const Link& link);
  void forget_link(InterfaceIndex index);
  void note_address(const InterfaceAddress& address);
  void forget_address(const InterfaceAddress& address);
  void note_neighbour(const Neighbour& neighbour);

  NetlinkSocket& requests_;
  NetworkListener& listener_;
  std::optional<NetlinkSocket> notifications_;
  std::map<InterfaceIndex, Link> links_;
  std::map<AddressKey, InterfaceAddress> addresses_;
  std::map<RouterKey, bool> routers_;  // true = reachable as far as known
  bool routers_stale_ = false;
};

}  // namespace mipflow::platform
