// SPDX-License-Identifier: GPL-3.0-or-later
#include "activity.hpp"

#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>

namespace mipflow::datapath {

namespace {

// A flow has ended when nothing follows its FINs or its reset: a reset or FIN that somebody forged is followed by
// packets of the living connection.
constexpr Duration kQuietBehindEnd = std::chrono::seconds{1};

template <class Number>
Number load(Number& number) {
  return std::atomic_ref<Number>(number).load(std::memory_order_relaxed);
}

// Leaves most flows' memory alone, so that the programs find it where it was in the caches.
Duration take_gap(mipflow_direction_activity& way) {
  if (load(way.longest_gap_ns) == 0) return Duration{0};
  return std::chrono::nanoseconds{std::atomic_ref<__u64>(way.longest_gap_ns).exchange(0, std::memory_order_relaxed)};
}

bool saw_end(std::uint32_t state) {
  constexpr std::uint32_t both_fins = MIPFLOW_TCP_FIN_OUT | MIPFLOW_TCP_FIN_IN;
  return (state & both_fins) == both_fins || (state & (MIPFLOW_TCP_RESET_OUT | MIPFLOW_TCP_RESET_IN)) != 0;
}

}  // namespace

TimePoint time_since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return TimePoint{std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec}};
}

Expected<ActivityMemory, Error> ActivityMemory::open(int map_fd, std::uint32_t slots) {
  ActivityMemory out;
  out.octets_ = std::size_t{slots} * sizeof(mipflow_activity);
  void* memory = ::mmap(nullptr, out.octets_, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
  if (memory == MAP_FAILED) return failure(errno, "cannot map the flows' counters into memory");
  out.entries_ = static_cast<mipflow_activity*>(memory);
  return out;
}

ActivityMemory::~ActivityMemory() {
  if (entries_ != nullptr) ::munmap(entries_, octets_);
}

void ActivityMemory::begin(std::uint32_t slot, FlowId flow) {
  mipflow_activity fresh{};
  fresh.flow_id = flow;
  fresh.begun_ns = static_cast<std::uint64_t>(time_since_boot().time_since_epoch().count());
  entries_[slot] = fresh;
}

void ActivityMemory::set_flow_id(std::uint32_t slot, FlowId flow) { entries_[slot].flow_id = flow; }

FlowActivity ActivityMemory::read(std::uint32_t slot, const FlowKey& key, TimePoint now) const {
  mipflow_activity& entry = entries_[slot];
  FlowActivity out;
  out.key = key;
  out.id = load(entry.flow_id);
  out.packets_out = load(entry.out.packets);
  out.bytes_out = load(entry.out.octets);
  out.packets_in = load(entry.in.packets);
  out.bytes_in = load(entry.in.octets);
  out.last_seen = TimePoint{
      std::chrono::nanoseconds{std::max({load(entry.begun_ns), load(entry.out.last_seen_ns), load(entry.in.last_seen_ns)})}};
  out.closed = saw_end(load(entry.tcp_state)) && now - out.last_seen >= kQuietBehindEnd;
  out.retransmissions_out = load(entry.out.retransmissions);
  out.retransmissions_in = load(entry.in.retransmissions);
  out.longest_gap_out = take_gap(entry.out);
  out.longest_gap_in = take_gap(entry.in);
  return out;
}

}  // namespace mipflow::datapath
