// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/network_observer.hpp"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <array>
#include <set>
#include <vector>

#include "mipflow/platform/names.hpp"
#include "rtnetlink_codec.hpp"

namespace mipflow::platform {

namespace {

constexpr std::array<unsigned, 6> kGroups{RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE, RTNLGRP_TC};
constexpr int kReceiveBuffer = 4 * 1024 * 1024;  // octets

bool same(const Link& a, const Link& b) {
  return a.name == b.name && a.up == b.up && a.running == b.running && a.port == b.port && a.mtu == b.mtu && a.link_layer_address == b.link_layer_address;
}

bool is_default_route(const Route& route) {
  return route.destination.length() == 0 && route.table == RT_TABLE_MAIN && route.protocol != kRouteProtocol && route.interface != 0;
}

// An entry that a process deletes fails in passing, which tells nothing about the router (NeighbourKeeper deletes some). When a
// router does not answer it is the kernel itself that says so.
bool is_being_deleted(const Neighbour& neighbour, const nlmsghdr& notification) {
  return (neighbour.state & NUD_FAILED) != 0 && notification.nlmsg_pid != 0;
}

}  // namespace

Result<std::vector<Link>> list_links(NetlinkSocket& requests) {
  std::vector<Link> out;
  NetlinkMessage message = dump_links();
  const int error = requests.dump(message, [&] { out.clear(); }, [&](const nlmsghdr& answer) {
    if (auto link = decode_link(answer)) out.push_back(std::move(*link));
  });
  if (error != 0) return fail("cannot list the network interfaces", error);
  return out;
}

const Link* NetworkObserver::find_link(InterfaceIndex index) const {
  const auto found = links_.find(index);
  return found == links_.end() ? nullptr : &found->second;
}

void NetworkObserver::tell_again(InterfaceIndex interface) {
  for (const auto& [key, address] : addresses_)
    if (key.first == interface) listener_.on_address(address);
  for (const auto& [key, reachable] : routers_)
    if (key.first == interface) listener_.on_router(key.first, key.second, reachable);
}

Result<void> NetworkObserver::start() {
  auto socket = NetlinkSocket::open(NETLINK_ROUTE);
  if (!socket) return Unexpected{socket.error()};
  socket->enlarge_receive_buffer(kReceiveBuffer);
  socket->set_non_blocking();
  for (const unsigned group : kGroups)
    if (const auto done = socket->subscribe(group); !done) return done;
  notifications_.emplace(std::move(*socket));
  return resync();
}

Result<void> NetworkObserver::on_readable() {
  for (;;) {
    const auto received = notifications_->receive([this](const nlmsghdr& message) { note(message); });
    switch (received) {
      case NetlinkSocket::Received::Messages:
        continue;
      case NetlinkSocket::Received::Nothing:
        // Asked once for all notifications that came together: only the table itself tells which next hops are left.
        if (routers_stale_)
          if (const int error = refresh_routers()) return fail("cannot list the routes", error);
        return {};
      case NetlinkSocket::Received::Overrun:
        if (const auto done = resync(); !done) return done;
        listener_.on_overrun();
        continue;
      case NetlinkSocket::Received::Failed:
        return fail("cannot read network notifications");
    }
  }
}

Result<void> NetworkObserver::resync() {
  const auto listed = list_links(requests_);
  if (!listed) return Unexpected{listed.error()};
  std::map<InterfaceIndex, Link> links;
  for (const auto& link : *listed) links.emplace(link.index, link);

  std::map<AddressKey, InterfaceAddress> addresses;
  NetlinkMessage message = dump_addresses(0);
  int error = requests_.dump(message, [&] { addresses.clear(); }, [&](const nlmsghdr& answer) {
    if (const auto address = decode_address(answer)) addresses.insert_or_assign({address->interface, address->address}, *address);
  });
  if (error != 0) return fail("cannot list the addresses", error);

  const auto known_links = links_;
  for (const auto& entry : known_links)
    if (!links.contains(entry.first)) forget_link(entry.first);
  const auto known_addresses = addresses_;
  for (const auto& [key, address] : known_addresses)
    if (!addresses.contains(key)) forget_address(address);
  for (const auto& entry : links) note_link(entry.second);
  for (const auto& entry : addresses) note_address(entry.second);
  if ((error = refresh_routers()) != 0) return fail("cannot list the routes", error);

  message = dump_neighbours(0, false);
  std::vector<Neighbour> neighbours;
  error = requests_.dump(message, [&] { neighbours.clear(); }, [&](const nlmsghdr& answer) {
    if (const auto neighbour = decode_neighbour(answer)) neighbours.push_back(*neighbour);
  });
  if (error != 0) return fail("cannot list the neighbours", error);
  for (const auto& neighbour : neighbours) note_neighbour(neighbour);
  return {};
}

int NetworkObserver::refresh_routers() {
  std::set<RouterKey> present;
  NetlinkMessage message = dump_routes(RT_TABLE_MAIN);
  const int error = requests_.dump(message, [&] { present.clear(); }, [&](const nlmsghdr& answer) {
    for (const auto& route : decode_route(answer))
      if (is_default_route(route)) present.emplace(route.interface, route.gateway.value_or(Address{}));
  });
  if (error != 0) return error;
  routers_stale_ = false;
  for (auto entry = routers_.begin(); entry != routers_.end();) {
    if (present.contains(entry->first)) {
      ++entry;
      continue;
    }
    const RouterKey gone = entry->first;
    entry = routers_.erase(entry);
    listener_.on_router_removed(gone.first, gone.second);
  }
  for (const auto& router : present)
    if (routers_.emplace(router, true).second) listener_.on_router(router.first, router.second, true);
  return 0;
}

void NetworkObserver::note(const nlmsghdr& message) {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
      if (const auto link = decode_link(message)) note_link(*link);
      break;
    case RTM_DELLINK:
      if (const auto link = decode_link(message)) forget_link(link->index);
      break;
    case RTM_NEWADDR:
      if (const auto address = decode_address(message)) note_address(*address);
      break;
    case RTM_DELADDR:
      if (const auto address = decode_address(message)) forget_address(*address);
      break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      for (const auto& route : decode_route(message)) routers_stale_ = routers_stale_ || is_default_route(route);
      break;
    case RTM_NEWNEIGH:
      if (const auto neighbour = decode_neighbour(message); neighbour && !is_being_deleted(*neighbour, message)) note_neighbour(*neighbour);
      break;
    default:
      break;
  }
  listener_.on_notification(message);
}

void NetworkObserver::note_link(const Link& link) {
  const auto found = links_.find(link.index);
  if (found != links_.end() && same(found->second, link)) return;
  links_.insert_or_assign(link.index, link);
  listener_.on_link(link);
}

void NetworkObserver::forget_link(InterfaceIndex index) {
  const auto found = links_.find(index);
  if (found == links_.end()) return;
  const auto addresses = addresses_;
  for (const auto& [key, address] : addresses)
    if (key.first == index) forget_address(address);
  for (auto entry = routers_.begin(); entry != routers_.end();) {
    if (entry->first.first != index) {
      ++entry;
      continue;
    }
    const Address router = entry->first.second;
    entry = routers_.erase(entry);
    listener_.on_router_removed(index, router);
  }
  const Link link = found->second;
  links_.erase(found);
  listener_.on_link_removed(link);
}

void NetworkObserver::note_address(const InterfaceAddress& address) {
  if (!address.address.is_unicast_routable() && !address.address.is_link_local()) return;
  const AddressKey key{address.interface, address.address};
  const auto found = addresses_.find(key);
  if (found != addresses_.end() && found->second == address) return;
  addresses_.insert_or_assign(key, address);
  listener_.on_address(address);
}

void NetworkObserver::forget_address(const InterfaceAddress& address) {
  const auto found = addresses_.find({address.interface, address.address});
  if (found == addresses_.end()) return;
  const InterfaceAddress gone = found->second;
  addresses_.erase(found);
  listener_.on_address_removed(gone);
}

void NetworkObserver::note_neighbour(const Neighbour& neighbour) {
  const auto found = routers_.find({neighbour.interface, neighbour.address});
  if (found == routers_.end() || neighbour.proxy) return;
  // INCOMPLETE tells nothing yet: the first question is on its way.
  constexpr std::uint16_t kAnswered = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP;
  const bool failed = (neighbour.state & NUD_FAILED) != 0;
  if (!failed && (neighbour.state & kAnswered) == 0) return;
  if (found->second == !failed) return;
  found->second = !failed;
  listener_.on_router(neighbour.interface, neighbour.address, !failed);
}

}  // namespace mipflow::platform
