// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
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
    if (found == items_.end()) {
      before_.try_emplace(key, std::nullopt);
      items_.emplace(key, std::move(item));
    } else if (!(found->second == item)) {
      before_.try_emplace(key, std::exchange(found->second, std::move(item)));
    }
  }
  void erase(const Key& key) {
    const auto found = items_.find(key);
    if (found == items_.end()) return;
    before_.try_emplace(key, std::move(found->second));
    items_.erase(found);
  }
  // The kernel has lost the item: the next taking hands it out again although it is what it was.
  void repeat(const Key& key) {
    const auto found = items_.find(key);
    if (found == items_.end()) return;
    before_.try_emplace(key, found->second);
    repeated_.insert(key);
  }
  const Item* find(const Key& key) const {
    const auto found = items_.find(key);
    return found == items_.end() ? nullptr : &found->second;
  }
  const Map& items() const { return items_; }
  // True when something was touched since the last taking; take_changes() may still find that nothing is different.
  bool has_changes() const { return !before_.empty(); }

  Difference<Key, Item> take_changes() {
    Difference<Key, Item> out;
    for (const auto& [key, before] : before_) {
      const auto found = items_.find(key);
      if (found == items_.end()) {
        if (before) out.erase.push_back(key);
      } else if (!before || !(*before == found->second) || repeated_.contains(key)) {
        out.set.emplace_back(key, found->second);
      }
    }
    before_.clear();
    repeated_.clear();
    return out;
  }

 private:
  Map items_;
  std::unordered_map<Key, std::optional<Item>> before_;  // what was touched, and what it was at the last taking
  std::unordered_set<Key> repeated_;                     // among these, what is handed out in any case
};

}  // namespace mipflow::forwarding
