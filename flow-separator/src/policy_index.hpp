// SPDX-License-Identifier: GPL-3.0-or-later
// Finds the first class that matches a flow without trying one class after the other.
//
// Bit vectors per dimension (the "Lucent bit vector" scheme): the values of a dimension (ports, peers, ...) fall into intervals
// between the ends of all ranges that classes name; each interval has one bit per class that says whether the class accepts it.
// A look-up is one binary search per dimension and the conjunction of seven bit vectors, word by word: the first bit that is left
// is the first class that matches.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <tuple>
#include <type_traits>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/flow-separator/policy.hpp"

namespace mipflow::flow_separator {

template <class Value>
struct Range {
  Value first{};
  Value last{};  // included
  friend bool operator==(const Range&, const Range&) = default;
};

// What a flow has to be to belong to a class. An empty list accepts everything.
struct ClassMatch {
  std::vector<Range<std::uint8_t>> protocols;
  std::vector<Range<Address>> peers;
  std::vector<Range<std::uint16_t>> ports;
  std::vector<Range<std::uint16_t>> local_ports;
  std::vector<Range<std::uint8_t>> dscps;
  std::vector<Range<std::uint32_t>> flow_labels;
  std::vector<Range<std::uint32_t>> users;
};

// TCP, UDP and SCTP: the protocols whose flow keys carry ports.
bool has_ports(std::uint8_t protocol);

namespace detail {

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

using Word = std::uint64_t;
inline constexpr std::size_t kWordBits = 64;

template <class Value>
class Dimension {
 public:
  // `ranges_of(c)`: the ranges of class c, for c below `classes`.
  template <class RangesOf>
  Dimension(std::size_t classes, RangesOf&& ranges_of) : words_((classes + kWordBits - 1) / kWordBits), any_(words_, 0) {
    struct End {
      Value at;
      std::size_t class_number;
      int change;  // of the number of ranges of the class that cover the values from `at` on
    };
    std::vector<End> ends;
    for (std::size_t c = 0; c < classes; ++c) {
      const auto& ranges = ranges_of(c);
      if (ranges.empty()) any_[c / kWordBits] |= Word{1} << c % kWordBits;
      for (const auto& range : ranges) {
        ends.push_back({range.first, c, +1});
        if (!is_largest(range.last)) ends.push_back({successor(range.last), c, -1});
      }
    }
    std::sort(ends.begin(), ends.end(), [](const End& a, const End& b) { return a.at < b.at; });

    std::vector<int> covering(classes, 0);
    std::vector<Word> row = any_;
    starts_.push_back(Value{});
    for (std::size_t i = 0; i < ends.size();) {
      const Value at = ends[i].at;
      if (at != starts_.back()) {
        rows_.insert(rows_.end(), row.begin(), row.end());
        starts_.push_back(at);
      }
      for (; i < ends.size() && ends[i].at == at; ++i) {
        const std::size_t c = ends[i].class_number;
        covering[c] += ends[i].change;
        const Word bit = Word{1} << c % kWordBits;
        if (covering[c] > 0)
          row[c / kWordBits] |= bit;
        else
          row[c / kWordBits] &= ~bit;
      }
    }
    rows_.insert(rows_.end(), row.begin(), row.end());
  }

  // The classes that accept this value.
  const Word* accepting(const Value& value) const {
    const auto behind = std::upper_bound(starts_.begin(), starts_.end(), value);
    return rows_.data() + static_cast<std::size_t>(behind - starts_.begin() - 1) * words_;
  }
  // The classes that do not ask: for a flow that has no value in this dimension.
  const Word* not_asking() const { return any_.data(); }

 private:
  std::size_t words_;
  std::vector<Word> any_;
  std::vector<Value> starts_;  // first value of each interval; the first is the smallest value there is
  std::vector<Word> rows_;     // words_ per interval
};

}  // namespace detail

class PolicyIndex {
 public:
  explicit PolicyIndex(std::span<const ClassMatch> classes);

  // The number of the first class that accepts the flow; the number of classes when none does.
  std::size_t first_match(const FlowAttributes& flow) const;

 private:
  std::size_t classes_;
  detail::Dimension<std::uint8_t> protocols_;
  detail::Dimension<Address> peers_;
  detail::Dimension<std::uint16_t> ports_;
  detail::Dimension<std::uint16_t> local_ports_;
  detail::Dimension<std::uint8_t> dscps_;
  detail::Dimension<std::uint32_t> flow_labels_;
  detail::Dimension<std::uint32_t> users_;
};

}  // namespace mipflow::flow_separator
