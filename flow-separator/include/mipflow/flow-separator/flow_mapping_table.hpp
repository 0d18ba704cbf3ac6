// SPDX-License-Identifier: GPL-3.0-or-later
// The Flow Mapping Table of WO 2004/057826: an entry for each current data flow.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/base/flow_key.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/flow-separator/policy.hpp"

namespace mipflow::flow_separator {

enum class FlowState : std::uint8_t {
  Held,      // its first packet waits for a home address or a binding
  Active,
  Moving,    // a Binding Update for another care-of address is out
  Stranded,  // no usable interface
  Closing,   // FIN in both directions or RST seen: lingers for late segments
};

// Packets as counted by the data path since the flow began.
struct FlowCounters {
  std::uint64_t packets_out = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t packets_in = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t retransmissions_out = 0;  // TCP segments that carried octets a second time
  std::uint64_t retransmissions_in = 0;
};

// One entry. The fields that the table finds flows by (key, home address) and the times are changed by its functions only.
struct FlowEntry {
  FlowId id = 0;
  FlowAttributes information{};    // "Flow Information"; information.key.correspondent is the Correspondent Node
  Address home_address{};          // `::` while none is assigned
  Address care_of_address{};       // of the selected network; `::` while there is none
  InterfaceIndex interface = 0;    // that the care-of address belongs to; 0 while there is none
  Address binding_holder{};        // the peer whose binding the flow depends on: home agent or correspondent node
  std::string class_name{};
  std::string interface_reason{};  // why this interface, for the operator
  std::string home_address_reason{};  // why this home address, likewise
  std::optional<InterfaceIndex> commanded_interface = std::nullopt;  // chosen by an operator's command
  bool initiated_by_correspondent = false;
  bool bypassed = false;           // `home_address` is the interface's own address: the policy leaves the flow alone
  bool replied = false;            // packets were seen in both directions
  FlowState state = FlowState::Active;
  FlowCounters counters{};
  TimePoint created{};
  TimePoint last_active{};
  std::optional<TimePoint> closing_since = std::nullopt;  // has a value while `state` is Closing
  TimePoint looked_at_again{};     // when expire() looks at it next

  const Address& correspondent() const { return information.key.correspondent; }
};

// The key of the packets that arrive for a flow: as `key`, but to the flow's home address instead of the address that the
// socket is bound to. Two flows with the same arrival key could not be told apart.
FlowKey arrival_key(const FlowKey& key, const Address& home_address);

struct FlowTableLimits {
  std::uint32_t capacity = 131'072;  // flows
  Duration tcp_idle = std::chrono::hours{24};
  Duration tcp_unanswered_idle = std::chrono::seconds{120};  // a connection that never came about
  Duration udp_idle = std::chrono::seconds{180};
  Duration icmp_idle = std::chrono::seconds{30};
  Duration other_idle = std::chrono::seconds{300};
  Duration closed_linger = std::chrono::seconds{5};
};

enum class InsertRefusal : std::uint8_t {
  KeyExists,           // the flow is in the table
  ArrivalKeyCollision, // another flow on this home address has the same correspondent node, ports and protocol
  Full,                // and no entry may be put out for the new one
};

class FlowMappingTable {
 public:
  explicit FlowMappingTable(FlowTableLimits limits) : limits_(limits) {}

  struct Inserted {
    FlowId id = 0;
    std::optional<FlowEntry> evicted = std::nullopt;  // had to leave for the new one
  };
  // Adds a flow; `entry`'s id and times are set here, the ids count up from 1. When the table is full the
  // oldest of these leaves: flows that are closing; flows that a correspondent node began and nothing here answered; and,
  // for a flow that this host begins, unanswered flows of its own. So a flood of packets from outside pushes out only itself.
  Expected<Inserted, InsertRefusal> insert(FlowEntry entry, TimePoint now);
  // Takes the flow out; nullopt when there is none.
  std::optional<FlowEntry> erase(FlowId id);

  // nullptr when there is none. Valid until the flow is erased.
  const FlowEntry* find(FlowId id) const;
  const FlowEntry* find(const FlowKey& key) const;              // as the socket built the packet
  const FlowEntry* find_arrival(const FlowKey& arrival) const;  // as the packet comes in: source = its home address
  // Flows that have this home address, lowest id first. Valid until one of them changes its home address or ends.
  const std::set<FlowId>& flows_of(const Address& home_address) const;
  // The other flows that share the home address and the holder of its binding, lowest id first.
  std::vector<FlowId> moves_with(FlowId id) const;

  std::size_t size() const { return entries_.size(); }
  const std::unordered_map<FlowId, FlowEntry>& entries() const { return entries_; }

  // The setters return false, and change nothing, when there is no such flow.
  //
  // Also false when the new home address would make two flows have the same arrival key. `::` takes it away.
  bool set_home_address(FlowId id, const Address& home_address);
  bool set_care_of_address(FlowId id, const Address& care_of_address, InterfaceIndex interface, std::string reason);
  bool set_binding_holder(FlowId id, const Address& holder);
  bool set_commanded_interface(FlowId id, std::optional<InterfaceIndex> interface);
  bool set_class(FlowId id, std::string class_name);
  bool set_owner(FlowId id, FlowOwnerPointer owner);
  // Closing starts the linger time; any other state ends it (a new connection with the old ports).
  bool set_state(FlowId id, FlowState state, TimePoint now);
  // What the data path counted; `last_active` older than what is known is ignored.
  bool set_activity(FlowId id, const FlowCounters& counters, TimePoint last_active);

  // Takes out the flows whose idle or linger time is over, with the state they had. Costs nothing for the others.
  std::vector<FlowEntry> expire(TimePoint now);
  // When to call expire() next. May be early, as activity only pushes a deadline back when it is reached; never late.
  TimePoint next_deadline() const;

 private:
  Duration idle_timeout(const FlowEntry& entry) const;
  TimePoint deadline_of(const FlowEntry& entry) const;
  void schedule(FlowEntry& entry);
  void reschedule(FlowEntry& entry);
  void forget_home_address(const FlowEntry& entry);
  std::set<FlowId>* eviction_queue_of(const FlowEntry& entry);  // nullptr: is not evicted
  void file_for_eviction(const FlowEntry& entry);
  void unfile_for_eviction(const FlowEntry& entry);
  std::optional<FlowId> eviction_candidate(bool for_own_flow) const;

  FlowTableLimits limits_;
  FlowId last_id_ = 0;
  std::unordered_map<FlowId, FlowEntry> entries_;
  std::unordered_map<FlowKey, FlowId> by_key_;
  std::unordered_map<FlowKey, FlowId> by_arrival_;
  std::unordered_map<Address, std::set<FlowId>> by_home_address_;
  std::set<std::pair<TimePoint, FlowId>> deadlines_;  // each flow once, at its looked_at_again
  std::set<FlowId> closing_;                          // the three queues that eviction takes from
  std::set<FlowId> unanswered_incoming_;
  std::set<FlowId> unanswered_outgoing_;
};

}  // namespace mipflow::flow_separator
