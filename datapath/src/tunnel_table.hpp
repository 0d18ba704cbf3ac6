// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "error.hpp"
#include "layout.h"
#include "map.hpp"

namespace mipflow::datapath {

// The home agent's maps `tunnels` and `tunnel_activity`. Each tunnel has a slot in the second one, which is read through this
// process's memory; it keeps it while the care-of address changes.
class TunnelTable {
 public:
  TunnelTable() = default;
  // Takes over what a daemon before this one left in the maps.
  static Expected<TunnelTable, Error> open(int tunnels_fd, int activity_fd, int activity_wanted_fd, std::uint32_t capacity);
  TunnelTable(TunnelTable&& other) noexcept { swap(other); }
  TunnelTable& operator=(TunnelTable&& other) noexcept {
    swap(other);
    return *this;
  }
  ~TunnelTable();

  Result set(const Address& home_address, const forwarding::TunnelItem& item);
  Result erase(const Address& home_address);
  std::size_t size() const { return home_addresses_.size() - free_.size(); }
  std::unordered_map<Address, forwarding::TunnelItem> items() const;
  // See DataPath::take_tunnel_activity().
  std::vector<TunnelActivity> take_activity();

 private:
  void swap(TunnelTable& other) noexcept;
  void take_over();
  std::uint32_t free_slot(const Address& home_address);

  Map<mipflow_address, mipflow_tunnel> tunnels_;
  Map<std::uint32_t, std::uint32_t> activity_wanted_;
  mipflow_tunnel_activity* activity_ = nullptr;
  std::uint32_t capacity_ = 0;
  std::vector<Address> home_addresses_;  // by slot, up to the highest that was ever in use; `::` in free ones
  std::vector<std::uint32_t> free_;
};

}  // namespace mipflow::datapath
