// SPDX-License-Identifier: GPL-3.0-or-later
// The clock of the core. Nothing below the platform layer reads a clock: every call is handed the time.
#pragma once

#include <chrono>
#include <cstdint>

namespace mipflow {

using Duration = std::chrono::nanoseconds;

// A monotonic clock that goes on during suspend (CLOCK_BOOTTIME on Linux), or the simulator's virtual time.
struct CoreClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<CoreClock>;
  static constexpr bool is_steady = true;
};
using TimePoint = CoreClock::time_point;

// "No deadline": later than every other time point.
inline constexpr TimePoint kNever = TimePoint::max();

// What a role is told about the time: `monotonic` drives every timer, `wall` (time since the Unix epoch) only
// fills and judges the RFC 4285 timestamps and the persisted state.
struct Now {
  TimePoint monotonic;
  Duration wall;
};

}  // namespace mipflow
