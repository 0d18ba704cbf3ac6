// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/hoa-alloc/home_address_table.hpp"
#include "mipflow/mn-core/kept_home_addresses.hpp"
#include "mipflow/wire/authentication.hpp"
#include "mipflow/wire/constants.hpp"

namespace mipflow::mobile_node {

// How Binding Updates to the home agent are protected. `NoneInsecure` is for home agents that can do no better; it has
// to be written out in the configuration ("none-insecure").
enum class Authentication : std::uint8_t { Rfc4285, NoneInsecure };

struct Configuration {
  // `::`: whoever dynamic home agent address discovery names (RFC 6275 §11.4.1).
  Address home_agent;
  // Behind a home agent: those that are asked when it fails, in this order. With discovery: the only ones that are believed to
  // be home agents; empty: all below the home prefix, which has 64 bits then.
  std::vector<Address> other_home_agents{};
  // Outer sources beside the home agents that tunnelled packets are accepted from: secondaries that tunnel with their own address.
  std::vector<Address> tunnel_sources{};
  Address primary_home_address;
  Prefix home_prefix;
  Authentication authentication = Authentication::Rfc4285;
  wire::SecurityAssociation security_association;  // of the primary home address; unused with NoneInsecure

  Duration requested_lifetime = std::chrono::seconds{600};
  Duration initial_bindack_timeout_first_reg = wire::kInitialBindackTimeoutFirstReg;

  unsigned home_address_cap = 64;   // home addresses at the same time, the primary one and spares included
  unsigned warm_pool_size = 2;      // registered spares
  // How new home addresses are got, most preferred first; never empty. Agent and Dhcpv6 need a home agent that offers the
  // address service (docs/agent-service.md).
  std::vector<hoa_alloc::Origin> allocation_mechanisms{hoa_alloc::Origin::Prefix};
  Duration home_address_rest = std::chrono::seconds{60};  // from the end of its last flow to the next one that may get it
  // Keep one registered home address (an anchor) on every usable interface: what a home agent needs that goes on
  // tunnelling to the old care-of address when two home addresses move together to a new one.
  bool anchor_per_interface = true;
  bool avoid_primary = true;        // WO 2004/057826: avoid the Primary Home Address when another one is available
  bool strict_primary = false;      // WO 2004/057826: never use it for flows the mobile node initiates
  Duration hold_limit = std::chrono::milliseconds{200};  // longest time that an application packet is held
  // When no spare is left, the first packet of a flow may wait (up to hold_limit) for one that is about to be registered.
  // Otherwise the flow shares a home address at once: no delay, but it moves together with others.
  bool wait_for_own_address = false;
  // Sockets are offered their home address when they connect, so that applications see it and no packet is rewritten.
  bool socket_addresses = true;

  // Takes the policy that the home agent serves under the security association (docs/agent-service.md).
  bool network_policy = false;
  std::uint32_t known_network_policy = 0;  // version of the one that was kept; older ones are refused

  std::vector<KeptHomeAddress> kept_home_addresses{};  // of before a restart

  bool route_optimization = true;                       // false: never, whatever the policy says
  std::size_t correspondent_registration_cap = 1'024;   // home addresses times correspondent nodes, at the same time

  bool probe_home_agent = true;  // over every interface, for what policies say of `online`, round trip and loss
  // Shell patterns of interfaces on which traffic costs money; nullopt: the cellular ones.
  std::optional<std::vector<std::string>> metered_interfaces = std::nullopt;

  std::uint32_t flow_capacity = 131'072;
  Duration udp_idle_timeout = std::chrono::seconds{180};
  Duration tcp_idle_timeout = std::chrono::hours{24};
  Duration icmp_idle_timeout = std::chrono::seconds{30};
  Duration other_idle_timeout = std::chrono::seconds{300};
  Duration closed_linger = std::chrono::seconds{5};  // after FIN or RST, for late segments
};

}  // namespace mipflow::mobile_node
