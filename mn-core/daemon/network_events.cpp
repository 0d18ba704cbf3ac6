// SPDX-License-Identifier: GPL-3.0-or-later
#include "network_events.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "mipflow/platform/interface_kind.hpp"

namespace mipflow::mnd {

namespace {

AddressChanged as_event(const platform::InterfaceAddress& address) {
  AddressChanged out;
  out.interface = address.interface;
  out.address = address.address;
  out.prefix_length = address.prefix_length;
  // An optimistic address may be used while its detection runs (RFC 4429).
  out.tentative = ((address.flags & IFA_F_TENTATIVE) != 0 && (address.flags & IFA_F_OPTIMISTIC) == 0) || (address.flags & IFA_F_DADFAILED) != 0;
  out.deprecated = (address.flags & IFA_F_DEPRECATED) != 0;
  out.temporary = (address.flags & IFA_F_TEMPORARY) != 0;
  if (address.valid != platform::InterfaceAddress::kForever) out.valid_for = std::chrono::seconds{address.valid};
  return out;
}

}  // namespace

void NetworkEvents::on_link(const platform::Link& link) {
  if (!platform::may_be_uplink(link, own_device_, ignored_)) {
    forget(link.index);  // renamed, or put into a bridge
    return;
  }
  const bool is_new = uplinks_.insert(link.index).second;
  if (is_new) hooks_.uplink_came(link.index);
  hooks_.event(InterfaceChanged{.index = link.index,
                                .name = link.name,
                                .kind = platform::interface_kind(link),
                                .up = link.up,
                                .running = link.running,
                                .mtu = link.mtu,
                                .link_layer_address = link.link_layer_address});
  hooks_.carrier_changed(link.index, link.up && link.running);
}

void NetworkEvents::on_link_removed(const platform::Link& link) { forget(link.index); }

void NetworkEvents::forget(InterfaceIndex interface) {
  if (uplinks_.erase(interface) == 0) return;
  hooks_.event(InterfaceRemoved{interface});
  hooks_.uplink_went(interface);
}

void NetworkEvents::on_address(const platform::InterfaceAddress& address) {
  if (uplinks_.contains(address.interface)) hooks_.event(as_event(address));
}

void NetworkEvents::on_address_removed(const platform::InterfaceAddress& address) {
  if (uplinks_.contains(address.interface)) hooks_.event(AddressRemoved{address.interface, address.address});
}

void NetworkEvents::on_router(InterfaceIndex interface, const Address& router, bool reachable) {
  if (!uplinks_.contains(interface)) return;
  hooks_.router_came(interface, router);
  hooks_.event(RouterChanged{interface, router, reachable});
}

void NetworkEvents::on_router_removed(InterfaceIndex interface, const Address& router) {
  hooks_.router_went(interface, router);
  if (uplinks_.contains(interface)) hooks_.event(RouterRemoved{interface, router});
}

void NetworkEvents::on_notification(const nlmsghdr& notification) {
  switch (notification.nlmsg_type) {
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
    case RTM_NEWRULE:
    case RTM_DELRULE: hooks_.routes_changed(); break;
    default: break;
  }
  hooks_.notification(notification);
}

}  // namespace mipflow::mnd
