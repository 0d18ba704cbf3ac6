// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/socket_address_tables.hpp"

#include <utility>

#include "mipflow/platform/cgroup_tree.hpp"
#include "mipflow/platform/ordinary_destinations.hpp"

namespace mipflow::platform {

namespace {

void note(const Expected<void, datapath::Error>& result, std::vector<Failure>& refused) {
  if (!result) refused.push_back({result.error().text, result.error().code});
}

}  // namespace

void SocketAddressTables::open(datapath::SocketAddressOptions options) {
  const auto tree = CgroupTree::find();
  if (!tree) {
    trouble_ = "no cgroup v2 tree is mounted: mount one with `mount -t cgroup2 cgroup2 DIRECTORY`";
    return;
  }
  options.cgroup_tree = tree->folder_of("/");
  auto opened = datapath::SocketAddressPrograms::open(options);
  if (!opened) {
    trouble_ = opened.error().text;
    return;
  }
  programs_ = std::move(*opened);
  trouble_.clear();
  set_destinations();
}

void SocketAddressTables::add(const PlanChanges& changes, std::vector<Failure>& refused) {
  if (!programs_) return;
  for (const auto& entry : changes.home_addresses.set) note(programs_->set_home_address(entry.first), refused);
  for (const auto& entry : changes.home_address_users.set) note(programs_->set_user(entry.first), refused);
  for (const auto& [key, item] : changes.flows.set) note(programs_->set_flow(key, item), refused);
  for (const auto& entry : changes.bypassed_prefixes.set) bypassed_.insert(entry.first);
  for (const auto& prefix : changes.bypassed_prefixes.erase) bypassed_.erase(prefix);
  if (!changes.bypassed_prefixes.empty()) set_destinations();
  // Behind everything that these depend on, and, as no address may be handed out that is about to go, before anything goes.
  if (changes.socket_addresses) {
    note(programs_->set_steps(*changes.socket_addresses), refused);
    enabled_ = changes.socket_addresses->enabled;
  }
}

void SocketAddressTables::remove(const PlanChanges& changes, std::vector<Failure>& refused) {
  if (!programs_) return;
  for (const auto& key : changes.flows.erase) note(programs_->erase_flow(key), refused);
  for (const auto& user : changes.home_address_users.erase) note(programs_->erase_user(user), refused);
  for (const auto& address : changes.home_addresses.erase) note(programs_->erase_home_address(address), refused);
}

void SocketAddressTables::follow_routes(NetlinkSocket& requests, InterfaceIndex device) {
  if (!programs_) return;
  auto destinations = read_ordinary_destinations(requests, device);
  if (destinations) {
    by_routes_ = std::move(*destinations);
    trouble_with_routes_ = by_routes_.contains(Prefix{}) ? "a routing rule of another program leads everything past mipflow" : "";
  } else {
    by_routes_ = {Prefix{}};
    trouble_with_routes_ = destinations.error().message;
  }
  set_destinations();
}

void SocketAddressTables::set_destinations() {
  auto all = by_routes_;
  all.insert(bypassed_.begin(), bypassed_.end());
  if (const auto set = programs_->set_ordinary_prefixes(all); !set) trouble_with_routes_ = set.error().text;
}

std::string SocketAddressTables::state() const {
  if (!programs_) return trouble_;
  if (!trouble_with_routes_.empty()) return trouble_with_routes_;
  return enabled_ ? "on" : "home addresses are not in use now";
}

}  // namespace mipflow::platform
