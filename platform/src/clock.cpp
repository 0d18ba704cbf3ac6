// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/clock.hpp"

#include <ctime>

namespace mipflow::platform {

namespace {

Duration read(clockid_t id) {
  timespec value{};
  clock_gettime(id, &value);
  return std::chrono::seconds{value.tv_sec} + std::chrono::nanoseconds{value.tv_nsec};
}

}  // namespace

Now read_clock() { return {TimePoint{read(CLOCK_BOOTTIME)}, read(CLOCK_REALTIME)}; }

}  // namespace mipflow::platform
