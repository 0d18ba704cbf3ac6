// SPDX-License-Identifier: GPL-3.0-or-later
// What the parts of the mobile node share. Each part is a file with functions on it:
//
//   movement, interfaces      movement.hpp           what happened to the interfaces
//   targets                   targets.hpp            which care-of address each home address should have
//   move_sequence             move_sequence.hpp      in which order Binding Updates go out
//   home_addresses            home_addresses.hpp     home addresses come, are registered, go
//   forwarding                forwarding.hpp         what the kernel should look like
//   figure4, figure5          flows.hpp              first packets of flows; end of flows; commands about flows
//   signalling_input          signalling_input.hpp   messages that arrive
//   returning_home            returning_home.hpp     the home link
//   snapshots                 snapshots.hpp          what the operator may see
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "binding_update_list.hpp"
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
#include "mipflow/hoa-alloc/home_address_table.hpp"
#include "mipflow/hoa-alloc/prefix_allocation.hpp"
#include "mipflow/hoa-alloc/warm_pool.hpp"
#include "mipflow/mn-core/configuration.hpp"
#include "movement.hpp"
#include "path_mtu.hpp"
#include "prefix_discovery.hpp"
#include "returning_home.hpp"

namespace mipflow::mobile_node {

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
  std::optional<InterfaceIndex> at_home_on;  // de-registered because this interface is on the home link

  // Packets of flows can be sent and received with it.
  bool live() const { return !leaving && (registration.acknowledged().has_value() || at_home_on.has_value()); }
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
  std::shared_ptr<const flow_separator::Policy> policy;
  RandomSource& random;

  Movement movement;
  HomeAgentSignalling signalling;
  BindingUpdateList binding_updates;
  std::unordered_map<Address, ManagedHomeAddress> managed;

  hoa_alloc::HomeAddressTable home_addresses;
  hoa_alloc::PrefixAllocation allocation;
  hoa_alloc::WarmPool pool;
  PrefixDiscovery prefix_discovery;
  flow_separator::FlowMappingTable flows;
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
  TimePoint pool_retry = kNever;  // when the warm pool may allocate again after a failure
  // The home agent's answer to the last fresh home address, while it does not accept any.
  std::optional<wire::BindingStatus> spare_refused;
  bool stopping = false;
  // Flows of the daemon before this one go on: the home agent still has its bindings, until it says something else.
  bool assume_bound = false;
  std::set<std::string> told_usable;  // interfaces that the operator knows as usable
  // Why the home agent's acknowledgements were not believed, since the last one that was.
  unsigned distrusted_acknowledgements = 0;
  TokenBucket binding_errors;  // anybody can provoke them
};

}  // namespace mipflow::mobile_node
