// SPDX-License-Identifier: GPL-3.0-or-later
// What the operator may see of a mobile node. Plain values, made on request; tools turn them into tables and JSON.
#pragma once

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
  std::string path;               // "tunnel", "direct" (at home)
  std::string state;              // "active", "moving", "held", "closing", "stranded" (no usable interface)
  bool initiated_by_correspondent = false;
  std::uint64_t packets_out = 0, bytes_out = 0, packets_in = 0, bytes_in = 0;
  Duration idle{};
  // Flows that share its home address and the holder of its binding, lowest id first. At most kMovesWithNamed: a peer can
  // begin so many flows with one home address that naming them all for each of them would take the memory away.
  std::vector<FlowId> moves_with;
  std::string interface_reason;   // why this interface: "policy class 'voice'", "moved by command", "only usable interface"
};

struct HomeAddressSnapshot {
  Address home_address;
  bool primary = false;
  Address care_of_address;
  std::string interface;
  std::string state;   // "registering", "registered", "spare", "anchor", "moving", "releasing", "refused", "at-home"
  std::vector<FlowId> flows;
  std::optional<Duration> lifetime;  // remaining time of the binding
  std::string origin;  // "configured", "prefix"
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

struct StatusSnapshot {
  bool registered = false;       // the primary home address is bound (or the node is at home)
  bool at_home = false;
  Address home_agent;
  Address primary_home_address;
  std::string authentication;
  std::size_t flows = 0, home_addresses = 0, spares = 0, usable_interfaces = 0;
  std::vector<std::string> problems;  // one sentence each, with what to do
};

// Why a command was refused. `message` is a whole sentence that names what was wrong and what would be right.
struct CommandError {
  enum class Kind : std::uint8_t { UnknownFlow, UnknownInterface, InterfaceNotUsable, UnknownHomeAddress, NotPossible };
  Kind kind;
  std::string message;
};

}  // namespace mipflow::mobile_node
