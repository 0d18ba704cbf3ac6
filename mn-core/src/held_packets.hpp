// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/flow-separator/policy.hpp"

namespace mipflow::mobile_node {

// A first packet whose flow waits for a home address.
struct HeldPacket {
  HeldPacketId id = 0;
  TimePoint until{};  // released then, whatever happened
  flow_separator::FlowAttributes attributes;
  bool begins_connection = true;
  bool source_was_offered = false;
};

// First packets that wait, in the order in which they can not wait any longer.
class HeldPackets {
 public:
  // More are not held: the kernel's queue is finite, and packets beyond it would be lost.
  static constexpr std::size_t kCapacity = 256;

  bool full() const { return packets_.size() >= kCapacity; }
  bool empty() const { return packets_.empty(); }
  std::size_t size() const { return packets_.size(); }
  void hold(HeldPacket packet) {
    const auto place = std::ranges::upper_bound(packets_, packet.until, {}, &HeldPacket::until);
    packets_.insert(place, std::move(packet));
  }
  // All of them, or those whose time is over; the caller releases them or holds them again.
  std::vector<HeldPacket> take_all() {
    std::vector<HeldPacket> out(packets_.begin(), packets_.end());
    packets_.clear();
    return out;
  }
  std::vector<HeldPacket> take_due(TimePoint now) {
    std::vector<HeldPacket> out;
    while (!packets_.empty() && packets_.front().until <= now) {
      out.push_back(packets_.front());
      packets_.pop_front();
    }
    return out;
  }
  TimePoint next_deadline() const { return packets_.empty() ? kNever : packets_.front().until; }

 private:
  std::deque<HeldPacket> packets_;
};

}  // namespace mipflow::mobile_node
