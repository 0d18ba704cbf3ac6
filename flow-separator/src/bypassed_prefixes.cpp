// SPDX-License-Identifier: GPL-3.0-or-later
#include "bypassed_prefixes.hpp"

#include <algorithm>
#include <bit>
#include <iterator>
#include <map>

namespace mipflow::flow_separator {
namespace {

// Addresses, as ranges that do not touch each other.
class AddressSet {
 public:
  bool overlaps(const Range<Address>& range) const {
    const auto behind = ranges_.upper_bound(range.last);
    return behind != ranges_.begin() && !(std::prev(behind)->second < range.first);
  }

  void insert(Range<Address> range) {
    for (auto other = ranges_.upper_bound(range.last); other != ranges_.begin();) {
      --other;
      if (other->second < range.first) break;
      range = {std::min(range.first, other->first), std::max(range.last, other->second)};
      other = ranges_.erase(other);
    }
    ranges_.emplace(range.first, range.last);
  }

 private:
  std::map<Address, Address> ranges_;  // first to last
};

// Of a range that a prefix made.
Prefix prefix_of(const Range<Address>& range) {
  unsigned length = 0;
  for (std::size_t i = 0; i < range.first.octets.size(); ++i) {
    const auto differing = static_cast<std::uint8_t>(range.first.octets[i] ^ range.last.octets[i]);
    const int same = std::countl_zero(differing);
    length += static_cast<unsigned>(same);
    if (same != 8) break;
  }
  return Prefix(range.first, length);
}

}  // namespace

std::vector<Prefix> find_bypassed_prefixes(const PolicyDraft& draft) {
  std::vector<Prefix> out;
  AddressSet wanted_before;  // by classes without `bypass`
  for (const auto& [policy_class, match] : draft.classes) {
    if (match.only_wanted) continue;
    const FlowMatch& flows = match.match;
    if (!policy_class.bypass) {
      if (flows.peers.empty()) return out;  // it may want any address
      for (const auto& range : flows.peers) wanted_before.insert(range);
    } else if (!flows.asks_for_anything_but_peers() && match.exceptions.empty()) {
      for (const auto& range : flows.peers)
        if (!wanted_before.overlaps(range)) out.push_back(prefix_of(range));
    }
  }
  return out;
}

}  // namespace mipflow::flow_separator
