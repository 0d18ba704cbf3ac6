// SPDX-License-Identifier: GPL-3.0-or-later
#include "owner_lookup.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace mipflow::mnd {

OwnerLookup::OwnerLookup(boost::asio::io_context& loop, platform::SocketOwners owners, Found on_found)
    : loop_(loop), owners_(std::move(owners)), on_found_(std::make_shared<const Found>(std::move(on_found))), thread_([this] { work(); }) {}

OwnerLookup::~OwnerLookup() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  asked_.notify_one();
  thread_.join();
}

bool OwnerLookup::ask(const FlowKey& key, const platform::SocketOwners::Known& known, bool urgent) {
  {
    const std::scoped_lock lock(mutex_);
    if (urgent_.size() + others_.size() >= kMostQuestions) return false;
    (urgent ? urgent_ : others_).push_back({.key = key, .known = known});
  }
  asked_.notify_one();
  return true;
}

void OwnerLookup::work() {
  for (;;) {
    std::unique_lock lock(mutex_);
    asked_.wait(lock, [&] { return stopping_ || !urgent_.empty() || !others_.empty(); });
    if (stopping_) return;
    auto& line = urgent_.empty() ? others_ : urgent_;
    const Question question = line.front();
    line.pop_front();
    lock.unlock();

    auto found = owners_.find(question.key, question.known, question.again ? kLongestSecondSearch : kLongestSearch);
    tell(question.key, std::move(found.owner));
    if (!found.time_was_over || question.again) continue;
    lock.lock();
    if (urgent_.size() + others_.size() < kMostQuestions) others_.push_back({.key = question.key, .known = question.known, .again = true});
  }
}

void OwnerLookup::tell(const FlowKey& key, FlowOwner owner) {
  // Flows of one program often come in a row; a hundred thousand of them need not have the words a hundred thousand times.
  if (!last_ || *last_ != owner) last_ = std::make_shared<const FlowOwner>(std::move(owner));
  // When this has been destroyed meanwhile, nobody is there to be told.
  boost::asio::post(loop_, [key, found = last_, told = std::weak_ptr(on_found_)] {
    if (const auto on_found = told.lock()) (*on_found)(key, found);
  });
}

}  // namespace mipflow::mnd
