// SPDX-License-Identifier: GPL-3.0-or-later
// What the kernel should look like, as a role wants it. Values only; the platform and the data path carry it out.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>

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
  Tunnel,  // IPv6-in-IPv6 to the home agent, RFC 6275 §11.3.1
};

// Where packets of one home address to one holder of its binding go.
struct BindingItem {
  HeaderKind header = HeaderKind::Tunnel;
  Address home_address;
  Address care_of_address;  // outer source
  Address peer;             // outer destination: the home agent
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

// ---- home agent ----

// Packets to a home address are intercepted (a host route to mip0) and tunnelled.
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

}  // namespace mipflow::forwarding

template <>
struct std::hash<mipflow::forwarding::TunnelSource> {
  std::size_t operator()(const mipflow::forwarding::TunnelSource& value) const noexcept {
    return std::hash<mipflow::Address>{}(value.home_address) * 31 + std::hash<mipflow::Address>{}(value.care_of_address);
  }
};
template <>
struct std::hash<mipflow::forwarding::OnInterface> {
  std::size_t operator()(const mipflow::forwarding::OnInterface& value) const noexcept {
    return std::hash<mipflow::Address>{}(value.address) * 31 + value.interface;
  }
};

namespace mipflow::forwarding {

// Order in which a runner carries out changes: home agents, care-of addresses, bindings, home addresses, flows, default
// route; proxies, tunnels and tunnel sources; what is removed goes in the opposite order and last.
struct ForwardingPlan {
  // mobile node
  PlanTable<Address, HomeAgentItem> home_agents;
  PlanTable<Address, CareOfAddressItem> care_of_addresses;
  PlanTable<BindingId, BindingItem> bindings;
  PlanTable<Address, HomeAddressItem> home_addresses;
  PlanTable<FlowKey, FlowItem> flows;
  std::optional<DefaultRoute> default_route;  // compared as a whole by the runner
  // home agent
  PlanTable<Address, TunnelItem> tunnels;               // by home address
  PlanTable<TunnelSource, Present> tunnel_sources;
  PlanTable<OnInterface, Present> proxied_neighbours;   // answer Neighbor Solicitations for the address
  PlanTable<OnInterface, Present> watched_addresses;    // join the solicited-node group; hand NS and NA about it to the role
};

}  // namespace mipflow::forwarding
