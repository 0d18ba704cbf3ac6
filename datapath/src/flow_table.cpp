// SPDX-License-Identifier: GPL-3.0-or-later
#include "flow_table.hpp"

#include <cerrno>
#include <utility>

#include "layout_values.hpp"

namespace mipflow::datapath {

namespace {

constexpr std::uint8_t kProtocolDccp = 33;
constexpr std::uint8_t kProtocolUdpLite = 136;

// Protocols whose checksum the programs can put right, see bpf/rewriting.h. Others (AH, OSPF, …) may protect the
// addresses in ways that only their ends know.
bool can_be_rewritten(std::uint8_t protocol) {
  switch (protocol) {
    case kProtocolTcp:
    case kProtocolUdp:
    case kProtocolUdpLite:
    case kProtocolDccp:
    case kProtocolSctp:
    case kProtocolIcmpv6: return true;
    default: return false;
  }
}

// More than sockets can have: one per home address of ours would do.
constexpr std::uint8_t kMostKeys = 200;

bool is_same_flow(const forwarding::FlowItem& one, const forwarding::FlowItem& other) {
  return one.id == other.id && one.home_address == other.home_address;
}

}  // namespace

std::string name_of(const FlowKey& key) {
  return "flow " + to_string(key.source) + " port " + std::to_string(key.source_port) + " to " + to_string(key.correspondent) +
         " port " + std::to_string(key.correspondent_port) + " protocol " + std::to_string(key.protocol);
}

FlowTable::FlowTable(int departures_fd, int arrivals_fd, ActivityMemory activity, std::uint32_t capacity)
    : departures_(departures_fd, "departures"), arrivals_(arrivals_fd, "arrivals"), activity_(std::move(activity)), users_(capacity) {
  std::vector<const Entry*> first(capacity);
  for (const auto& [key, value] : departures_.read_all()) {
    const forwarding::FlowItem item{value.flow_id, from_layout(value.home_address), value.binding};
    const bool fits = value.slot < capacity && users_[value.slot] < kMostKeys &&
                      (first[value.slot] == nullptr || is_same_flow(first[value.slot]->item, item));
    if (!fits) {
      (void)departures_.erase(key);
      continue;
    }
    ++users_[value.slot];
    first[value.slot] = &entries_.emplace(from_layout(key), Entry{item, value.slot}).first->second;
  }
  // The daemon before may have died between two entries of a flow.
  for (const auto& [key, value] : arrivals_.read_all()) {
    FlowKey flow = from_layout(key);
    flow.source = from_layout(value.socket_address);
    const auto found = entries_.find(flow);
    if (found == entries_.end() || found->second.item.home_address != from_layout(key.local)) (void)arrivals_.erase(key);
  }
  for (std::uint32_t slot = 0; slot < capacity; ++slot)
    if (users_[slot] == 0) free_slots_.push_back(slot);
}

Result FlowTable::put_departure(const FlowKey& key, const Entry& entry) {
  mipflow_departure value{};
  value.home_address = to_layout(entry.item.home_address);
  value.flow_id = entry.item.id;
  value.binding = entry.item.binding;
  value.slot = entry.slot;
  return departures_.set(to_layout(key, key.source), value);
}

Result FlowTable::put_arrival(const FlowKey& key, const Entry& entry) {
  const mipflow_flow_key arrival_key = to_layout(key, entry.item.home_address);
  mipflow_arrival value{};
  value.socket_address = to_layout(key.source);
  value.slot = entry.slot;
  auto result = arrivals_.set(arrival_key, value, BPF_NOEXIST);
  if (result || result.error().code != EEXIST) return result;

  const Entry* owner = owner_of_arrival(key, entry.item.home_address);
  if (owner != nullptr && !is_same_flow(owner->item, entry.item))
    return failure(EADDRINUSE, name_of(key), "another flow looks the same behind home address " +
                                                 to_string(entry.item.home_address) + ": give one of them another home address");
  // Of several keys of one flow the one that needs no rewriting says what the socket expects.
  if (owner != nullptr && key.source != entry.item.home_address) return {};
  return arrivals_.set(arrival_key, value);
}

// nullptr: there is no such entry, it is the key's own, or it is left over.
const FlowTable::Entry* FlowTable::owner_of_arrival(const FlowKey& key, const Address& home_address) const {
  mipflow_arrival arrival{};
  if (!arrivals_.find(to_layout(key, home_address), arrival)) return nullptr;
  FlowKey owner = key;
  owner.source = from_layout(arrival.socket_address);
  const auto found = owner == key ? entries_.end() : entries_.find(owner);
  return found == entries_.end() ? nullptr : &found->second;
}

Result FlowTable::add(const FlowKey& key, const forwarding::FlowItem& item) {
  const Entry* sibling = owner_of_arrival(key, item.home_address);
  if (sibling != nullptr && (!is_same_flow(sibling->item, item) || users_[sibling->slot] == kMostKeys)) sibling = nullptr;
  if (sibling == nullptr && free_slots_.empty()) return failure(E2BIG, name_of(key));
  const Entry entry{item, sibling != nullptr ? sibling->slot : free_slots_.front()};
  if (sibling == nullptr) activity_.begin(entry.slot, item.id);
  // Arrivals first: an answer must not come in before we can give it back its address.
  if (auto arrival = put_arrival(key, entry); !arrival) return arrival;
  if (auto departure = put_departure(key, entry); !departure) {
    (void)erase_arrival(key, entry);
    return departure;
  }
  if (sibling == nullptr) free_slots_.pop_front();
  ++users_[entry.slot];
  entries_.emplace(key, entry);
  return {};
}

// The entry is another key's when the flow has several.
Result FlowTable::erase_arrival(const FlowKey& key, const Entry& entry) {
  if (owner_of_arrival(key, entry.item.home_address) != nullptr) return {};
  return arrivals_.erase(to_layout(key, entry.item.home_address));
}

Result FlowTable::set(const FlowKey& key, const forwarding::FlowItem& item) {
  if (item.home_address != key.source && !can_be_rewritten(key.protocol))
    return failure(EPROTONOSUPPORT, name_of(key),
                   "its source can not be rewritten without breaking the protocol: keep the source as its home address");
  const auto found = entries_.find(key);
  if (found == entries_.end()) return add(key, item);

  Entry changed = found->second;
  const Address before = changed.item.home_address;
  changed.item = item;
  if (item.home_address != before)
    if (auto arrival = put_arrival(key, changed); !arrival) return arrival;
  if (auto departure = put_departure(key, changed); !departure) {
    if (item.home_address != before) (void)erase_arrival(key, changed);
    return departure;
  }
  activity_.set_flow_id(changed.slot, item.id);
  std::swap(found->second, changed);
  if (item.home_address != before) return erase_arrival(key, changed);
  return {};
}

Result FlowTable::erase(const FlowKey& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return {};
  if (auto departure = departures_.erase(to_layout(key, key.source)); !departure) return departure;
  if (auto arrival = erase_arrival(key, found->second); !arrival) return arrival;
  if (--users_[found->second.slot] == 0) free_slots_.push_back(found->second.slot);
  entries_.erase(found);
  return {};
}

bool FlowTable::has(const FlowKey& key, const Address& home_address) const {
  const auto found = entries_.find(key);
  return found != entries_.end() && found->second.item.home_address == home_address;
}

std::unordered_map<FlowKey, forwarding::FlowItem> FlowTable::items() const {
  std::unordered_map<FlowKey, forwarding::FlowItem> out;
  out.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) out.emplace(key, entry.item);
  return out;
}

std::vector<FlowActivity> FlowTable::activities() const {
  const TimePoint now = time_since_boot();
  std::vector<FlowActivity> out;
  out.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) out.push_back(activity_.read(entry.slot, key, now));
  return out;
}

}  // namespace mipflow::datapath
