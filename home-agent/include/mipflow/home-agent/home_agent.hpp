// SPDX-License-Identifier: GPL-3.0-or-later
// The home agent role, RFC 6275 §10. It only dispatches; see base/role.hpp for the contract.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mipflow/base/crypto.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/correspondent-node/correspondent_node.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"
#include "mipflow/home-agent/dhcpv6_events.hpp"
#include "mipflow/home-agent/load_sharing.hpp"
#include "mipflow/wire/agent_service.hpp"
#include "mipflow/wire/authentication.hpp"
#include "mipflow/wire/constants.hpp"

namespace mipflow::home_agent {

// A mobile node that may register here.
struct MobileNodeAuthorization {
  wire::SecurityAssociation security_association;  // found by NAI and SPI
  Address primary_home_address;
  bool may_allocate_home_addresses = true;  // others below the home prefixes, by derived security associations
  unsigned home_address_cap = 64;
  // Asks for the timestamp option of RFC 4285 §6 (status 145 without it). Without timestamps a recorded Binding Update
  // can be replayed as soon as the binding's sequence number is forgotten.
  bool timestamps_required = true;
  // The policy that it is served (docs/agent-service.md), shared by all who are served the same; nullptr: none. At most
  // wire::kLargestPolicy octets.
  std::shared_ptr<const std::string> policy = nullptr;
};

// A prefix of the home link.
struct HomePrefix {
  Prefix prefix;
  Duration valid_lifetime = std::chrono::hours{24 * 30};      // 2^32-1 seconds and more: forever
  Duration preferred_lifetime = std::chrono::hours{24 * 7};
  // The two ways of RFC 4861 §6.2.1 (AdvValidLifetime): lifetimes that stay what they are, as routers usually advertise
  // them, or lifetimes that count down from when the role was told of the prefix, to end it at a fixed time.
  bool lifetimes_count_down = false;
  friend bool operator==(const HomePrefix&, const HomePrefix&) = default;
};

// The address service, docs/agent-service.md.
struct AddressServiceConfiguration {
  // What mobile nodes may ask for; none: the service answers that it does not offer what was asked for.
  std::vector<wire::HomeAddressSource> sources{wire::HomeAddressSource::Agent};
  // A home address that was given out and is not bound that long is taken back: its mobile node has vanished.
  Duration unbound_lease = std::chrono::hours{1};
  // How long an address that was given back is not given out again.
  Duration rest = std::chrono::hours{1};
  friend bool operator==(const AddressServiceConfiguration&, const AddressServiceConfiguration&) = default;
};

// A home agent that mobile nodes are told of, beside those that are heard on the home link (RFC 6275 §10.5): of a home network
// without a link, where none can be.
struct OtherHomeAgent {
  Address address;
  std::uint16_t preference = 0;
  friend bool operator==(const OtherHomeAgent&, const OtherHomeAgent&) = default;
};

struct Configuration {
  Address home_agent_address;              // global, on this node
  std::vector<HomePrefix> home_prefixes;
  // The home link; 0 = virtual (routed) home link: no neighbour discovery, no duplicate address detection on a link.
  InterfaceIndex home_interface = 0;
  LinkLayerAddress home_link_layer_address{};
  std::vector<MobileNodeAuthorization> mobile_nodes;
  // Accepts Binding Updates without any authentication: for laboratories only, has to be written "none-insecure".
  bool accept_unauthenticated_insecure = false;

  Duration longest_binding_lifetime = std::chrono::seconds{262'140};
  Duration timestamp_window = wire::kDefaultTimestampWindow;
  Duration duplicate_address_detection_wait = std::chrono::seconds{1};  // RetransTimer
  // How long reverse-tunnelled packets are still accepted from the care-of address before the present one: packets
  // that were under way when the mobile node moved.
  Duration previous_care_of_address_grace = std::chrono::seconds{2};
  std::size_t binding_cache_capacity = 1'000'000;
  AddressServiceConfiguration address_service;
  std::uint16_t home_agent_preference = 0;         // of this home agent; higher is better (RFC 6275 §7.4)
  std::vector<OtherHomeAgent> other_home_agents{};
  LoadSharing load_sharing{};
  // For mobile nodes of other home agents this node is a correspondent node (RFC 6275 §10 builds on §9).
  correspondent_node::Configuration correspondent_node;
};

// The data path dropped a reverse-tunnelled packet because its source is no tunnel_source of the plan. Not every such
// packet is reported: there may be many.
struct UnboundTunnelSource {
  Address home_address;     // inner source
  Address care_of_address;  // outer source
};

// A link-layer address is needed for replies to a node that is coming home; see OutgoingPacket.
using Event = std::variant<PacketReceived, UnboundTunnelSource, correspondent_node::BindingActivities, Dhcpv6Received, Dhcpv6Port,
                           ForwardingMessageReceived, TunnelActivity>;

// One binding as it is kept over a restart. `wall_expiry` counts from 1970.
struct PersistedBinding {
  Address home_address;
  Address care_of_address;
  Address primary_home_address;
  std::string network_access_identifier;
  std::uint32_t spi = 0;
  std::uint16_t sequence = 0;
  std::uint64_t last_timestamp = 0;  // NTP, RFC 4285 replay protection
  Duration wall_expiry{};
  bool link_local_address_compatibility = false;  // L
  friend bool operator==(const PersistedBinding&, const PersistedBinding&) = default;
};

// What became of bindings between two moments, for who keeps them: of many bindings few change at a time.
struct PersistedChanges {
  std::vector<PersistedBinding> bound;  // began, moved or were refreshed
  std::vector<Address> ended;           // home addresses
  bool empty() const { return bound.empty() && ended.empty(); }
  friend bool operator==(const PersistedChanges&, const PersistedChanges&) = default;
};

// A home address that the address service gave out. The ends of its lifetimes count from 1970; Duration::max() is none.
struct PersistedLease {
  Address home_address;
  Address mobile_node;  // its Primary Home Address
  wire::HomeAddressSource source = wire::HomeAddressSource::Agent;
  std::uint32_t identity = 0;  // the source's own name for it
  Duration wall_preferred = Duration::max();
  Duration wall_valid = Duration::max();
  friend bool operator==(const PersistedLease&, const PersistedLease&) = default;
};
// The version of the policies that are served, and a digest of who is served which: while that is the same, so is this.
struct PersistedPolicyVersion {
  std::uint32_t version = 0;
  Sha256Digest assignment{};
  friend bool operator==(const PersistedPolicyVersion&, const PersistedPolicyVersion&) = default;
};
struct PersistedServices {
  std::vector<PersistedLease> leases;
  PersistedPolicyVersion policy;
  PersistedLoadSharing load_sharing{};
  friend bool operator==(const PersistedServices&, const PersistedServices&) = default;
};

struct BindingSnapshot {
  Address home_address;
  Address care_of_address;
  std::string mobile_node;   // NAI
  bool primary = false;
  std::string state;         // "detecting-duplicates", "bound", "deleted" (kept for MAX_DELETE_BCE_TIMEOUT)
  std::uint16_t sequence = 0;
  std::optional<Duration> lifetime;
};

struct Counters {
  std::uint64_t binding_updates = 0, accepted = 0, refused = 0, dropped_unauthenticated = 0, dropped_malformed = 0,
                replayed = 0, prefix_solicitations = 0, expired = 0;
  // of the address and policy service
  std::uint64_t home_address_requests = 0, home_addresses_given = 0, policy_requests = 0, service_refused = 0;
};

class HomeAgent {
 public:
  // `random` must outlive the role. `restored` are the bindings of before the restart; expired ones are left out, the
  // others are served at once without duplicate address detection. `services` are the leases of before the restart, and
  // which policies were served.
  HomeAgent(Configuration configuration, const std::vector<PersistedBinding>& restored, RandomSource& random, Now now,
            const PersistedServices& services = {});
  ~HomeAgent();
  HomeAgent(const HomeAgent&) = delete;
  HomeAgent& operator=(const HomeAgent&) = delete;

  void handle(const Event& event, Now now, Outputs& outputs);
  void on_deadline(Now now, Outputs& outputs);
  TimePoint next_deadline() const;
  forwarding::ForwardingPlan& plan();
  const forwarding::ForwardingPlan& plan() const;

  // Takes a new configuration (prefix lifetimes, mobile nodes); bindings that it no longer allows end.
  void set_configuration(Configuration configuration, Now now, Outputs& outputs);

  // Everything that has to survive a restart, and whether some of it changed since the last calls of these.
  std::vector<PersistedBinding> persisted(Now now);
  // Instead of persisted(): what changed since the last call of either, in no order. What was restored is no change.
  PersistedChanges take_persisted_changes(Now now);
  PersistedServices persisted_services(Now now);
  bool persistence_is_due() const;

  std::vector<BindingSnapshot> bindings(Now now) const;
  const Counters& counters() const;
  std::size_t given_home_addresses() const;
  // What is wrong with where the address service gets its addresses, as sentences.
  std::vector<std::string> troubles() const;
  // Who sent Binding Updates within the last minutes that could not be verified, as sentences with what to do; a few at most.
  std::vector<std::string> unverified_updates(Now now) const;
  // What it holds as a correspondent node; kept over a restart as CorrespondentNode has it.
  std::vector<correspondent_node::BindingSnapshot> correspondent_bindings(Now now) const;
  std::optional<correspondent_node::KeptBinding> kept_correspondent_binding(const forwarding::HomeAddressAndCorrespondent& pair) const;
  void restore_correspondent_bindings(const std::vector<correspondent_node::KeptBinding>& bindings, Now now);
  const correspondent_node::Counters& correspondent_counters() const;

  // ---- load sharing; the errors say what is wrong and what to do ----

  // See Primary (src/sharing/primary.hpp). `agent` is a name of the configuration.
  Expected<void, std::string> delegate(const Address& home_address, const std::string& agent, Now now, Outputs& outputs);
  Expected<void, std::string> recall(const Address& home_address, Now now, Outputs& outputs);
  Expected<void, std::string> release(const Address& home_address, Now now, Outputs& outputs);
  Expected<void, std::string> drain(const std::string& agent, bool on, Now now, Outputs& outputs);
  // Before the daemon stops: primaries are asked to take back what they delegated; true when they have, or there is nothing.
  bool retire(Now now, Outputs& outputs);
  std::vector<AgentSnapshot> agents(Now now) const;
  std::vector<DelegationSnapshot> delegations(Now now) const;  // as primary and as secondary
  const LoadSharingCounters& load_sharing_counters() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace mipflow::home_agent
