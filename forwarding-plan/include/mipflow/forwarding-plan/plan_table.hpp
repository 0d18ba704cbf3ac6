// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace mipflow::forwarding {

// What has to be done so that a table that holds `have` holds `want`: set every item of `set`, then erase every key
// of `erase` (make before break).
template <class Key, class Item>
struct Difference {
  std::vector<std::pair<Key, Item>> set;
  std::vector<Key> erase;
  bool empty() const { return set.empty() && erase.empty(); }
};

// The only way the kernel is changed: at start and after somebody else touched our state `have` is what was read back
// from the kernel, in between PlanTable::take_changes() gives the same answer without looking at every item.
template <class Map>
auto diff(const Map& have, const Map& want) {
  Difference<typename Map::key_type, typename Map::mapped_type> out;
  for (const auto& [key, item] : want) {
    const auto found = have.find(key);
    if (found == have.end() || !(found->second == item)) out.set.emplace_back(key, item);
  }
  for (const auto& [key, item] : have)
    if (!want.contains(key)) out.erase.push_back(key);
  return out;
}

// One kind of desired kernel object. A role sets and erases; the runner takes the changes. An item that is set again
// to what it was is no change; one that came and went between two takings is none either.
template <class Key, class Item>
class PlanTable {
 public:
  using Map = std::unordered_map<Key, Item>;

  void set(const Key& key, Item item) {
    const auto found = items_.find(key);
    if (found != items_.end() && found->second == item) return;
    items_.insert_or_assign(key, std::move(item));
    changed_.insert(key);
  }
  void erase(const Key& key) {
    if (items_.erase(key) > 0) changed_.insert(key);
  }
  const Item* find(const Key& key) const {
    const auto found = items_.find(key);
    return found == items_.end() ? nullptr : &found->second;
  }
  const Map& items() const { return items_; }
  bool has_changes() const { return !changed_.empty(); }

  Difference<Key, Item> take_changes() {
    Difference<Key, Item> out;
    for (const auto& key : changed_) {
      if (const auto found = items_.find(key); found != items_.end())
        out.set.emplace_back(key, found->second);
      else
        out.erase.push_back(key);
    }
    changed_.clear();
    return out;
  }

 private:
  Map items_;
  std::unordered_set<Key> changed_;
};

}  // namespace mipflow::forwarding
