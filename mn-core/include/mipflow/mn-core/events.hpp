// SPDX-License-Identifier: GPL-3.0-or-later
// What can happen to a mobile node. See base/role.hpp for the contract.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/base/flow_key.hpp"
#include "mipflow/base/flow_owner.hpp"
#include "mipflow/base/interface_preference.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"

namespace mipflow::mobile_node {

using mipflow::InterfaceKind;

// A network interface appeared or changed. Interfaces that must never carry flows (loopback, mip0) are not reported.
struct InterfaceChanged {
  InterfaceIndex index = 0;
  std::string name;
  InterfaceKind kind = InterfaceKind::Other;
  bool up = false;       // administratively up
  bool running = false;  // has carrier
  std::uint32_t mtu = 1500;
  // Needed on the home link only: what the node tells its neighbours when it is home again (RFC 6275 §11.5.5).
  std::optional<LinkLayerAddress> link_layer_address = std::nullopt;
};
struct InterfaceRemoved {
  InterfaceIndex index = 0;
};

// A global address of an interface appeared or changed: a candidate care-of address. The link-local address may be
// reported too: it decides about the L flag of Binding Updates (RFC 6275 §11.7.1).
struct AddressChanged {
  InterfaceIndex interface = 0;
  Address address;
  unsigned prefix_length = 64;
  bool tentative = false;    // DAD runs (and the address is not optimistic), or failed
  bool deprecated = false;
  bool temporary = false;    // RFC 8981: never chosen, care-of addresses are stable ones
  std::optional<Duration> valid_for = std::nullopt;  // nullopt = forever
};
struct AddressRemoved {
  InterfaceIndex interface = 0;
  Address address;
};

// The default router of an interface. `reachable` turns false when the kernel's neighbour entry for it failed.
struct RouterChanged {
  InterfaceIndex interface = 0;
  Address router;  // link-local
  bool reachable = true;
};
struct RouterRemoved {
  InterfaceIndex interface = 0;
  Address router;
};

// First packet of a flow that the data path does not know, held by the kernel until a Verdict comes.
// `packet` may be cut after 128 octets; `length` is the true one.
enum class Direction : std::uint8_t { Outgoing, Incoming };
struct FlowPacket {
  HeldPacketId id = 0;
  Direction direction = Direction::Outgoing;
  BytesView packet;
  std::uint32_t length = 0;
  std::optional<std::uint32_t> user = std::nullopt;  // uid of the local socket
  FlowOwnerPointer owner = nullptr;                  // when it was looked up in time
  // Outgoing: the socket has its source because we offered it, and not by a wish of its own.
  bool source_was_offered = false;
  Duration waited{};  // for its owner; the hold limit is for all waiting together
};

// Who a flow belongs to was found out after its first packet had gone. Ignored for a flow that is not known.
struct FlowOwnerFound {
  FlowKey key;
  FlowOwnerPointer owner;
};

// The local time of day, for rules that ask for it: told at the start, each minute, and when it was set.
struct TimeOfDay {
  unsigned weekday = 0;  // 0 is Monday
  unsigned minute = 0;   // since midnight
};

// What the data path counted for a flow since it was installed. Sent for all live flows about once a second.
struct FlowActivity {
  FlowKey key;
  std::uint64_t packets_out = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t packets_in = 0;
  std::uint64_t bytes_in = 0;
  Duration idle{};      // since the last packet in either direction
  bool closed = false;  // TCP: FIN seen in both directions, or RST
  // TCP segments that carried octets which an earlier one had carried already, counted like the packets: what was lost on
  // the way, or thought to be.
  std::uint64_t retransmissions_out = 0;
  std::uint64_t retransmissions_in = 0;
  // The longest time between two packets in a row of one direction since the report before this one; zero for fewer.
  Duration longest_gap_out{};
  Duration longest_gap_in{};
};
struct FlowActivities {
  std::vector<FlowActivity> flows;
};

// The kernel refused a part of the plan.
struct PlanRefused {
  std::string what;
  int error = 0;  // errno
};

// A home agent that the data path of the daemon before this one accepted tunnels from. Comes before its flows.
struct HomeAgentRecovered {
  Address home_agent;
};

// A flow that the data path already carried when the daemon started (the one before it was killed).
struct FlowRecovered {
  FlowKey key;
  Address home_address;
  bool direct = false;  // straight to the correspondent node, which has a binding then
  // Leaves with this interface's own address, which is `home_address` then, as the policy bypasses mipflow; 0: it does not.
  InterfaceIndex bypassed_on = 0;
};

// From this correspondent node the data path accepts packets that come straight to the home address: it may have a binding. Comes behind
// the flows.
struct CorrespondentRecovered {
  forwarding::HomeAddressAndCorrespondent pair;
};

// Where the daemon before this one had the home address bound, as far as the data path shows: packets go on from there until the
// home agent has accepted the first Binding Update. Comes behind the flows; of no interest without one that has the home address.
struct HomeAddressRecovered {
  Address home_address;
  Address care_of_address;
  InterfaceIndex interface = 0;
  Address home_agent;
};

using Event = std::variant<PacketReceived, InterfaceChanged, InterfaceRemoved, AddressChanged, AddressRemoved, RouterChanged,
                           RouterRemoved, FlowPacket, FlowOwnerFound, FlowActivities, HomeAgentRecovered, FlowRecovered,
                           HomeAddressRecovered, CorrespondentRecovered, TimeOfDay, PlanRefused>;

}  // namespace mipflow::mobile_node
