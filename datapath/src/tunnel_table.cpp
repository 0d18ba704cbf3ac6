// SPDX-License-Identifier: GPL-3.0-or-later
#include "tunnel_table.hpp"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "layout_values.hpp"

namespace mipflow::datapath {

namespace {

std::size_t octets_of(std::uint32_t capacity) { return std::size_t{capacity} * sizeof(mipflow_tunnel_activity); }

std::uint64_t take(__u64& number) { return std::atomic_ref<__u64>(number).exchange(0, std::memory_order_relaxed); }

}  // namespace

Expected<TunnelTable, Error> TunnelTable::open(int tunnels_fd, int activity_fd, int activity_wanted_fd, std::uint32_t capacity) {
  void* memory = ::mmap(nullptr, octets_of(capacity), PROT_READ | PROT_WRITE, MAP_SHARED, activity_fd, 0);
  if (memory == MAP_FAILED) return failure(errno, "cannot map the tunnels' counters into memory");
  TunnelTable out;
  out.tunnels_ = {tunnels_fd, "tunnels"};
  out.activity_wanted_ = {activity_wanted_fd, "tunnel_activity_wanted"};
  out.activity_ = static_cast<mipflow_tunnel_activity*>(memory);
  out.capacity_ = capacity;
  out.take_over();
  return out;
}

TunnelTable::~TunnelTable() {
  if (activity_ != nullptr) ::munmap(activity_, octets_of(capacity_));
}

void TunnelTable::swap(TunnelTable& other) noexcept {
  std::swap(tunnels_, other.tunnels_);
  std::swap(activity_wanted_, other.activity_wanted_);
  std::swap(activity_, other.activity_);
  std::swap(capacity_, other.capacity_);
  std::swap(home_addresses_, other.home_addresses_);
  std::swap(free_, other.free_);
}

void TunnelTable::take_over() {
  std::vector<mipflow_address> unusable;
  tunnels_.for_each([&](const mipflow_address& key, const mipflow_tunnel& value) {
    if (value.slot >= home_addresses_.size() && value.slot < capacity_) home_addresses_.resize(value.slot + 1);
    if (value.slot >= capacity_ || !home_addresses_[value.slot].is_unspecified())
      unusable.push_back(key);
    else
      home_addresses_[value.slot] = from_layout(key);
  });
  // Two with one slot, or none: somebody else wrote into the map. The plan puts it back with a slot of its own.
  for (const auto& key : unusable) (void)tunnels_.erase(key);
  for (std::uint32_t slot = 0; slot < home_addresses_.size(); ++slot)
    if (home_addresses_[slot].is_unspecified()) free_.push_back(slot);
}

std::uint32_t TunnelTable::free_slot(const Address& home_address) {
  std::uint32_t slot = 0;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(home_addresses_.size());
    home_addresses_.push_back(home_address);
  } else {
    slot = free_.back();
    free_.pop_back();
    home_addresses_[slot] = home_address;
  }
  return slot;
}

Result TunnelTable::set(const Address& home_address, const forwarding::TunnelItem& item) {
  const mipflow_address key = to_layout(home_address);
  mipflow_tunnel value{};
  value.care_of_address = to_layout(item.care_of_address);
  value.home_agent = to_layout(item.home_agent);
  mipflow_tunnel before{};
  if (tunnels_.find(key, before)) {
    value.slot = before.slot;
    return tunnels_.set(key, value);
  }
  if (free_.empty() && home_addresses_.size() >= capacity_) return failure(E2BIG, "cannot write to the data path's table tunnels");
  value.slot = free_slot(home_address);
  // A packet that was in a processor's hand when the slot's last tunnel went may have counted since then.
  activity_[value.slot] = {};
  auto done = tunnels_.set(key, value);
  if (!done) {
    home_addresses_[value.slot] = {};
    free_.push_back(value.slot);
  }
  return done;
}

Result TunnelTable::erase(const Address& home_address) {
  const mipflow_address key = to_layout(home_address);
  mipflow_tunnel before{};
  if (!tunnels_.find(key, before)) return {};
  if (auto erased = tunnels_.erase(key); !erased) return erased;
  home_addresses_[before.slot] = {};
  free_.push_back(before.slot);
  return {};
}

std::unordered_map<Address, forwarding::TunnelItem> TunnelTable::items() const {
  std::unordered_map<Address, forwarding::TunnelItem> out;
  out.reserve(size());
  tunnels_.for_each([&](const mipflow_address& key, const mipflow_tunnel& value) {
    out.emplace(from_layout(key), forwarding::TunnelItem{from_layout(value.care_of_address), from_layout(value.home_agent)});
  });
  return out;
}

std::vector<TunnelActivity> TunnelTable::take_activity() {
  std::vector<TunnelActivity> out;
  (void)activity_wanted_.set(0, 1);  // an array's one place: it can not fail
  for (std::size_t slot = 0; slot < home_addresses_.size(); ++slot) {
    mipflow_tunnel_activity& entry = activity_[slot];
    // Only reads those that nobody writes: their memory stays where it is in the caches.
    if (std::atomic_ref<__u64>(entry.packets).load(std::memory_order_relaxed) == 0 || home_addresses_[slot].is_unspecified()) continue;
    const std::uint64_t packets = take(entry.packets);
    out.push_back({home_addresses_[slot], packets, take(entry.octets)});
  }
  return out;
}

}  // namespace mipflow::datapath
