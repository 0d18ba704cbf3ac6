// SPDX-License-Identifier: GPL-3.0-or-later
// What wakes the daemon: readable descriptors and one timer on the clock of the core.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>

#include "mipflow/base/time.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/file_descriptor.hpp"

namespace mipflow::platform {

// Calls `on_readable` whenever the descriptor has something to read, until destroyed, which the function itself may do.
// Does not own the descriptor.
class DescriptorWatch {
 public:
  DescriptorWatch(boost::asio::io_context& loop, int descriptor, std::function<void()> on_readable);
  ~DescriptorWatch();
  DescriptorWatch(const DescriptorWatch&) = delete;
  DescriptorWatch& operator=(const DescriptorWatch&) = delete;

 private:
  void wait();

  boost::asio::posix::stream_descriptor descriptor_;
  // Both outlive this: the function may destroy its watch, and a wait that was cancelled still calls back.
  std::shared_ptr<const std::function<void()>> on_readable_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// A timer on CLOCK_BOOTTIME: a deadline that passed during suspend is due at once on resume.
class BootTimer {
 public:
  BootTimer(boost::asio::io_context& loop, std::function<void()> on_due);

  // kNever disarms. Setting the deadline that is set already costs nothing.
  void set(TimePoint deadline);

 private:
  FileDescriptor descriptor_;
  TimePoint deadline_ = kNever;
  std::function<void()> on_due_;
  std::unique_ptr<DescriptorWatch> watch_;
};

}  // namespace mipflow::platform
