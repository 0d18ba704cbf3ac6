// SPDX-License-Identifier: GPL-3.0-or-later
// The home agent role, RFC 6275 §10. It only dispatches; see base/role.hpp for the contract.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mipflow/base/expected.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"
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
};

// The data path dropped a reverse-tunnelled packet because its source is no tunnel_source of the plan. Not every such
// packet is reported: there may be many.
struct UnboundTunnelSource {
  Address home_address;     // inner source
  Address care_of_address;  // outer source
};

// A link-layer address is needed for replies to a node that is coming home; see OutgoingPacket.
using Event = std::variant<PacketReceived, UnboundTunnelSource>;

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
};

class HomeAgent {
 public:
  // `random` must outlive the role. `restored` are the bindings of before the restart; expired ones are left out, the
  // others are served at once without duplicate address detection.
  HomeAgent(Configuration configuration, const std::vector<PersistedBinding>& restored, RandomSource& random, Now now);
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

  // Everything that has to survive a restart, and whether it changed since the last call of persisted().
  std::vector<PersistedBinding> persisted(Now now);
  bool persistence_is_due() const;

  std::vector<BindingSnapshot> bindings(Now now) const;
  const Counters& counters() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace mipflow::home_agent
