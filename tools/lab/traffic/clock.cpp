// SPDX-License-Identifier: GPL-3.0-or-later
#include "clock.hpp"

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>

namespace mipflow::lab {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t read_clock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::int64_t>(now.tv_sec) * kSecond + now.tv_nsec;
}

}  // namespace

std::int64_t wall_nanoseconds() { return read_clock(CLOCK_REALTIME); }
std::int64_t monotonic_nanoseconds() { return read_clock(CLOCK_MONOTONIC); }

Pace::Pace(double per_second) : interval_ns_(static_cast<double>(kSecond) / per_second), start_ns_(monotonic_nanoseconds()) {}

void Pace::wait() {
  ++count_;
  const std::int64_t deadline = start_ns_ + static_cast<std::int64_t>(interval_ns_ * static_cast<double>(count_));
  const timespec at{static_cast<time_t>(deadline / kSecond), static_cast<long>(deadline % kSecond)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) != 0) {
  }
  longest_delay_ns_ = std::max(longest_delay_ns_, monotonic_nanoseconds() - deadline);
}

void Pace::restart() {
  start_ns_ = monotonic_nanoseconds();
  count_ = 0;
}

bool prefer_this_process() {
  const sched_param parameter{.sched_priority = 10};
  const bool locked = mlockall(MCL_CURRENT) == 0;
  return sched_setscheduler(0, SCHED_FIFO, &parameter) == 0 && locked;
}

}  // namespace mipflow::lab
