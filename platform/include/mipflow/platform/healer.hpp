// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

namespace mipflow::platform {

// When to put back what somebody took out of the kernel: soon, everything that went together at once, and not as often as
// somebody may take it away again.
class Healer {
 public:
  // `heal` puts back what is missing; `programs`: the device or the data path too. It says lost() again about what it could
  // not put back.
  Healer(boost::asio::io_context& loop, std::function<void(bool programs)> heal);

  void lost(bool programs);
  // Nothing is put back any more: the daemon is taking it away itself.
  void stop();
  // As stop(), at any time but while `heal` is called.
  ~Healer() { *alive_ = false; }

 private:
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // a wait that is over already still calls back
  boost::asio::steady_timer timer_;
  std::function<void(bool)> heal_;
  boost::asio::steady_timer::time_point not_before_{};
  bool is_due_ = false;
  bool programs_are_lost_ = false;
  bool stopped_ = false;
};

}  // namespace mipflow::platform
