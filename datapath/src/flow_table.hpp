// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "activity.hpp"
#include "layout.h"
#include "map.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"

namespace mipflow::datapath {

// "flow 2001:db8::1 port 5 to …", for the operator.
std::string name_of(const FlowKey& key);

// The mobile node's flows in the kernel: one entry in map departures, one in map arrivals, one slot of map activity. A
// flow with several keys (see DataPath::set_flow()) has an entry in map departures for each of them.
class FlowTable {
 public:
  FlowTable() = default;
  // Reads what the maps hold already.
  FlowTable(int departures_fd, int arrivals_fd, ActivityMemory activity, std::uint32_t capacity);

  // See DataPath::set_flow().
  Result set(const FlowKey& key, const forwarding::FlowItem& item);
  Result erase(const FlowKey& key);
  // Whether the flow is in it and leaves with this home address.
  bool has(const FlowKey& key, const Address& home_address) const;
  std::unordered_map<FlowKey, forwarding::FlowItem> items() const;
  std::vector<FlowActivity> activities() const;

 private:
  struct Entry {
    forwarding::FlowItem item;
    std::uint32_t slot = 0;
  };
  Result add(const FlowKey& key, const forwarding::FlowItem& item);
  Result put_arrival(const FlowKey& key, const Entry& entry);
  const Entry* owner_of_arrival(const FlowKey& key, const Address& home_address) const;
  Result erase_arrival(const FlowKey& key, const Entry& entry);
  Result put_departure(const FlowKey& key, const Entry& entry);

  Map<mipflow_flow_key, mipflow_departure> departures_;
  Map<mipflow_flow_key, mipflow_arrival> arrivals_;
  ActivityMemory activity_;
  std::unordered_map<FlowKey, Entry> entries_;
  std::vector<std::uint8_t> users_;  // keys by slot
  // Slots are used again as late as possible: a packet that is being worked on may still count into the old one.
  std::deque<std::uint32_t> free_slots_;
};

}  // namespace mipflow::datapath
