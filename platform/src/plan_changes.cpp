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
  return home_agents.empty() && care_of_addresses.empty() && routing_header_sources.empty() && bindings.empty() &&
         home_addresses.empty() && flows.empty() && correspondent_bindings.empty() && home_networks.empty() && tunnels.empty() && tunnel_sources.empty() &&
         proxied_neighbours.empty() && announced_routes.empty() && watched_addresses.empty() && home_address_users.empty() &&
         bypassed_prefixes.empty() && !socket_addresses && !default_route_changed;
}

PlanChanges take_changes(forwarding::ForwardingPlan& plan, CarriedOut& before) {
  PlanChanges changes;
  take(plan.home_agents, changes.home_agents);
  take(plan.care_of_addresses, changes.care_of_addresses);
  take(plan.routing_header_sources, changes.routing_header_sources);
  take(plan.bindings, changes.bindings);
  take(plan.home_addresses, changes.home_addresses);
  take(plan.flows, changes.flows);
  take(plan.correspondent_bindings, changes.correspondent_bindings);
  take(plan.home_networks, changes.home_networks);
  take(plan.tunnels, changes.tunnels);
  take(plan.tunnel_sources, changes.tunnel_sources);
  take(plan.proxied_neighbours, changes.proxied_neighbours);
  take(plan.announced_routes, changes.announced_routes);
  take(plan.watched_addresses, changes.watched_addresses);
  take(plan.home_address_users, changes.home_address_users);
  take(plan.bypassed_prefixes, changes.bypassed_prefixes);
  if (plan.default_route != before.default_route) {
    changes.default_route_changed = true;
    changes.default_route = plan.default_route;
    before.default_route = plan.default_route;
  }
  if (!(plan.socket_addresses == before.socket_addresses)) {
    changes.socket_addresses = plan.socket_addresses;
    before.socket_addresses = plan.socket_addresses;
  }
  return changes;
}

}  // namespace mipflow::platform
