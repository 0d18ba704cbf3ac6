// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mipflow/base/time.hpp"
#include "mipflow/mn-core/events.hpp"
#include "owner_lookup.hpp"

namespace mipflow::mnd {

using namespace mobile_node;

// First packets on their way to the mobile node. Who a flow belongs to is looked up for each; only packets whose treatment may
// depend on it wait for that, and not longer than the hold limit: then, or when too much waits already, they go without. What
// is found out later is told as FlowOwnerFound. The mobile node is told how long a packet has waited, for it may let it wait, too.
class FirstPackets {
 public:
  static constexpr std::size_t kMostWaiting = 256;  // packets; the kernel's queue is finite

  struct Hooks {
    std::function<void(const Event&)> event;
    std::function<bool(const FlowPacket&)> needs_owner;
  };
  FirstPackets(boost::asio::io_context& loop, std::shared_ptr<platform::SocketHolders> holders, Hooks hooks, Duration hold_limit)
      : loop_(loop), holders_(std::move(holders)), hooks_(std::move(hooks)), hold_limit_(hold_limit), timer_(loop) {}

  // From now on owners are looked up; without it there are none. `marks` has to outlive this.
  platform::Result<void> begin(const platform::SocketMarks& marks);

  // `group`: gid of the local socket, as the kernel told it with the packet.
  void take(const FlowPacket& packet, std::optional<std::uint32_t> group);
  // Looks up the owner of a live flow again: something else is wanted for it.
  void look_up_again(const FlowKey& key);
  // Nothing waits any more from now on.
  void stop();

 private:
  struct Waiting {
    TimePoint since{};
    TimePoint until{};
    std::vector<std::pair<FlowPacket, Bytes>> packets;  // the packet with a copy of its octets
  };
  bool hold(const FlowKey& key, const FlowPacket& packet, const platform::SocketOwners::Known& known);
  void keep(Waiting& waiting, const FlowPacket& packet);
  void hand_over(const FlowKey& key, const FlowOwnerPointer& owner);
  void found(const FlowKey& key, const FlowOwnerPointer& owner);
  void wait_for_deadline();

  boost::asio::io_context& loop_;
  std::shared_ptr<platform::SocketHolders> holders_;
  Hooks hooks_;
  Duration hold_limit_;
  boost::asio::steady_timer timer_;
  std::unordered_map<FlowKey, Waiting> waiting_;
  std::deque<std::pair<TimePoint, FlowKey>> deadlines_;  // all wait equally long, so they come in order
  std::size_t held_ = 0;                                 // packets
  std::unordered_map<FlowKey, TimePoint> asked_of_late_;
  std::optional<OwnerLookup> lookup_;
};

}  // namespace mipflow::mnd
