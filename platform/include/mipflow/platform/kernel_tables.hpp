// SPDX-License-Identifier: GPL-3.0-or-later
// The addresses, routes, rules and proxied neighbours of the plan in the kernel's tables, by rtnetlink.
//
//   mobile node
//   address  HoA/128 on mip0, nodad noprefixroute; all but the primary one with preferred lifetime 0, so that no socket
//            picks them
//   route    default dev mip0 src <primary> mtu N   table 6275
//   rule     6270: to <home agent>       lookup main
//            6271: from <care-of>        lookup main
//            6272: lookup main suppress_prefixlength 0
//            6273: from HoA fwmark 0/<ours> lookup 6275  each home address, while a prefix is bypassed
//            6274: to <bypassed prefix>  lookup main
//            6275: not fwmark <ours>     lookup 6275
//
//   home agent, home link
//   route    HoA/128 via fe80::6275 dev mip0 (table main)
//   proxy    HoA dev <home link>
//
//   home agent, routed home network
//   route    <home prefix> via fe80::6275 dev mip0   table 6278
//   rule     6276: to <home prefix> fwmark 0/<unbound> lookup 6278    mip0's program puts the mark on what nobody has bound, and it
//            is routed again: in front of all that the operator has for the prefix or a part of it, and in nobody's way
//
//   correspondent node, and home agent as one
//   route    HoA/128 dev mip0 src <our address of the binding> mtu N   table 6276
//   rule     6269: iif lo fwmark 0/<ours> lookup 6276    while there is a binding: what this host sends itself, but not
//            the daemon's messages, which have their own way (a Home Test goes to the home address by the home agent)
//
//   home agents that share the load, on a routed home network
//   route    HoA/128 dev mip0 metric M   table 6277    for a routing daemon to announce; nothing looks it up here
// Everything carries kRouteProtocol or stands on our device.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "mipflow/platform/kernel_objects.hpp"
#include "mipflow/platform/netlink_socket.hpp"
#include "mipflow/platform/plan_changes.hpp"

namespace mipflow::platform {

class BypassRules;

// What of ours the kernel holds, or should hold, in a form that diff() compares.
struct KernelObjects {
  struct RouteKey {
    std::uint32_t table = 0;
    Prefix destination;
    std::uint32_t metric = Route{}.metric;  // the kernel keeps routes apart by it
    friend bool operator==(const RouteKey&, const RouteKey&) = default;
  };
  struct RouteKeyHash {
    std::size_t operator()(const RouteKey& key) const noexcept { return std::hash<Prefix>{}(key.destination) * 31 + key.table + key.metric; }
  };
  struct ProxyKey {
    InterfaceIndex interface = 0;
    Address address;
    friend auto operator<=>(const ProxyKey&, const ProxyKey&) = default;
  };
  std::map<Address, bool> addresses;  // on our device; true = preferred (the primary one)
  std::map<Rule, forwarding::Present> rules;
  std::unordered_map<RouteKey, Route, RouteKeyHash> routes;  // a home agent has as many as bindings
  std::map<ProxyKey, forwarding::Present> proxies;
};

// By home address: those of our addresses that have a binding with it.
using Correspondents = std::unordered_map<Address, std::set<Address>>;

// `uplink_mtu` is what KernelTables::set_uplink_mtu() says.
KernelObjects objects_of(const forwarding::ForwardingPlan& plan, InterfaceIndex device, std::uint32_t uplink_mtu);

class KernelTables {
 public:
  // `socket` must outlive this. `device` is the index of mip0.
  KernelTables(NetlinkSocket& socket, InterfaceIndex device);
  ~KernelTables();
  KernelTables(KernelTables&&) noexcept;

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

  // True when the kernel does not proxy something that the plan wants, on an interface for which `works`. To be asked now and
  // then: the kernel tells nobody when one is deleted. Costs a dump of all proxied neighbours, about a microsecond for each.
  bool lacks_proxies(const forwarding::ForwardingPlan& plan, const std::function<bool(InterfaceIndex)>& works);

  // Octets of a packet that every uplink can carry, headers of ours included; reconcile() brings it to the routes that
  // there are already. 1500 before the first call.
  void set_uplink_mtu(std::uint32_t mtu) { uplink_mtu_ = mtu; }

 private:
  Result<KernelObjects> read_back();
  template <class Object>
  void carry_out(bool adding, const Object& object, std::vector<Failure>& refused);
  // For many: several go to the kernel together.
  template <class Range, class ToObject>
  void carry_out_each(bool adding, Range&& range, ToObject to_object, std::vector<Failure>& refused);
  void put_address(const Address& address, bool preferred, std::vector<Failure>& refused);
  void have_sockets_look_again(const Address& home_address, std::vector<Failure>& refused);
  void put_route(Route route, std::vector<Failure>& refused);
  void add_correspondent(const forwarding::HomeAddressAndCorrespondent& binding, std::vector<Failure>& refused);
  void remove_correspondent(const forwarding::HomeAddressAndCorrespondent& binding, std::vector<Failure>& refused);
  void announce(const Address& home_address, const forwarding::AnnouncedRoute& route, std::vector<Failure>& refused);
  void withdraw(const Address& home_address, std::vector<Failure>& refused);
  void add_home_networks(const PlanChanges& changes, std::vector<Failure>& refused);
  void remove_home_networks(const PlanChanges& changes, std::vector<Failure>& refused);

  NetlinkSocket& socket_;
  InterfaceIndex device_;
  std::uint32_t uplink_mtu_ = 1500;
  std::unique_ptr<BypassRules> bypass_rules_;
  Correspondents correspondents_;  // of the bindings that were carried out: those of one home address share a route
  std::unordered_map<Address, std::uint32_t> announced_;  // metric of what was carried out: another one is another route
  // Of what was carried out; tunnels below a home network have no host route.
  std::unordered_set<Prefix> home_networks_;
  std::unordered_set<Address> host_routes_;
};

}  // namespace mipflow::platform
