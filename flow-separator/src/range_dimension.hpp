// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include "flow_match.hpp"
#include "match_set.hpp"
#include "mipflow/base/address.hpp"

namespace mipflow::flow_separator {

// The value behind `value`; only called below the largest one.
Address successor(const Address& value);
template <class Integer>
  requires std::is_integral_v<Integer>
Integer successor(Integer value) {
  return static_cast<Integer>(value + 1);
}
bool is_largest(const Address& value);
template <class Integer>
  requires std::is_integral_v<Integer>
bool is_largest(Integer value) {
  return value == std::numeric_limits<Integer>::max();
}

// One quality of flows whose values have an order, such as ports and peers.
//
// Bit vectors (the "Lucent bit vector" scheme): the values fall into intervals between the ends of all ranges that matches
// name; each interval has a row with one bit per match that says whether the match accepts it. A look-up is one binary search.
template <class Value>
class RangeDimension {
 public:
  using Ranges = std::vector<Range<Value>> FlowMatch::*;

  RangeDimension(std::span<const FlowMatch> matches, Ranges ranges_of)
      : words_(MatchSet::words_for(matches.size())), any_(words_, 0) {
    struct End {
      Value at;
      std::size_t match;
      int change;  // of the number of ranges of the match that cover the values from `at` on
    };
    std::vector<End> ends;
    for (std::size_t m = 0; m < matches.size(); ++m) {
      const auto& ranges = matches[m].*ranges_of;
      if (ranges.empty()) set_bit(any_, m);
      for (const auto& range : ranges) {
        asks_ = true;
        ends.push_back({range.first, m, +1});
        if (!is_largest(range.last)) ends.push_back({successor(range.last), m, -1});
      }
    }
    std::sort(ends.begin(), ends.end(), [](const End& a, const End& b) { return a.at < b.at; });

    std::vector<int> covering(matches.size(), 0);
    MatchRow row = any_;
    starts_.push_back(Value{});
    for (std::size_t i = 0; i < ends.size();) {
      const Value at = ends[i].at;
      if (at != starts_.back()) {
        rows_.insert(rows_.end(), row.begin(), row.end());
        starts_.push_back(at);
      }
      for (; i < ends.size() && ends[i].at == at; ++i) {
        const std::size_t m = ends[i].match;
        covering[m] += ends[i].change;
        const MatchSet::Word bit = MatchSet::Word{1} << m % MatchSet::kWordBits;
        if (covering[m] > 0)
          row[m / MatchSet::kWordBits] |= bit;
        else
          row[m / MatchSet::kWordBits] &= ~bit;
      }
    }
    rows_.insert(rows_.end(), row.begin(), row.end());
  }

  // Leaves in the set what accepts this value.
  void keep_accepting(const Value& value, MatchSet& set) const {
    if (!asks_) return;
    const auto behind = std::upper_bound(starts_.begin(), starts_.end(), value);
    set.keep(rows_.data() + static_cast<std::size_t>(behind - starts_.begin() - 1) * words_);
  }
  // Leaves in the set what does not ask: for a flow that has no value here.
  void keep_not_asking(MatchSet& set) const {
    if (asks_) set.keep(any_.data());
  }

 private:
  std::size_t words_;
  bool asks_ = false;
  MatchRow any_;
  std::vector<Value> starts_;  // first value of each interval; the first is the smallest value there is
  MatchRow rows_;              // words_ per interval
};

}  // namespace mipflow::flow_separator
