// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/wall_clock.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <system_error>

namespace mipflow::platform {

WallClock::WallClock(boost::asio::io_context& loop, std::function<void(Time)> on_minute)
    : timer_(::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC)), on_minute_(std::move(on_minute)) {
  if (!timer_) throw std::system_error(errno, std::generic_category(), "timerfd_create");
  watch_ = std::make_unique<DescriptorWatch>(loop, timer_.get(), [this] {
    // ECANCELED is news as well: somebody has set the clock.
    std::uint64_t expirations = 0;
    if (::read(timer_.get(), &expirations, sizeof expirations) < 0 && errno != ECANCELED) return;
    tell_and_wait();
  });
  tell_and_wait();
}

void WallClock::tell_and_wait() {
  // Reads /etc/localtime again when it has changed; localtime_r alone would not.
  ::tzset();
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  itimerspec next{};
  next.it_value.tv_sec = now + 60 - local.tm_sec % 60;
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &next, nullptr);
  // tm_wday counts from Sunday.
  on_minute_({.weekday = static_cast<unsigned>(local.tm_wday + 6) % 7, .minute = static_cast<unsigned>(local.tm_hour * 60 + local.tm_min)});
}

}  // namespace mipflow::platform
