// SPDX-License-Identifier: GPL-3.0-or-later
// What the parts of the mobile node share. Each part is a file with functions on it:
//
//   movement, interfaces      movement.hpp           what happened to the interfaces
//   moves of flows            move_log.hpp, commanded_moves.hpp, flow_commands.hpp
//   policy_change, bypass     policy_change.hpp, bypass.hpp   what the operator's policy does to live flows
//   reachability              reachability.hpp, interface_quality.hpp   how good the interfaces are
//   targets                   targets.hpp            which care-of address each home address should have
//   move_sequence             move_sequence.hpp      in which order Binding Updates go out
//   home_agent_search         home_agent_search.hpp  which home agent serves, when there may be several
//   home_addresses            home_addresses.hpp     home addresses come, are registered, go
//   forwarding                forwarding.hpp         what the kernel should look like
//   figure4, figure5          flows.hpp              first packets of flows; end of flows; commands about flows
//   route_optimization        route_optimization.hpp          which flows go straight to their correspondent node
//   correspondent_registration correspondent_registration.hpp, correspondent_exchange.hpp, correspondent_reactions.hpp
//                                                    the exchange with a correspondent node
//   signalling_input          signalling_input.hpp   messages that arrive
//   agent_service             agent_service.hpp, service_input.hpp   addresses and a policy from the home agent
//   pins                      pins.hpp               home addresses that stay over a restart
//   goodbye                   goodbye.hpp            a clean stop
//   returning_home            returning_home.hpp     the home link
//   snapshots                 snapshots.hpp, flow_path.hpp   what the operator may see
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent_choice.hpp"
#include "agent_discovery.hpp"
#include "agent_service.hpp"
#include "binding_update_list.hpp"
#include "commanded_moves.hpp"
#include "correspondent.hpp"
#include "held_packets.hpp"
#include "home_agent_signalling.hpp"
#include "home_registration.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/base/token_bucket.hpp"
#include "mipflow/flow-separator/flow_mapping_table.hpp"
#include "mipflow/flow-separator/policy.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"
#include "mipflow/hoa-alloc/allocation_chain.hpp"
#include "mipflow/hoa-alloc/home_address_table.hpp"
#include "mipflow/hoa-alloc/prefix_allocation.hpp"
#include "mipflow/hoa-alloc/warm_pool.hpp"
#include "mipflow/mn-core/configuration.hpp"
#include "mipflow/mn-core/kept_home_addresses.hpp"
#include "move_log.hpp"
#include "movement.hpp"
#include "path_mtu.hpp"
#include "prefix_discovery.hpp"
#include "reachability.hpp"
#include "returning_home.hpp"

namespace mipflow::mobile_node {

// What another home agent has of a home address while the one that has taken its place has no binding for it yet; or the home agent
// itself from the time before a restart, until it has acknowledged the first Binding Update.
struct FormerBinding {
  Address home_agent;
  CareOf care_of;
  TimePoint until = kNever;
};

// A home address that is registered with the home agent, or on the way there or from there. Whether flows use it is known
// by the HomeAddressTable, whether it waits for flows by the WarmPool.
struct ManagedHomeAddress {
  ManagedHomeAddress(BindingUpdateListEntry& entry, HomeAgentSignalling& signalling, Duration first_timeout)
      : registration(entry, signalling, first_timeout) {}

  Address home_address;
  hoa_alloc::Origin origin = hoa_alloc::Origin::Prefix;
  TimePoint preferred_until = kNever;
  TimePoint valid_until = kNever;
  HomeRegistration registration;
  forwarding::BindingId binding = 0;  // its item in the forwarding plan
  std::optional<CareOf> target;       // where it should be bound; the registration follows in the move sequence's order
  TimePoint waits_since = kNever;     // move sequence: since when the Binding Update for the target waits
  bool carries_packets = false;       // was bound once, so mip0 has it
  bool leaving = false;               // being de-registered for good
  bool going_home = false;            // being de-registered on the home link
  std::optional<FormerBinding> former;
  std::optional<InterfaceIndex> at_home_on;  // de-registered because this interface is on the home link

  // Packets of flows can be sent and received with it.
  bool live() const { return !leaving && (registration.acknowledged() || former || at_home_on); }
  // The same for the operator: what the daemon before this one had says nothing about whether the home agent answers this one.
  bool answered() const {
    return live() && (registration.acknowledged() || at_home_on || former->home_agent != registration.entry().peer);
  }
};

struct Node {
  Node(Configuration configuration, std::shared_ptr<const flow_separator::Policy> policy, RandomSource& random);

  ManagedHomeAddress* find(const Address& home_address) {
    const auto found = managed.find(home_address);
    return found == managed.end() ? nullptr : &found->second;
  }
  const ManagedHomeAddress* find(const Address& home_address) const {
    const auto found = managed.find(home_address);
    return found == managed.end() ? nullptr : &found->second;
  }
  ManagedHomeAddress& primary() { return managed.at(configuration.primary_home_address); }
  const ManagedHomeAddress& primary() const { return managed.at(configuration.primary_home_address); }

  const Configuration configuration;
  // The anycast address where the home agents are asked who they are. It stands for whichever serves as the holder of bindings
  // (flow_separator, hoa_alloc); `::` is the holder of flows that have none.
  const Address home_agents;
  std::shared_ptr<const flow_separator::Policy> policy;
  RandomSource& random;

  Movement movement;
  AgentChoice agents;
  AgentDiscovery agent_discovery;
  bool home_agent_doubted = false;  // it answers over no interface
  std::vector<CareOf> ways;         // by which home agents could be asked, when that was looked at last
  Reachability reachability;
  TimePoint choose_again_at = kNever;   // a better interface will have been good for long enough
  HomeAgentSignalling signalling;
  AgentService agent_service;
  BindingUpdateList binding_updates;
  Correspondents correspondents;
  std::unordered_map<Address, ManagedHomeAddress> managed;

  hoa_alloc::HomeAddressTable home_addresses;
  hoa_alloc::PrefixAllocation prefix_allocation;
  hoa_alloc::AllocationChain allocation;  // over all mechanisms that the configuration names
  hoa_alloc::WarmPool pool;
  PrefixDiscovery prefix_discovery;
  flow_separator::FlowMappingTable flows;
  MoveLog moves;
  CommandedMoves commanded_moves;
  std::set<Address> reserved;           // home addresses that the policy has given to a class for good
  std::set<Address> pinned;             // home addresses that a command keeps, with flows or without
  std::vector<KeptHomeAddress> kept_addresses;  // of before a restart, until the primary home address is registered
  bool pins_changed = false;                    // what is kept over a restart is not up to date
  std::map<std::string, Address> of_class;  // the home address that all flows of a class share (HomeAddressRule::Class)
  std::map<CareOf, forwarding::BindingId> plain_bindings;  // of flows that the policy leaves alone
  std::set<Address> told_not_reserved;  // those that it wanted to give, and the operator knows that it can not
  // Home addresses that sockets have whose flows have another one: how many flows.
  std::unordered_map<Address, std::size_t> socket_sources;
  HeldPackets held;
  PathMtu path_mtu;
  ReturningHome returning_home;
  forwarding::ForwardingPlan plan;

  forwarding::BindingId last_binding = 0;
  // How long the last registration of a fresh home address took: what a held packet can expect. At first the one second
  // of duplicate address detection.
  Duration fresh_registration_took = std::chrono::seconds{1};
  // Work that must not delay the verdict of the packet that caused it (refilling the pool, Binding Updates of a new flow).
  TimePoint upkeep_due = kNever;
  TimePoint pool_retry = kNever;  // when the warm pool may allocate again after a failure, or an address has rested
  // The home agent's answer to the last fresh home address, while it does not accept any.
  std::optional<wire::BindingStatus> spare_refused;
  std::optional<flow_separator::LocalTime> time_of_day;  // for rules that ask for it
  TimePoint leases_refreshed_at = kNever;  // the next time; kNever while there are no leases
  bool stopping = false;
  TimePoint primary_leaves_at = kNever;  // while it stops: the primary home address is de-registered then at the latest
  // Flows of the daemon before this one go on: the home agent still has its bindings, until it says something else.
  bool assume_bound = false;
  std::set<std::string> told_usable;  // interfaces that the operator knows as usable
  // Why the home agent's acknowledgements were not believed, since the last one that was.
  unsigned distrusted_acknowledgements = 0;
  TokenBucket binding_errors;  // anybody can provoke them
};

// Empty for none.
std::string interface_name(const Node& node, InterfaceIndex index);

}  // namespace mipflow::mobile_node
