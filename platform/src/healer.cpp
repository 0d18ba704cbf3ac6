// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/healer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace mipflow::platform {

namespace {

using std::chrono::milliseconds;

constexpr auto kDelay = milliseconds{20};      // what belongs together is healed together
constexpr auto kInterval = milliseconds{500};  // against a program that deletes as often as we put back

}  // namespace

Healer::Healer(boost::asio::io_context& loop, std::function<void(bool programs)> heal) : timer_(loop), heal_(std::move(heal)) {}

void Healer::lost(bool programs) {
  programs_are_lost_ = programs_are_lost_ || programs;
  if (stopped_ || std::exchange(is_due_, true)) return;
  timer_.expires_at(std::max(boost::asio::steady_timer::clock_type::now() + kDelay, not_before_));
  timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
    if (error || !*alive || stopped_) return;
    is_due_ = false;
    not_before_ = boost::asio::steady_timer::clock_type::now() + kInterval;
    heal_(std::exchange(programs_are_lost_, false));
  });
}

void Healer::stop() {
  stopped_ = true;
  timer_.cancel();
}

}  // namespace mipflow::platform
