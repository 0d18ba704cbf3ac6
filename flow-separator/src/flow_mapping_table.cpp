// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/flow-separator/flow_mapping_table.hpp"

#include <algorithm>

namespace mipflow::flow_separator {

FlowKey arrival_key(const FlowKey& key, const Address& home_address) {
  FlowKey arrival = key;
  arrival.source = home_address;
  return arrival;
}

Expected<FlowMappingTable::Inserted, InsertRefusal> FlowMappingTable::insert(FlowEntry entry, TimePoint now) {
  const FlowKey& key = entry.information.key;
  if (by_key_.contains(key)) return Unexpected{InsertRefusal::KeyExists};
  if (!entry.home_address.is_unspecified() && by_arrival_.contains(arrival_key(key, entry.home_address)))
    return Unexpected{InsertRefusal::ArrivalKeyCollision};

  Inserted inserted;
  if (entries_.size() >= limits_.capacity) {
    const auto victim = eviction_candidate(!entry.initiated_by_correspondent);
    if (!victim) return Unexpected{InsertRefusal::Full};
    inserted.evicted = erase(*victim);
  }

  entry.id = inserted.id = ++last_id_;
  entry.created = entry.last_active = now;
  by_key_.emplace(key, entry.id);
  if (!entry.home_address.is_unspecified()) {
    by_arrival_.emplace(arrival_key(key, entry.home_address), entry.id);
    by_home_address_[entry.home_address].insert(entry.id);
  }
  entry.looked_at_again = TimePoint{};
  entry.closing_since.reset();
  if (entry.state == FlowState::Closing) entry.closing_since = now;
  FlowEntry& stored = entries_.emplace(entry.id, std::move(entry)).first->second;
  reschedule(stored);
  file_for_eviction(stored);
  return inserted;
}

std::optional<FlowEntry> FlowMappingTable::erase(FlowId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  forget_home_address(found->second);
  unfile_for_eviction(found->second);
  deadlines_.erase({found->second.looked_at_again, id});
  by_key_.erase(found->second.information.key);
  FlowEntry out = std::move(found->second);
  entries_.erase(found);
  return out;
}

const FlowEntry* FlowMappingTable::find(FlowId id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

const FlowEntry* FlowMappingTable::find(const FlowKey& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : find(found->second);
}

const FlowEntry* FlowMappingTable::find_arrival(const FlowKey& arrival) const {
  const auto found = by_arrival_.find(arrival);
  return found == by_arrival_.end() ? nullptr : find(found->second);
}

const std::set<FlowId>& FlowMappingTable::flows_of(const Address& home_address) const {
  static const std::set<FlowId> none;
  const auto found = by_home_address_.find(home_address);
  return found == by_home_address_.end() ? none : found->second;
}

std::vector<FlowId> FlowMappingTable::moves_with(FlowId id) const {
  std::vector<FlowId> out;
  const FlowEntry* flow = find(id);
  if (flow == nullptr) return out;
  for (const FlowId other : flows_of(flow->home_address))
    if (other != id && find(other)->binding_holder == flow->binding_holder) out.push_back(other);
  return out;
}

bool FlowMappingTable::set_home_address(FlowId id, const Address& home_address) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  FlowEntry& entry = found->second;
  if (entry.home_address == home_address) return true;
  if (!home_address.is_unspecified()) {
    if (!by_arrival_.emplace(arrival_key(entry.information.key, home_address), id).second) return false;
    by_home_address_[home_address].insert(id);
  }
  forget_home_address(entry);
  entry.home_address = home_address;
  return true;
}

void FlowMappingTable::forget_home_address(const FlowEntry& entry) {
  if (entry.home_address.is_unspecified()) return;
  by_arrival_.erase(arrival_key(entry.information.key, entry.home_address));
  const auto flows = by_home_address_.find(entry.home_address);
  flows->second.erase(entry.id);
  if (flows->second.empty()) by_home_address_.erase(flows);
}

bool FlowMappingTable::set_care_of_address(FlowId id, const Address& care_of_address, InterfaceIndex interface,
                                           std::string reason) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  found->second.care_of_address = care_of_address;
  found->second.interface = interface;
  found->second.interface_reason = std::move(reason);
  return true;
}

bool FlowMappingTable::set_binding_holder(FlowId id, const Address& holder) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  found->second.binding_holder = holder;
  return true;
}

bool FlowMappingTable::set_commanded_interface(FlowId id, std::optional<InterfaceIndex> interface) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  found->second.commanded_interface = interface;
  return true;
}

bool FlowMappingTable::set_class(FlowId id, std::string class_name) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  found->second.class_name = std::move(class_name);
  return true;
}

bool FlowMappingTable::set_owner(FlowId id, FlowOwnerPointer owner) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  found->second.information.owner = std::move(owner);
  return true;
}

bool FlowMappingTable::set_state(FlowId id, FlowState state, TimePoint now) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  FlowEntry& entry = found->second;
  unfile_for_eviction(entry);
  if (state != FlowState::Closing)
    entry.closing_since.reset();
  else if (!entry.closing_since)
    entry.closing_since = now;
  entry.state = state;
  file_for_eviction(entry);
  schedule(entry);
  return true;
}

bool FlowMappingTable::set_activity(FlowId id, const FlowCounters& counters, TimePoint last_active) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  FlowEntry& entry = found->second;
  entry.counters = counters;
  entry.last_active = std::max(entry.last_active, last_active);
  if (!entry.replied && counters.packets_out > 0 && counters.packets_in > 0) {
    unfile_for_eviction(entry);
    entry.replied = true;
    file_for_eviction(entry);
  }
  return true;
}

std::vector<FlowEntry> FlowMappingTable::expire(TimePoint now) {
  std::vector<FlowEntry> out;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const FlowId id = deadlines_.begin()->second;
    FlowEntry& entry = entries_.find(id)->second;
    if (deadline_of(entry) > now) {  // there were packets since
      reschedule(entry);
      continue;
    }
    out.push_back(*erase(id));
  }
  return out;
}

TimePoint FlowMappingTable::next_deadline() const { return deadlines_.empty() ? kNever : deadlines_.begin()->first; }

Duration FlowMappingTable::idle_timeout(const FlowEntry& entry) const {
  switch (entry.information.key.protocol) {
    case kProtocolTcp: return entry.replied ? limits_.tcp_idle : std::min(limits_.tcp_idle, limits_.tcp_unanswered_idle);
    case kProtocolUdp: return limits_.udp_idle;
    case kProtocolIcmpv6: return limits_.icmp_idle;
    default: return limits_.other_idle;
  }
}

TimePoint FlowMappingTable::deadline_of(const FlowEntry& entry) const {
  const TimePoint idle = entry.last_active + idle_timeout(entry);
  return entry.closing_since ? std::min(idle, *entry.closing_since + limits_.closed_linger) : idle;
}

// A deadline that moves back is left alone and looked at again when it is reached, so that packets cost nothing here.
void FlowMappingTable::schedule(FlowEntry& entry) {
  if (deadline_of(entry) < entry.looked_at_again) reschedule(entry);
}

void FlowMappingTable::reschedule(FlowEntry& entry) {
  deadlines_.erase({entry.looked_at_again, entry.id});
  entry.looked_at_again = deadline_of(entry);
  deadlines_.emplace(entry.looked_at_again, entry.id);
}

std::set<FlowId>* FlowMappingTable::eviction_queue_of(const FlowEntry& entry) {
  if (entry.state == FlowState::Closing) return &closing_;
  if (entry.replied) return nullptr;
  return entry.initiated_by_correspondent ? &unanswered_incoming_ : &unanswered_outgoing_;
}

void FlowMappingTable::file_for_eviction(const FlowEntry& entry) {
  if (auto* queue = eviction_queue_of(entry)) queue->insert(entry.id);
}

void FlowMappingTable::unfile_for_eviction(const FlowEntry& entry) {
  if (auto* queue = eviction_queue_of(entry)) queue->erase(entry.id);
}

// Ids count up, so the lowest one is the oldest flow.
std::optional<FlowId> FlowMappingTable::eviction_candidate(bool for_own_flow) const {
  if (!closing_.empty()) return *closing_.begin();
  if (!unanswered_incoming_.empty()) return *unanswered_incoming_.begin();
  if (for_own_flow && !unanswered_outgoing_.empty()) return *unanswered_outgoing_.begin();
  return std::nullopt;
}

}  // namespace mipflow::flow_separator
