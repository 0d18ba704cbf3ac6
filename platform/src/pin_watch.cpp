// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/pin_watch.hpp"

#include <utility>

namespace mipflow::platform {

namespace {

Result<void> fail_as(const datapath::Error& error) { return Unexpected{Failure{error.text, error.code}}; }

}  // namespace

PinWatch::PinWatch(boost::asio::io_context& loop, const std::string& pin_directory, std::function<void(const Result<void>&)> healed)
    : healed_(std::move(healed)), healer_(loop, [this](bool) { heal(); }) {
  auto keeper = datapath::PinKeeper::open(pin_directory);
  if (!keeper) {
    healed_(fail_as(keeper.error()));
    return;
  }
  keeper_.emplace(std::move(*keeper));
  watch_.emplace(loop, keeper_->descriptor(), [this] {
    if (keeper_->is_loss()) healer_.lost(false);
  });
}

void PinWatch::heal() {
  const auto restored = keeper_->restore();
  if (!restored) healer_.lost(false);
  healed_(restored ? Result<void>{} : fail_as(restored.error()));
}

}  // namespace mipflow::platform
