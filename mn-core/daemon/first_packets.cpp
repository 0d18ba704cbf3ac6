// SPDX-License-Identifier: GPL-3.0-or-later
#include "first_packets.hpp"

#include <algorithm>

#include "mipflow/platform/clock.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::mnd {

namespace {

// A flow that the data path has no room for comes packet by packet; its owner stays the same.
constexpr auto kAskAgainAfter = std::chrono::seconds{10};
constexpr std::size_t kMostRemembered = 4096;  // questions of late

}  // namespace

platform::Result<void> FirstPackets::begin(const platform::SocketMarks& marks) {
  auto owners = platform::SocketOwners::open(marks, *holders_);
  if (!owners) return Unexpected{owners.error()};
  lookup_.emplace(loop_, std::move(*owners), [this](const FlowKey& key, const FlowOwnerPointer& owner) { found(key, owner); });
  return {};
}

void FirstPackets::take(const FlowPacket& packet, std::optional<std::uint32_t> group) {
  const auto key = lookup_ ? wire::flow_key_of(packet.packet, packet.direction == Direction::Outgoing) : std::nullopt;
  if (!key) return hooks_.event(packet);
  if (const auto waiting = waiting_.find(*key); waiting != waiting_.end()) {
    // Behind those of its flow that wait already. When there is no room they all go.
    if (held_ < kMostWaiting) return keep(waiting->second, packet);
    hand_over(*key, nullptr);
    return hooks_.event(packet);
  }
  const platform::SocketOwners::Known known{.user = packet.user, .group = group};
  if (hold(*key, packet, known)) return;
  hooks_.event(packet);
  const TimePoint now = platform::read_clock().monotonic;
  if (asked_of_late_.size() >= kMostRemembered) asked_of_late_.clear();
  auto& asked_at = asked_of_late_.try_emplace(*key, TimePoint::min()).first->second;
  if (asked_at != TimePoint::min() && now - asked_at < kAskAgainAfter) return;
  asked_at = now;
  lookup_->ask(*key, known, false);
}

bool FirstPackets::hold(const FlowKey& key, const FlowPacket& packet, const platform::SocketOwners::Known& known) {
  if (hold_limit_ <= Duration::zero() || held_ >= kMostWaiting || !hooks_.needs_owner(packet)) return false;
  if (!lookup_->ask(key, known, true)) return false;
  auto& waiting = waiting_[key];
  waiting.since = platform::read_clock().monotonic;
  waiting.until = waiting.since + hold_limit_;
  keep(waiting, packet);
  deadlines_.emplace_back(waiting.until, key);
  if (deadlines_.size() == 1) wait_for_deadline();
  return true;
}

void FirstPackets::keep(Waiting& waiting, const FlowPacket& packet) {
  waiting.packets.emplace_back(packet, Bytes(packet.packet.begin(), packet.packet.end()));
  ++held_;
}

void FirstPackets::hand_over(const FlowKey& key, const FlowOwnerPointer& owner) {
  const auto waiting = waiting_.extract(key);
  if (waiting.empty()) return;
  held_ -= waiting.mapped().packets.size();
  const Duration waited = std::max(platform::read_clock().monotonic - waiting.mapped().since, Duration::zero());
  for (auto& [packet, octets] : waiting.mapped().packets) {
    packet.packet = octets;
    packet.owner = owner;
    packet.waited = waited;
    hooks_.event(packet);
  }
}

void FirstPackets::found(const FlowKey& key, const FlowOwnerPointer& owner) {
  if (waiting_.contains(key))
    hand_over(key, owner);
  else
    hooks_.event(FlowOwnerFound{key, owner});
}

void FirstPackets::look_up_again(const FlowKey& key) {
  if (lookup_) lookup_->ask(key, {}, true);
}

void FirstPackets::stop() {
  hold_limit_ = Duration::zero();
  while (!waiting_.empty()) hand_over(FlowKey(waiting_.begin()->first), nullptr);
}

void FirstPackets::wait_for_deadline() {
  if (deadlines_.empty()) return;
  timer_.expires_after(std::max(deadlines_.front().first - platform::read_clock().monotonic, Duration::zero()));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    const TimePoint now = platform::read_clock().monotonic;
    while (!deadlines_.empty() && deadlines_.front().first <= now) {
      const auto [until, key] = deadlines_.front();
      deadlines_.pop_front();
      // One that was answered, and perhaps waits anew, has another deadline.
      const auto waiting = waiting_.find(key);
      if (waiting != waiting_.end() && waiting->second.until == until) hand_over(key, nullptr);
    }
    wait_for_deadline();
  });
}

}  // namespace mipflow::mnd
