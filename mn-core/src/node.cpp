// SPDX-License-Identifier: GPL-3.0-or-later
#include "node.hpp"

#include <utility>

#include "bypass.hpp"
#include "forwarding.hpp"
#include "home_addresses.hpp"
#include "mipflow/wire/home_agents_anycast.hpp"

namespace mipflow::mobile_node {

Node::Node(Configuration given, std::shared_ptr<const flow_separator::Policy> given_policy, RandomSource& given_random)
    : configuration(std::move(given)),
      home_agents(wire::home_agents_anycast(configuration.home_prefix)),
      policy(std::move(given_policy)),
      random(given_random),
      movement(configuration.home_prefix),
      agents(configuration),
      agent_discovery(random),
      reachability(agents.serving(), random),
      signalling(configuration, movement),
      agent_service(configuration, signalling, random),
      home_addresses({.home_address = configuration.primary_home_address, .origin = hoa_alloc::Origin::Configured}),
      prefix_allocation(random),
      pool({.spares = configuration.warm_pool_size,
            .cap = configuration.home_address_cap,
            .anchor_per_interface = configuration.anchor_per_interface,
            .rest = configuration.home_address_rest}),
      prefix_discovery(random, configuration.authentication == Authentication::Rfc4285),
      flows({.capacity = configuration.flow_capacity,
             .tcp_idle = configuration.tcp_idle_timeout,
             .udp_idle = configuration.udp_idle_timeout,
             .icmp_idle = configuration.icmp_idle_timeout,
             .other_idle = configuration.other_idle_timeout,
             .closed_linger = configuration.closed_linger}) {
  for (const auto mechanism : configuration.allocation_mechanisms) {
    if (mechanism == hoa_alloc::Origin::Prefix)
      allocation.add(mechanism, prefix_allocation);
    else
      allocation.add(mechanism, agent_service.allocation(mechanism));
  }
  prefix_allocation.reserve(configuration.primary_home_address);
  kept_addresses = configuration.kept_home_addresses;
  plan_bypassed_prefixes(*this);
  manage(*this, home_addresses.entries().front());
  plan_home_agents(*this);
}

std::string interface_name(const Node& node, InterfaceIndex index) {
  const auto* interface = node.movement.table().find(index);
  return interface == nullptr ? std::string{} : interface->name;
}

}  // namespace mipflow::mobile_node
