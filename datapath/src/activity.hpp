// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "error.hpp"
#include "layout.h"

namespace mipflow::datapath {

// The map `activity` in this process's memory. The programs write while it is read: each number is whole, the numbers of
// one flow may be a packet apart.
class ActivityMemory {
 public:
  ActivityMemory() = default;
  static Expected<ActivityMemory, Error> open(int map_fd, std::uint32_t slots);
  ActivityMemory(ActivityMemory&& other) noexcept
      : entries_(std::exchange(other.entries_, nullptr)), octets_(std::exchange(other.octets_, 0)) {}
  ActivityMemory& operator=(ActivityMemory&& other) noexcept {
    std::swap(entries_, other.entries_);
    std::swap(octets_, other.octets_);
    return *this;
  }
  ~ActivityMemory();

  // A flow begins in the slot now.
  void begin(std::uint32_t slot, FlowId flow);
  void set_flow_id(std::uint32_t slot, FlowId flow);
  FlowActivity read(std::uint32_t slot, const FlowKey& key, TimePoint now) const;

 private:
  mipflow_activity* entries_ = nullptr;
  std::size_t octets_ = 0;
};

TimePoint time_since_boot();

}  // namespace mipflow::datapath
