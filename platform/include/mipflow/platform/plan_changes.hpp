// SPDX-License-Identifier: GPL-3.0-or-later
// What a role changed in its plan since the last look: the difference that the adapters carry out.
#pragma once

#include <optional>

#include "mipflow/forwarding-plan/forwarding_plan.hpp"

namespace mipflow::platform {

struct PlanChanges {
  forwarding::Difference<Address, forwarding::HomeAgentItem> home_agents;
  forwarding::Difference<Address, forwarding::CareOfAddressItem> care_of_addresses;
  forwarding::Difference<forwarding::HomeAddressAndCorrespondent, forwarding::Present> routing_header_sources;
  forwarding::Difference<forwarding::BindingId, forwarding::BindingItem> bindings;
  forwarding::Difference<Address, forwarding::HomeAddressItem> home_addresses;
  forwarding::Difference<FlowKey, forwarding::FlowItem> flows;
  forwarding::Difference<forwarding::HomeAddressAndCorrespondent, forwarding::CorrespondentBindingItem> correspondent_bindings;
  forwarding::Difference<Prefix, forwarding::Present> home_networks;
  forwarding::Difference<Address, forwarding::TunnelItem> tunnels;
  forwarding::Difference<forwarding::TunnelSource, forwarding::Present> tunnel_sources;
  forwarding::Difference<forwarding::OnInterface, forwarding::Present> proxied_neighbours;
  forwarding::Difference<Address, forwarding::AnnouncedRoute> announced_routes;
  forwarding::Difference<forwarding::OnInterface, forwarding::Present> watched_addresses;
  forwarding::Difference<forwarding::HomeAddressAndCorrespondent, forwarding::Present> home_address_users;
  forwarding::Difference<Prefix, forwarding::Present> bypassed_prefixes;
  std::optional<forwarding::SocketAddresses> socket_addresses;  // only when they are different
  bool default_route_changed = false;
  std::optional<forwarding::DefaultRoute> default_route;

  bool empty() const;
};

// What was last carried out of the parts of a plan that are compared as a whole.
struct CarriedOut {
  std::optional<forwarding::DefaultRoute> default_route{};
  forwarding::SocketAddresses socket_addresses{};
};

// Takes the changes out of the plan; `before` becomes what the plan has now.
PlanChanges take_changes(forwarding::ForwardingPlan& plan, CarriedOut& before);

}  // namespace mipflow::platform
