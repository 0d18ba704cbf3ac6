// SPDX-License-Identifier: GPL-3.0-or-later
// The addresses, routes, rules and proxied neighbours of the plan in the kernel's tables, by rtnetlink.
//
//   mobile node                                                            home agent
//   address  HoA/128 on mip0, nodad noprefixroute; all but the primary      route HoA/128 dev mip0 (table main)
//            one with preferred lifetime 0, so that no socket picks them    proxy HoA dev <home link>
//   route    default dev mip0 src <primary> mtu N   table 6275
//   rule     6272: to <home agent>       lookup main
//            6273: from <care-of>        lookup main
//            6274: lookup main suppress_prefixlength 0
//            6275: not fwmark <ours>     lookup 6275
// Everything carries kRouteProtocol or stands on our device.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "mipflow/platform/kernel_objects.hpp"
#include "mipflow/platform/netlink_socket.hpp"
#include "mipflow/platform/plan_changes.hpp"

namespace mipflow::platform {

// What of ours the kernel holds, or should hold, in a form that diff() compares.
struct KernelObjects {
  struct RouteKey {
    std::uint32_t table = 0;
    Prefix destination;
    friend auto operator<=>(const RouteKey&, const RouteKey&) = default;
  };
  struct ProxyKey {
    InterfaceIndex interface = 0;
    Address address;
    friend auto operator<=>(const ProxyKey&, const ProxyKey&) = default;
  };
  std::map<Address, bool> addresses;  // on our device; true = preferred (the primary one)
  std::map<Rule, forwarding::Present> rules;
  std::map<RouteKey, Route> routes;
  std::map<ProxyKey, forwarding::Present> proxies;
};

KernelObjects objects_of(const forwarding::ForwardingPlan& plan, InterfaceIndex device);

class KernelTables {
 public:
  // `socket` must outlive this. `device` is the index of mip0.
  KernelTables(NetlinkSocket& socket, InterfaceIndex device) : socket_(socket), device_(device) {}

  // Carry out the additions, later the removals. What the kernel refuses is appended to `refused`; objects that are
  // there already, or gone already, are no failure.
  void add(const PlanChanges& changes, std::vector<Failure>& refused);
  void remove(const PlanChanges& changes, std::vector<Failure>& refused);

  // Reads back what the kernel holds of ours and adds what the plan has more; with `take_away` also removes what it has
  // less. At start (what a crashed daemon left), and after somebody deleted something. An empty plan takes everything
  // back. Returns how many objects were changed.
  std::size_t reconcile(const forwarding::ForwardingPlan& plan, bool take_away, std::vector<Failure>& refused);

  // True when the notification says that something vanished that the plan wants.
  bool is_loss(const nlmsghdr& notification, const forwarding::ForwardingPlan& plan) const;

  // The device was made anew, for example after somebody deleted it.
  void set_device(InterfaceIndex device) { device_ = device; }

 private:
  Result<KernelObjects> read_back();
  template <class Object>
  void carry_out(bool adding, const Object& object, std::vector<Failure>& refused);
  void put_address(const Address& address, bool preferred, std::vector<Failure>& refused);

  NetlinkSocket& socket_;
  InterfaceIndex device_;
};

}  // namespace mipflow::platform
