// SPDX-License-Identifier: GPL-3.0-or-later
#include "node.hpp"

#include <utility>

#include "home_addresses.hpp"

namespace mipflow::mobile_node {

Node::Node(Configuration given, std::shared_ptr<const flow_separator::Policy> given_policy, RandomSource& given_random)
    : configuration(std::move(given)),
      policy(std::move(given_policy)),
      random(given_random),
      movement(configuration.home_prefix),
      signalling(configuration, movement),
      home_addresses({.home_address = configuration.primary_home_address, .origin = hoa_alloc::Origin::Configured}),
      allocation(random),
      pool({.spares = configuration.warm_pool_size,
            .cap = configuration.home_address_cap,
            .anchor_per_interface = configuration.anchor_per_interface}),
      prefix_discovery(random, configuration.authentication == Authentication::Rfc4285),
      flows({.capacity = configuration.flow_capacity,
             .tcp_idle = configuration.tcp_idle_timeout,
             .udp_idle = configuration.udp_idle_timeout,
             .icmp_idle = configuration.icmp_idle_timeout,
             .other_idle = configuration.other_idle_timeout,
             .closed_linger = configuration.closed_linger}) {
  allocation.reserve(configuration.primary_home_address);
  plan.home_agents.set(configuration.home_agent, {});
  manage(*this, home_addresses.entries().front());
}

}  // namespace mipflow::mobile_node
