// SPDX-License-Identifier: GPL-3.0-or-later
// Home agents that share the load (EP 1134991): what the operator configures, what the role is told, what it shows. The
// primary keeps the registrations of its mobile nodes; a secondary intercepts and tunnels the packets of the home addresses
// that the primary delegated to it. One home agent can be both, for different mobile nodes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/wire/forwarding_messages.hpp"

namespace mipflow::home_agent {

// How home addresses are divided between this home agent, as primary, and its secondaries.
enum class Division : std::uint8_t {
  Manual,  // only what the operator delegates
  Equal,   // as many home addresses at each agent as its weight says
  Load,    // this home agent serves itself until it tunnels more than the threshold; then packets/s are evened out
};

// When a Binding Update for a home address that is, or is going to be, delegated is answered.
enum class AnswerMoment : std::uint8_t {
  AfterSecondary,  // Figure 3: behind the secondary's acknowledgement
  AtOnce,          // Figure 4: the primary forwards first, delegates later, and stops only behind the acknowledgement
};

struct SecondaryAgent {
  std::string name;  // for operators; unique
  Address address;
  Bytes key;         // shared with it alone
  unsigned weight = 1;  // of its share; 0: gets nothing by itself, and what it has is taken elsewhere (drain)
  friend bool operator==(const SecondaryAgent&, const SecondaryAgent&) = default;
};

// A primary that may delegate to this home agent.
struct PrimaryAgent {
  std::string name;
  Address address;  // messages from it, and what its mobile nodes see as the tunnel's source
  Bytes key;
  std::vector<Prefix> prefixes;        // home addresses below these only
  std::uint32_t capacity = 1'000'000;  // home addresses
  friend bool operator==(const PrimaryAgent&, const PrimaryAgent&) = default;
};

struct LoadSharing {
  std::uint16_t port = wire::kDefaultForwardingPort;
  std::vector<SecondaryAgent> secondaries;  // this home agent is their primary
  std::vector<PrimaryAgent> primaries;      // this home agent is their secondary

  Division division = Division::Equal;
  AnswerMoment answer = AnswerMoment::AtOnce;
  unsigned own_weight = 1;                  // this home agent's own share with Division::Equal; 0: delegate all
  bool tunnel_from_primary = true;          // the mobile node sees one home agent; false: the secondary's own address
  std::uint64_t load_threshold = 50'000;    // packets/s through this home agent, from where on it delegates by load
  unsigned load_tolerance = 20;             // percent of the mean that agents may differ before something moves
  Duration rest = std::chrono::seconds{10}; // a home address that was moved by load or equality stays for that long

  Duration heartbeat = std::chrono::milliseconds{100};
  Duration dead_after = std::chrono::milliseconds{500};      // without an answer, a secondary counts as dead
  Duration retransmission = std::chrono::milliseconds{50};   // of Start and Stop, doubled each time up to 1 s
  Duration linger = std::chrono::seconds{5};                 // what is stopped still tunnels what late caches send to it
  friend bool operator==(const LoadSharing&, const LoadSharing&) = default;
};

// ---- events ----

// The payload of a datagram to the port; its checksum was right.
struct ForwardingMessageReceived {
  Bytes message;
  Address source;
};
// What the data path tunnelled for home addresses since the last report; those with nothing are left out. Every second.
struct TunnelActivity {
  struct Entry {
    Address home_address;
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;  // of inner packets
  };
  std::vector<Entry> entries;
  Duration interval{};  // that they were counted over
};

// ---- what survives a restart ----

// At the primary: who had the home address.
struct PersistedDelegation {
  Address home_address;
  Address agent;
  wire::DelegationNumber number = 0;
  bool by_operator = false;
  bool acknowledged = false;  // else it had been asked only
  friend bool operator==(const PersistedDelegation&, const PersistedDelegation&) = default;
};
// At the secondary. `wall_expiry` counts from 1970.
struct PersistedForwarding {
  wire::StartForwarding start;  // its duration does not count
  Address primary;
  Duration wall_expiry{};
  friend bool operator==(const PersistedForwarding&, const PersistedForwarding&) = default;
};
struct PersistedLoadSharing {
  std::vector<PersistedDelegation> delegations;
  std::vector<PersistedForwarding> forwardings;
  friend bool operator==(const PersistedLoadSharing&, const PersistedLoadSharing&) = default;
};

// ---- what is shown ----

enum class AgentState : std::uint8_t {
  Unknown,   // never heard of since the start
  Serving,
  Draining,  // gets nothing; what it has is taken elsewhere
  Dead,      // its home addresses were taken back
};
const char* to_string(AgentState state);  // "unknown", "serving", …

struct AgentSnapshot {
  std::string name;
  Address address;
  bool secondary = true;  // false: a primary of ours
  AgentState state = AgentState::Unknown;
  std::size_t delegated = 0;  // home addresses, acknowledged
  std::size_t in_exchange = 0;  // being asked for, or being taken back
  double packets_per_second = 0;
  unsigned weight = 1;
  std::optional<Duration> round_trip;  // of the heartbeat
  std::optional<Duration> silent_for;
};

struct DelegationSnapshot {
  Address home_address;
  std::string agent;     // name; empty: this home agent itself
  std::string state;     // "own", "starting", "delegated", "handing-over", "recalling"; at a secondary: "forwarding", "lingering"
  std::string reason;    // "equal", "load", "operator", "drained", "agent-dead", "refused: …"
  double packets_per_second = 0;
  std::uint64_t packets = 0, octets = 0;  // since it is there
  std::optional<Duration> remaining;
};

struct LoadSharingCounters {
  std::uint64_t starts_sent = 0, starts_acknowledged = 0, starts_refused = 0, stops_sent = 0, stops_acknowledged = 0, retransmissions = 0,
                starts_taken = 0, starts_declined = 0, stops_taken = 0, heartbeats_sent = 0, heartbeats_answered = 0, reports = 0;
  // of what came: not one of these changes anything
  std::uint64_t dropped_malformed = 0, dropped_unauthenticated = 0, dropped_replayed = 0, dropped_unknown_session = 0, dropped_stranger = 0;
  std::uint64_t agents_died = 0, agents_returned = 0, agents_restarted = 0, moved_by_load = 0, moved_for_equality = 0, taken_back = 0, durations_ended = 0;
};

}  // namespace mipflow::home_agent
