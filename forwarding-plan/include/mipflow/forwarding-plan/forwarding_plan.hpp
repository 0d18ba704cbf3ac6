// SPDX-License-Identifier: GPL-3.0-or-later
// What the kernel should look like, as a role wants it. Values only; the platform and the data path carry it out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/flow_key.hpp"
#include "mipflow/forwarding-plan/plan_table.hpp"

namespace mipflow::forwarding {

// Names a binding in the data path: flows point to it, so moving every flow of a home address is one update. 0 = none.
using BindingId = std::uint32_t;

// ---- mobile node ----

// A home address that the device `mip0` carries. Packets with this source that belong to no flow known to the data
// path use `default_binding`, so that traffic goes on when the daemon does not.
struct HomeAddressItem {
  BindingId default_binding = 0;
  bool primary = false;  // the source address that unbound sockets get
  friend bool operator==(const HomeAddressItem&, const HomeAddressItem&) = default;
};

enum class HeaderKind : std::uint8_t {
  Tunnel,          // IPv6-in-IPv6 to the home agent, RFC 6275 §11.3.1
  RouteOptimized,  // Home Address option, straight to the correspondent node, RFC 6275 §11.3.1
  // No header: the packet leaves as the interface's own traffic does, source rewritten to the care-of address, and what
  // comes back to that address and belongs to the flow is written back. For flows that the policy leaves alone (`bypass`)
  // although their socket has a home address. FlowItem::home_address is the care-of address then; `peer` is not used.
  Plain,
};

// Where packets of one home address to one holder of its binding go.
struct BindingItem {
  HeaderKind header = HeaderKind::Tunnel;
  Address home_address;
  Address care_of_address;  // source on the wire
  Address peer;             // the home agent (outer destination), or the correspondent node
  InterfaceIndex uplink = 0;
  friend bool operator==(const BindingItem&, const BindingItem&) = default;
};

// A flow as the sockets see it (key), and what becomes of it: source rewritten to `home_address` on the way out and
// back on the way in, headers of `binding`.
struct FlowItem {
  FlowId id = 0;
  Address home_address;
  BindingId binding = 0;
  friend bool operator==(const FlowItem&, const FlowItem&) = default;
};

// What a socket gets as its source address when it connects or sends without having bound one: the Figure 6 question,
// answered where the socket asks it. See datapath/include/mipflow/datapath/socket_addresses.hpp.
//
// The steps are tried in order; the first whose address is free for the correspondent node is taken. `free` is Figure 6's
// question made general: no flow has this home address and the same holder of its binding, and none has it with the same
// correspondent node.
struct SocketAddressStep {
  Address home_address;
  bool shared_by_any = false;  // take it whoever uses it: the last resort
  bool spare = false;          // step 43: nobody has it yet; the first socket that takes it has it alone
  bool held_by_home_agent = false;  // a flow that goes through the home agent has it, so no other one could move alone
  friend bool operator==(const SocketAddressStep&, const SocketAddressStep&) = default;
};
struct SocketAddresses {
  static constexpr std::size_t kMostSteps = 64;
  // False: sockets keep what the routing table gives them, and the data path rewrites.
  bool enabled = false;
  std::vector<SocketAddressStep> steps{};
  friend bool operator==(const SocketAddresses&, const SocketAddresses&) = default;
};

// An address of an uplink that tunnelled packets and signalling may arrive at, and the rule that packets with this
// source use the ordinary routing tables.
struct CareOfAddressItem {
  InterfaceIndex interface = 0;
  friend bool operator==(const CareOfAddressItem&, const CareOfAddressItem&) = default;
};

// Outer source addresses that tunnelled packets are accepted from (RFC 6275 §11.3.3).
struct HomeAgentItem {
  friend bool operator==(const HomeAgentItem&, const HomeAgentItem&) = default;
};

// The default route through mip0; absent while there is no registered primary home address.
struct DefaultRoute {
  Address preferred_source;
  std::uint32_t mtu = 1460;  // octets of an inner packet that every uplink in use can carry inside its header
  friend bool operator==(const DefaultRoute&, const DefaultRoute&) = default;
};

// A home address together with a correspondent node. Mobile node: packets of this correspondent node with a type 2
// routing header for this home address are accepted (RFC 6275 §11.3.3). Correspondent node: names a Binding Cache entry.
struct HomeAddressAndCorrespondent {
  Address home_address;
  Address correspondent;
  friend bool operator==(const HomeAddressAndCorrespondent&, const HomeAddressAndCorrespondent&) = default;
};

// ---- correspondent node; the home agent is one too ----

// A Binding Cache entry, RFC 6275 §9.1: packets from `correspondent` (our address) to the home address get a type 2
// routing header and go to the care-of address (§9.3.2); packets from the care-of address to `correspondent` may carry a
// Home Address option with the home address (§9.3.1).
struct CorrespondentBindingItem {
  Address care_of_address;
  // Packets that were under way when the mobile node moved are still accepted from there; `::` = from nowhere else.
  Address previous_care_of_address;
  friend bool operator==(const CorrespondentBindingItem&, const CorrespondentBindingItem&) = default;
};

// ---- home agent ----

// Packets to a home address are intercepted (a route to mip0: its own, or that of `home_networks`) and tunnelled.
struct TunnelItem {
  Address care_of_address;  // outer destination
  Address home_agent;       // outer source
  friend bool operator==(const TunnelItem&, const TunnelItem&) = default;
};

// A pair of home address (inner source) and care-of address (outer source) that reverse-tunnelled packets are accepted
// from (RFC 6275 §10.4.5): the registered one and, for a moment, the one before it.
struct TunnelSource {
  Address home_address;
  Address care_of_address;
  friend bool operator==(const TunnelSource&, const TunnelSource&) = default;
};

// Something that concerns an address on an interface: a proxied neighbour, a solicited-node group to listen to.
struct OnInterface {
  InterfaceIndex interface = 0;
  Address address;
  friend bool operator==(const OnInterface&, const OnInterface&) = default;
};

struct Present {
  friend bool operator==(const Present&, const Present&) = default;
};

// A host route HoA/128 to mip0 in a routing table of its own that nothing looks into but the operator's routing daemon,
// which announces it to the home network (docs/operations.md).
struct AnnouncedRoute {
  std::uint32_t metric = 0;  // lower is better; the routing daemon makes it a preference
  friend bool operator==(const AnnouncedRoute&, const AnnouncedRoute&) = default;
};

}  // namespace mipflow::forwarding

template <>
struct std::hash<mipflow::forwarding::TunnelSource> {
  std::size_t operator()(const mipflow::forwarding::TunnelSource& value) const noexcept {
    return std::hash<mipflow::Address>{}(value.home_address) * 31 + std::hash<mipflow::Address>{}(value.care_of_address);
  }
};
template <>
struct std::hash<mipflow::forwarding::HomeAddressAndCorrespondent> {
  std::size_t operator()(const mipflow::forwarding::HomeAddressAndCorrespondent& value) const noexcept {
    return std::hash<mipflow::Address>{}(value.home_address) * 31 + std::hash<mipflow::Address>{}(value.correspondent);
  }
};
template <>
struct std::hash<mipflow::Prefix> {
  std::size_t operator()(const mipflow::Prefix& value) const noexcept {
    return std::hash<mipflow::Address>{}(value.address()) * 31 + value.length();
  }
};
template <>
struct std::hash<mipflow::forwarding::OnInterface> {
  std::size_t operator()(const mipflow::forwarding::OnInterface& value) const noexcept {
    return std::hash<mipflow::Address>{}(value.address) * 31 + value.interface;
  }
};

namespace mipflow::forwarding {

// Each is a rule that the kernel looks at for every route that somebody asks for.
inline constexpr std::size_t kMostBypassedPrefixes = 64;

// Order in which a runner carries out changes: home agents, care-of addresses, routing header sources, bindings, home
// addresses, flows, default route; correspondent bindings; proxies, home networks, tunnels and tunnel sources; what is removed
// goes in the opposite order and last.
struct ForwardingPlan {
  // mobile node
  PlanTable<Address, HomeAgentItem> home_agents;
  PlanTable<Address, CareOfAddressItem> care_of_addresses;
  PlanTable<HomeAddressAndCorrespondent, Present> routing_header_sources;
  PlanTable<BindingId, BindingItem> bindings;
  PlanTable<Address, HomeAddressItem> home_addresses;
  PlanTable<FlowKey, FlowItem> flows;
  std::optional<DefaultRoute> default_route;  // compared as a whole by the runner
  SocketAddresses socket_addresses;           // likewise; who has which home address is in `home_address_users`
  // A correspondent node that a home address has flows with (Figure 6's question, for the socket's own choice).
  PlanTable<HomeAddressAndCorrespondent, Present> home_address_users;
  // Destinations that keep to the ordinary routing tables, whatever socket sends there (policy: `bypass` by `peer` alone), but
  // for sockets that have a home address. At most kMostBypassedPrefixes; more are left out.
  PlanTable<Prefix, Present> bypassed_prefixes;
  // correspondent node
  PlanTable<HomeAddressAndCorrespondent, CorrespondentBindingItem> correspondent_bindings;
  // home agent
  // Routed (virtual) home networks: one route leads to mip0 whatever is below, so that tunnels need none of their own. What is
  // not bound goes on from there as the routing tables have it otherwise.
  PlanTable<Prefix, Present> home_networks;
  PlanTable<Address, TunnelItem> tunnels;               // by home address
  PlanTable<TunnelSource, Present> tunnel_sources;
  PlanTable<OnInterface, Present> proxied_neighbours;   // answer Neighbor Solicitations for the address
  PlanTable<Address, AnnouncedRoute> announced_routes;  // by home address
  PlanTable<OnInterface, Present> watched_addresses;    // join the solicited-node group; hand NS and NA about it to the role
};

}  // namespace mipflow::forwarding
