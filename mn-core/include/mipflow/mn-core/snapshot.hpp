// SPDX-License-Identifier: GPL-3.0-or-later
// What the operator may see of a mobile node. Plain values, made on request; tools turn them into tables and JSON.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/flow_key.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/mn-core/events.hpp"

namespace mipflow::mobile_node {

inline constexpr std::size_t kMovesWithNamed = 100;

struct FlowSnapshot {
  FlowId id = 0;
  std::string class_name;
  FlowKey key;
  Address home_address;
  Address care_of_address;        // `::` while there is none
  std::string interface;          // name, empty while there is none
  std::string path;               // "tunnel", "direct" (route optimised, or at home)
  std::string path_reason;        // why, as half a sentence: "return routability is under way"
  std::string state;              // "active", "moving", "held", "closing", "stranded" (no usable interface)
  bool initiated_by_correspondent = false;
  std::uint64_t packets_out = 0, bytes_out = 0, packets_in = 0, bytes_in = 0;
  Duration idle{};
  // Flows that share its home address and the holder of its binding, lowest id first. At most kMovesWithNamed: a peer can
  // begin so many flows with one home address that naming them all for each of them would take the memory away.
  std::vector<FlowId> moves_with;
  std::string interface_reason;   // why this interface: "policy class 'voice'", "moved by command", "only usable interface"
  FlowOwnerPointer owner = nullptr;  // nullptr while nothing is known
  std::string rule_origin;        // "file:line" of the class, empty for the built-in one
  std::string rule_layer;         // "operator, mandatory", "network", "user", "operator", "built in"
  std::string home_address_reason;  // why this home address, as half a sentence
};

// How a flow, or the flows of a home address, went from one interface to another.
struct MoveSnapshot {
  Duration ago{};
  std::string from, to;      // names of interfaces; empty: there was or is none
  std::string cause;         // "command", "policy", "interface lost", "interface came", "trial", "undo", "rolled back"
  // Measured over the two seconds that follow; empty while they are not over, and what nothing passed to measure by.
  std::optional<Duration> gap_out, gap_in;           // longest time between two packets in a row
  std::optional<std::uint64_t> retransmissions_out;  // TCP only: segments that carried octets a second time
  std::optional<std::uint64_t> retransmissions_in;
};

// A move that ends by itself (`mipflow flow try`).
struct TrialSnapshot {
  std::string from, to;
  Duration ends_in{};       // zero when it is over
  std::string outcome;      // "running", "kept", "rolled back", "ended by another move"
  std::string reason;       // half a sentence with what was measured
};

// Why a flow does not use an interface, or that it does.
struct InterfaceVerdict {
  std::string interface;
  bool chosen = false;
  std::string reason;       // half a sentence
};

inline constexpr std::size_t kMovesRemembered = 16;

struct FlowExplanation {
  FlowSnapshot flow;
  std::vector<InterfaceVerdict> interfaces;  // by name
  std::vector<MoveSnapshot> moves;           // newest first, at most kMovesRemembered
  std::optional<TrialSnapshot> trial;
};

// What another policy would do to a live flow.
struct PolicyEffect {
  FlowId id = 0;
  std::string class_before, class_after;
  std::string interface_before, interface_after;
  std::string home_address_note;  // empty, or what can not follow: "keeps its home address until it ends"
};

// What all moves since the start cost, as counts of moves whose value lay at or below a bound.
struct MoveStatistics {
  static constexpr std::array<double, 10> kGapBounds{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5};  // s
  static constexpr std::array<double, 6> kRetransmissionBounds{0, 1, 2, 5, 10, 50};                           // segments
  std::array<std::uint64_t, kGapBounds.size()> gaps{};
  std::array<std::uint64_t, kRetransmissionBounds.size()> retransmissions{};
  std::uint64_t moves = 0;       // of single flows, whatever the cause
  std::uint64_t measured_gaps = 0, measured_retransmissions = 0;
  double sum_of_gaps = 0;        // s
  double sum_of_retransmissions = 0;
};

struct HomeAddressSnapshot {
  Address home_address;
  bool primary = false;
  Address care_of_address;
  std::string interface;
  std::string state;   // "registering", "registered", "spare", "anchor", "moving", "releasing", "refused", "at-home"
  std::vector<FlowId> flows;
  std::optional<Duration> lifetime;  // remaining time of the binding
  std::string origin;  // "configured", "prefix", "agent", "dhcpv6", "policy", "command"
  bool deprecated = false;               // its prefix drains: old flows keep it, new ones do not get it
  std::optional<Duration> valid_for{};   // of the address itself; empty: no end
  bool pinned = false;                   // stays registered without flows, by command
  std::string note;                      // what is not as it should be: "no answer from the DHCPv6 server; asked again in 8 s"
};

struct InterfaceSnapshot {
  InterfaceIndex index = 0;
  std::string name;
  InterfaceKind kind = InterfaceKind::Other;
  bool up = false;
  bool running = false;
  bool usable = false;
  std::string why_not;  // empty when usable
  Address care_of_address;
  Address router;
  std::uint32_t mtu = 0;
  std::size_t flows = 0;
  std::optional<bool> online;           // the home agent answers over it; empty: not known yet
  std::optional<Duration> round_trip;   // to the home agent
  std::optional<unsigned> loss;         // of the last probes, per mille
  bool metered = false;
};

struct BindingSnapshot {  // a Binding Update List entry, RFC 6275 §11.1
  Address peer;
  Address home_address;
  Address care_of_address;
  std::string state;     // "unbound", "registering", "bound", "moving", "deregistering", "refused"
  std::uint16_t sequence = 0;
  std::optional<Duration> lifetime;
  std::string last_status;  // of the last Binding Acknowledgement, empty before the first
};

// How the mobile node knows its home agent. Recovered: from the data path that the daemon before this one left.
enum class HomeAgentOrigin : std::uint8_t { Configured, Discovered, Recovered };

struct StatusSnapshot {
  bool registered = false;       // the primary home address is bound (or the node is at home)
  bool at_home = false;
  Address home_agent;            // the one that serves, else the one that is asked; `::` while none is known
  HomeAgentOrigin home_agent_origin = HomeAgentOrigin::Configured;
  std::optional<Duration> served_for;    // for how long it has served without a break; empty while it does not
  std::vector<Address> home_agents;      // all that are known, in the order in which they are asked
  std::string home_agent_search;         // empty, or what is done to find one that serves, as half a sentence
  Address primary_home_address;
  std::string authentication;
  std::size_t flows = 0, home_addresses = 0, spares = 0, usable_interfaces = 0;
  std::size_t home_address_cap = 0, home_addresses_resting = 0;
  std::vector<std::string> address_mechanisms;  // in order of preference, with their state: "agent", "dhcpv6 (does not answer)"
  std::optional<std::uint32_t> network_policy;  // version of the policy that the home agent serves
  // How far the home agent's clock is ahead of ours, as it said when it last refused a timestamp (RFC 4285 §5.2, to a second
  // or two); zero when it never did. Empty without timestamps, and before it answered at all.
  std::optional<Duration> home_agent_clock;
  std::string socket_addresses;                 // "on", or why applications do not see their home address
  std::vector<std::string> problems;  // one sentence each, with what to do
};

// Why a command was refused. `message` is a whole sentence that names what was wrong and what would be right.
struct CommandError {
  enum class Kind : std::uint8_t { UnknownFlow, UnknownInterface, InterfaceNotUsable, UnknownHomeAddress, UnknownClass, NotPossible };
  Kind kind;
  std::string message;
};

}  // namespace mipflow::mobile_node
