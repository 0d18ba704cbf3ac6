// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/plan_changes.hpp"

namespace mipflow::platform {

namespace {

template <class Table>
void take(Table& table, decltype(table.take_changes())& out) {
  if (table.has_changes()) out = table.take_changes();
}

}  // namespace

bool PlanChanges::empty() const {
  return home_agents.empty() && care_of_addresses.empty() && bindings.empty() && home_addresses.empty() && flows.empty() &&
         tunnels.empty() && tunnel_sources.empty() && proxied_neighbours.empty() && watched_addresses.empty() &&
         !default_route_changed;
}

PlanChanges take_changes(forwarding::ForwardingPlan& plan, std::optional<forwarding::DefaultRoute>& default_route) {
  PlanChanges changes;
  take(plan.home_agents, changes.home_agents);
  take(plan.care_of_addresses, changes.care_of_addresses);
  take(plan.bindings, changes.bindings);
  take(plan.home_addresses, changes.home_addresses);
  take(plan.flows, changes.flows);
  take(plan.tunnels, changes.tunnels);
  take(plan.tunnel_sources, changes.tunnel_sources);
  take(plan.proxied_neighbours, changes.proxied_neighbours);
  take(plan.watched_addresses, changes.watched_addresses);
  if (plan.default_route != default_route) {
    changes.default_route_changed = true;
    changes.default_route = plan.default_route;
    default_route = plan.default_route;
  }
  return changes;
}

}  // namespace mipflow::platform
