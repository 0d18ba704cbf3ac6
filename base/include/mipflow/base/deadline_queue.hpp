// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <unordered_map>
#include <vector>

#include "mipflow/base/time.hpp"

namespace mipflow {

// At most one deadline per key. Putting a deadline off, which every refreshed binding does, only writes the new time
// into the table: the heap keeps the earlier time and is corrected when that one comes up. So a Binding Update costs
// O(1) here however many bindings there are, and the heap can not grow beyond twice the number of keys.
template <class Key>
class DeadlineQueue {
 public:
  void set(const Key& key, TimePoint deadline) {
    const auto [found, inserted] = armed_.try_emplace(key, Armed{deadline, kNever});
    found->second.deadline = deadline;
    if (deadline < found->second.queued) push(key, found->second);
    tidy();
  }

  void cancel(const Key& key) {
    if (armed_.erase(key) > 0) tidy();
  }

  std::optional<TimePoint> find(const Key& key) const {
    const auto found = armed_.find(key);
    if (found == armed_.end()) return std::nullopt;
    return found->second.deadline;
  }

  // The earliest deadline; kNever when there is none.
  TimePoint next() const { return heap_.empty() ? kNever : heap_.front().at; }

  // The key that has it.
  std::optional<Key> first() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.front().key;
  }

  // Takes one key whose deadline is not after `now`, the earliest first.
  std::optional<Key> take_due(TimePoint now) {
    if (next() > now || heap_.empty()) return std::nullopt;
    const Key key = heap_.front().key;
    armed_.erase(key);
    tidy();
    return key;
  }

  std::size_t size() const { return armed_.size(); }
  std::size_t heap_size() const { return heap_.size(); }

 private:
  struct Armed {
    TimePoint deadline;
    TimePoint queued;  // of this key's one valid item in the heap
  };
  struct Item {
    TimePoint at;
    Key key;
  };
  static bool later(const Item& a, const Item& b) { return a.at > b.at; }

  void push(const Key& key, Armed& armed) {
    armed.queued = armed.deadline;
    heap_.push_back({armed.deadline, key});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  // Makes the top of the heap a true deadline, and the heap small again when most of it is out of date.
  void tidy() {
    while (!heap_.empty()) {
      const Item& top = heap_.front();
      const auto found = armed_.find(top.key);
      const bool valid = found != armed_.end() && found->second.queued == top.at;
      if (valid && found->second.deadline == top.at) break;
      std::pop_heap(heap_.begin(), heap_.end(), later);
      heap_.pop_back();
      if (valid) push(found->first, found->second);
    }
    if (heap_.size() > 2 * armed_.size() + kSlack) rebuild();
  }

  void rebuild() {
    heap_.clear();
    for (auto& [key, armed] : armed_) {
      armed.queued = armed.deadline;
      heap_.push_back({armed.deadline, key});
    }
    std::make_heap(heap_.begin(), heap_.end(), later);
  }

  static constexpr std::size_t kSlack = 64;
  std::unordered_map<Key, Armed> armed_;
  std::vector<Item> heap_;
};

}  // namespace mipflow
