// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/data_path_tables.hpp"

#include <unordered_map>
#include <utility>

#include "mipflow/platform/names.hpp"

namespace mipflow::platform {

static_assert(kUnboundMark == datapath::kUnboundMark, "the rule for routed home networks excepts what the data path marks");

namespace {

void note(const Expected<void, datapath::Error>& result, std::vector<Failure>& refused) {
  if (!result) refused.push_back({result.error().text, result.error().code});
}

// The data path reads keys without items back as sets.
template <class Item, class Set>
auto as_map(const Set& keys) {
  std::unordered_map<typename Set::value_type, Item> out;
  for (const auto& key : keys) out.try_emplace(key);
  return out;
}

template <class Key>
const Key& key_of(const Key& key) { return key; }
template <class Key, class Item>
const Key& key_of(const std::pair<const Key, Item>& entry) { return entry.first; }
template <class Key>
bool holds(const Key&, const forwarding::Present&) { return true; }
template <class Key, class Item>
bool holds(const std::pair<const Key, Item>& entry, const Item& item) { return entry.second == item; }

// As forwarding::diff() for what there may be a million of; of keys without items `have` is a set. At a restart most is as it
// should be, and when all that there is was wanted nothing is looked for the other way round.
template <class Have, class Map>
auto diff_of_many(const Have& have, const Map& want) {
  forwarding::Difference<typename Map::key_type, typename Map::mapped_type> out;
  std::size_t wanted = 0;
  for (const auto& [key, item] : want) {
    const auto known = have.find(key);
    if (known != have.end()) ++wanted;
    if (known == have.end() || !holds(*known, item)) out.set.emplace_back(key, item);
  }
  if (wanted == have.size()) return out;
  for (const auto& entry : have)
    if (!want.contains(key_of(entry))) out.erase.push_back(key_of(entry));
  return out;
}

// Which one is primary is a matter of the routing tables: the maps do not tell.
forwarding::PlanTable<Address, forwarding::HomeAddressItem>::Map without_primary(
    forwarding::PlanTable<Address, forwarding::HomeAddressItem>::Map items) {
  for (auto& entry : items) entry.second.primary = false;
  return items;
}

}  // namespace

void DataPathTables::add(const PlanChanges& changes, std::vector<Failure>& refused) {
  for (const auto& entry : changes.home_agents.set) note(data_path_.set_home_agent(entry.first), refused);
  for (const auto& [address, item] : changes.care_of_addresses.set) note(data_path_.set_care_of_address(address, item), refused);
  for (const auto& entry : changes.routing_header_sources.set) note(data_path_.set_routing_header_source(entry.first), refused);
  for (const auto& [id, item] : changes.bindings.set) note(data_path_.set_binding(id, item), refused);
  for (const auto& [address, item] : changes.home_addresses.set) note(data_path_.set_home_address(address, item), refused);
  for (const auto& [key, item] : changes.flows.set) note(data_path_.set_flow(key, item), refused);
  for (const auto& [pair, item] : changes.correspondent_bindings.set) note(data_path_.set_correspondent_binding(pair, item), refused);
  if (role_ == datapath::Role::HomeAgent)
    for (const auto& entry : changes.watched_addresses.set) note(data_path_.set_watched_address(entry.first), refused);
  for (const auto& [address, item] : changes.tunnels.set) note(data_path_.set_tunnel(address, item), refused);
  for (const auto& entry : changes.tunnel_sources.set) note(data_path_.set_tunnel_source(entry.first), refused);
}

void DataPathTables::remove(const PlanChanges& changes, std::vector<Failure>& refused) {
  for (const auto& source : changes.tunnel_sources.erase) note(data_path_.erase_tunnel_source(source), refused);
  for (const auto& address : changes.tunnels.erase) note(data_path_.erase_tunnel(address), refused);
  if (role_ == datapath::Role::HomeAgent)
    for (const auto& watched : changes.watched_addresses.erase) note(data_path_.erase_watched_address(watched), refused);
  for (const auto& pair : changes.correspondent_bindings.erase) note(data_path_.erase_correspondent_binding(pair), refused);
  for (const auto& key : changes.flows.erase) note(data_path_.erase_flow(key), refused);
  for (const auto& address : changes.home_addresses.erase) note(data_path_.erase_home_address(address), refused);
  for (const auto id : changes.bindings.erase) note(data_path_.erase_binding(id), refused);
  for (const auto& source : changes.routing_header_sources.erase) note(data_path_.erase_routing_header_source(source), refused);
  for (const auto& address : changes.care_of_addresses.erase) note(data_path_.erase_care_of_address(address), refused);
  for (const auto& address : changes.home_agents.erase) note(data_path_.erase_home_agent(address), refused);
}

PlanChanges DataPathTables::difference(const forwarding::ForwardingPlan& plan) const {
  using forwarding::diff;
  PlanChanges out;
  out.home_agents = diff(as_map<forwarding::HomeAgentItem>(data_path_.home_agents()), plan.home_agents.items());
  out.care_of_addresses = diff(data_path_.care_of_addresses(), plan.care_of_addresses.items());
  out.routing_header_sources = diff(as_map<forwarding::Present>(data_path_.routing_header_sources()), plan.routing_header_sources.items());
  out.bindings = diff(data_path_.bindings(), plan.bindings.items());
  out.home_addresses = diff(without_primary(data_path_.home_addresses()), without_primary(plan.home_addresses.items()));
  out.flows = diff(data_path_.flows(), plan.flows.items());
  out.correspondent_bindings = diff(data_path_.correspondent_bindings(), plan.correspondent_bindings.items());
  out.tunnels = diff_of_many(data_path_.tunnels(), plan.tunnels.items());
  out.tunnel_sources = diff_of_many(data_path_.tunnel_sources(), plan.tunnel_sources.items());
  if (role_ == datapath::Role::HomeAgent)
    out.watched_addresses = diff(as_map<forwarding::Present>(data_path_.watched_addresses()), plan.watched_addresses.items());
  return out;
}

}  // namespace mipflow::platform
