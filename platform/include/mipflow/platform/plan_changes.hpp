// SPDX-License-Identifier: GPL-3.0-or-later
// What a role changed in its plan since the last look: the difference that the adapters carry out.
#pragma once

#include <optional>

#include "mipflow/forwarding-plan/forwarding_plan.hpp"

namespace mipflow::platform {

struct PlanChanges {
  forwarding::Difference<Address, forwarding::HomeAgentItem> home_agents;
  forwarding::Difference<Address, forwarding::CareOfAddressItem> care_of_addresses;
  forwarding::Difference<forwarding::BindingId, forwarding::BindingItem> bindings;
  forwarding::Difference<Address, forwarding::HomeAddressItem> home_addresses;
  forwarding::Difference<FlowKey, forwarding::FlowItem> flows;
  forwarding::Difference<Address, forwarding::TunnelItem> tunnels;
  forwarding::Difference<forwarding::TunnelSource, forwarding::Present> tunnel_sources;
  forwarding::Difference<forwarding::OnInterface, forwarding::Present> proxied_neighbours;
  forwarding::Difference<forwarding::OnInterface, forwarding::Present> watched_addresses;
  bool default_route_changed = false;
  std::optional<forwarding::DefaultRoute> default_route;

  bool empty() const;
};

// Takes the changes out of the plan. `default_route` is the one that was last carried out and becomes the new one.
PlanChanges take_changes(forwarding::ForwardingPlan& plan, std::optional<forwarding::DefaultRoute>& default_route);

}  // namespace mipflow::platform
