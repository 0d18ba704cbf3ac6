// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "mipflow/platform/flow_wish.hpp"

namespace mipflow::platform {

void SocketMarks::set(std::uint64_t cookie, std::uint32_t user, FlowWish wish) {
  const std::scoped_lock lock(mutex_);
  const bool is_new = !marks_.contains(cookie);
  if (wish.empty()) {
    if (is_new) return;
    marks_.erase(cookie);
    in_order_.erase(std::find(in_order_.begin(), in_order_.end(), cookie));
    return;
  }
  if (is_new) {
    if (in_order_.size() >= kMost) {
      marks_.erase(in_order_.front());
      in_order_.pop_front();
    }
    in_order_.push_back(cookie);
  }
  marks_[cookie] = {user, std::move(wish)};
}

FlowWish SocketMarks::find(std::uint64_t cookie, std::uint32_t user) const {
  const std::scoped_lock lock(mutex_);
  const auto found = marks_.find(cookie);
  return found != marks_.end() && found->second.user == user ? found->second.wish : FlowWish{};
}

bool SocketMarks::empty() const {
  const std::scoped_lock lock(mutex_);
  return marks_.empty();
}

}  // namespace mipflow::platform
