// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>

#include "mipflow/platform/event_loop.hpp"
#include "mipflow/platform/file_descriptor.hpp"

namespace mipflow::platform {

// Tells the local time of day: at once, at the beginning of each minute, and when the clock was set. A suspended host hears of it
// on resume, another time zone within a minute.
class WallClock {
 public:
  struct Time {
    unsigned weekday = 0;  // 0 is Monday
    unsigned minute = 0;   // since midnight
  };
  WallClock(boost::asio::io_context& loop, std::function<void(Time)> on_minute);

 private:
  void tell_and_wait();

  FileDescriptor timer_;
  std::function<void(Time)> on_minute_;
  std::unique_ptr<DescriptorWatch> watch_;
};

}  // namespace mipflow::platform
