// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <string>

#include "mipflow/datapath/pin_keeper.hpp"
#include "mipflow/platform/event_loop.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/healer.hpp"

namespace mipflow::platform {

// Puts back what somebody removes of the data path's pins, as long as it lives. To be made behind the data path, and to go before
// that one is opened again or removed.
class PinWatch {
 public:
  // `healed` hears of every repair, and of what failed, which is tried again. A directory that can not be watched is no reason not
  // to run: flows do not need the pins, only a restart would cost more.
  PinWatch(boost::asio::io_context& loop, const std::string& pin_directory, std::function<void(const Result<void>&)> healed);

 private:
  void heal();

  std::function<void(const Result<void>&)> healed_;
  std::optional<datapath::PinKeeper> keeper_;
  std::optional<DescriptorWatch> watch_;
  Healer healer_;
};

}  // namespace mipflow::platform
