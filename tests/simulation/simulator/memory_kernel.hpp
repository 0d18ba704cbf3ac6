// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

#include "mipflow/platform/plan_changes.hpp"

namespace mipflow::simulation {

// A kernel that remembers what the runner told it and nothing else, so that a change that a role forgot to make, or that
// came in the wrong order, is missing here too.
class MemoryKernel {
 public:
  void add(const platform::PlanChanges& changes) {
    set(home_agents, changes.home_agents);
    set(care_of_addresses, changes.care_of_addresses);
    set(routing_header_sources, changes.routing_header_sources);
    set(bindings, changes.bindings);
    set(home_addresses, changes.home_addresses);
    set(flows, changes.flows);
    set(correspondent_bindings, changes.correspondent_bindings);
    set(proxied_neighbours, changes.proxied_neighbours);
    set(announced_routes, changes.announced_routes);
    set(watched_addresses, changes.watched_addresses);
    set(tunnels, changes.tunnels);
    set(tunnel_sources, changes.tunnel_sources);
    if (changes.default_route) default_route = changes.default_route;
  }
  void remove(const platform::PlanChanges& changes) {
    if (changes.default_route_changed && !changes.default_route) default_route.reset();
    erase(tunnel_sources, changes.tunnel_sources);
    erase(tunnels, changes.tunnels);
    erase(watched_addresses, changes.watched_addresses);
    erase(announced_routes, changes.announced_routes);
    erase(proxied_neighbours, changes.proxied_neighbours);
    erase(correspondent_bindings, changes.correspondent_bindings);
    erase(flows, changes.flows);
    erase(home_addresses, changes.home_addresses);
    erase(bindings, changes.bindings);
    erase(routing_header_sources, changes.routing_header_sources);
    erase(care_of_addresses, changes.care_of_addresses);
    erase(home_agents, changes.home_agents);
  }

  // A role that runs never takes away a binding that a flow points to: it would take the flow's packets along. (A role
  // that starts may: it takes over flows while no interface is up. And at home flows take the kernel's way.)
  void expect_no_flow_lost(const platform::PlanChanges& changes) const {
    for (const auto& [key, flow] : flows)
      for (const auto gone : changes.bindings.erase)
        if (flow.binding == gone && !is_at_home(flow.home_address))
          throw std::logic_error("flow " + std::to_string(flow.id) + " lost its binding");
  }

  bool is_at_home(const Address& home_address) const {
    const auto found = home_addresses.find(home_address);
    return found != home_addresses.end() && found->second.default_binding == 0;
  }

  // Is this what the plan wants? For "nothing was forgotten" at the end of a test.
  bool equals(const forwarding::ForwardingPlan& plan) const {
    return home_agents == plan.home_agents.items() && care_of_addresses == plan.care_of_addresses.items() &&
           routing_header_sources == plan.routing_header_sources.items() && bindings == plan.bindings.items() &&
           correspondent_bindings == plan.correspondent_bindings.items() &&
           home_addresses == plan.home_addresses.items() &&
           flows == plan.flows.items() && tunnels == plan.tunnels.items() &&
           tunnel_sources == plan.tunnel_sources.items() && proxied_neighbours == plan.proxied_neighbours.items() &&
           announced_routes == plan.announced_routes.items() &&
           watched_addresses == plan.watched_addresses.items() && default_route == plan.default_route;
  }

  decltype(forwarding::ForwardingPlan::home_agents)::Map home_agents;
  decltype(forwarding::ForwardingPlan::care_of_addresses)::Map care_of_addresses;
  decltype(forwarding::ForwardingPlan::routing_header_sources)::Map routing_header_sources;
  decltype(forwarding::ForwardingPlan::bindings)::Map bindings;
  decltype(forwarding::ForwardingPlan::home_addresses)::Map home_addresses;
  decltype(forwarding::ForwardingPlan::flows)::Map flows;
  decltype(forwarding::ForwardingPlan::correspondent_bindings)::Map correspondent_bindings;
  decltype(forwarding::ForwardingPlan::tunnels)::Map tunnels;
  decltype(forwarding::ForwardingPlan::tunnel_sources)::Map tunnel_sources;
  decltype(forwarding::ForwardingPlan::proxied_neighbours)::Map proxied_neighbours;
  decltype(forwarding::ForwardingPlan::announced_routes)::Map announced_routes;
  decltype(forwarding::ForwardingPlan::watched_addresses)::Map watched_addresses;
  std::optional<forwarding::DefaultRoute> default_route;

 private:
  template <class Map, class Difference>
  static void set(Map& map, const Difference& difference) {
    for (const auto& [key, item] : difference.set) map.insert_or_assign(key, item);
  }
  template <class Map, class Difference>
  static void erase(Map& map, const Difference& difference) {
    for (const auto& key : difference.erase) map.erase(key);
  }
};

}  // namespace mipflow::simulation
