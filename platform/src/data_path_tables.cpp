// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/data_path_tables.hpp"

#include <unordered_map>

namespace mipflow::platform {

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
  for (const auto& [id, item] : changes.bindings.set) note(data_path_.set_binding(id, item), refused);
  for (const auto& [address, item] : changes.home_addresses.set) note(data_path_.set_home_address(address, item), refused);
  for (const auto& [key, item] : changes.flows.set) note(data_path_.set_flow(key, item), refused);
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
  for (const auto& key : changes.flows.erase) note(data_path_.erase_flow(key), refused);
  for (const auto& address : changes.home_addresses.erase) note(data_path_.erase_home_address(address), refused);
  for (const auto id : changes.bindings.erase) note(data_path_.erase_binding(id), refused);
  for (const auto& address : changes.care_of_addresses.erase) note(data_path_.erase_care_of_address(address), refused);
  for (const auto& address : changes.home_agents.erase) note(data_path_.erase_home_agent(address), refused);
}

PlanChanges DataPathTables::difference(const forwarding::ForwardingPlan& plan) const {
  using forwarding::diff;
  PlanChanges out;
  out.home_agents = diff(as_map<forwarding::HomeAgentItem>(data_path_.home_agents()), plan.home_agents.items());
  out.care_of_addresses = diff(data_path_.care_of_addresses(), plan.care_of_addresses.items());
  out.bindings = diff(data_path_.bindings(), plan.bindings.items());
  out.home_addresses = diff(without_primary(data_path_.home_addresses()), without_primary(plan.home_addresses.items()));
  out.flows = diff(data_path_.flows(), plan.flows.items());
  out.tunnels = diff(data_path_.tunnels(), plan.tunnels.items());
  out.tunnel_sources = diff(as_map<forwarding::Present>(data_path_.tunnel_sources()), plan.tunnel_sources.items());
  if (role_ == datapath::Role::HomeAgent)
    out.watched_addresses = diff(as_map<forwarding::Present>(data_path_.watched_addresses()), plan.watched_addresses.items());
  return out;
}

}  // namespace mipflow::platform
