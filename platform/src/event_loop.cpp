// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/event_loop.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace mipflow::platform {

namespace {

FileDescriptor make_timer() {
  FileDescriptor descriptor(::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!descriptor) throw std::system_error(errno, std::generic_category(), "timerfd_create");
  return descriptor;
}

}  // namespace

DescriptorWatch::DescriptorWatch(boost::asio::io_context& loop, int descriptor, std::function<void()> on_readable)
    : descriptor_(loop, descriptor), on_readable_(std::make_shared<const std::function<void()>>(std::move(on_readable))) {
  wait();
}

DescriptorWatch::~DescriptorWatch() {
  *alive_ = false;
  descriptor_.release();
}

void DescriptorWatch::wait() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this, alive = alive_, on_readable = on_readable_](const boost::system::error_code& error) {
                           if (error || !*alive) return;
                           (*on_readable)();
                           if (*alive) wait();
                         });
}

BootTimer::BootTimer(boost::asio::io_context& loop, std::function<void()> on_due)
    : descriptor_(make_timer()), on_due_(std::move(on_due)) {
  watch_ = std::make_unique<DescriptorWatch>(loop, descriptor_.get(), [this] {
    std::uint64_t expirations = 0;
    if (::read(descriptor_.get(), &expirations, sizeof expirations) != sizeof expirations) return;  // set anew meanwhile
    deadline_ = kNever;
    on_due_();
  });
}

void BootTimer::set(TimePoint deadline) {
  if (deadline == deadline_) return;
  deadline_ = deadline;
  itimerspec value{};
  if (deadline != kNever) {
    // All zero would disarm: what lies in the past, or at the start of the clock, is due now.
    const auto since_boot = std::max(deadline.time_since_epoch(), Duration{1});
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
    value.it_value.tv_sec = seconds.count();
    value.it_value.tv_nsec = (since_boot - seconds).count();
  }
  ::timerfd_settime(descriptor_.get(), TFD_TIMER_ABSTIME, &value, nullptr);
}

}  // namespace mipflow::platform
