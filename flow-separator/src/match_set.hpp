// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "mipflow/flow-separator/policy.hpp"

namespace mipflow::flow_separator {

// A set of matches, by their position in the list that an index was made of. Without memory from the heap, because one is
// made for each flow.
class MatchSet {
 public:
  using Word = std::uint64_t;
  static constexpr std::size_t kWordBits = 64;
  static constexpr std::size_t kCapacity = Policy::kMaxClasses;
  static constexpr std::size_t words_for(std::size_t matches) { return (matches + kWordBits - 1) / kWordBits; }

  // Of `matches` at most kCapacity.
  static MatchSet all(std::size_t matches) {
    MatchSet out(matches);
    std::fill_n(out.bits_.begin(), out.words_, ~Word{0});
    if (matches % kWordBits != 0) out.bits_[out.words_ - 1] = (Word{1} << matches % kWordBits) - 1;
    return out;
  }

  bool contains(std::size_t i) const { return (bits_[i / kWordBits] >> i % kWordBits & 1) != 0; }
  void erase(std::size_t i) { bits_[i / kWordBits] &= ~(Word{1} << i % kWordBits); }
  // `row`: as many words as the set has.
  void keep(const Word* row) {
    for (std::size_t w = 0; w < words_; ++w) bits_[w] &= row[w];
  }

  // The number of matches when the set is empty.
  std::size_t first() const {
    for (std::size_t w = 0; w < words_; ++w)
      if (bits_[w] != 0) return w * kWordBits + static_cast<std::size_t>(std::countr_zero(bits_[w]));
    return matches_;
  }
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t w = 0; w < words_; ++w)
      for (Word left = bits_[w]; left != 0; left &= left - 1)
        visit(w * kWordBits + static_cast<std::size_t>(std::countr_zero(left)));
  }

 private:
  explicit MatchSet(std::size_t matches) : matches_(matches), words_(words_for(matches)) {}

  std::size_t matches_;
  std::size_t words_;
  std::array<Word, kCapacity / kWordBits> bits_;  // the first words_ of them
};

// A row of bits of a table, as MatchSet::keep() takes it.
using MatchRow = std::vector<MatchSet::Word>;
inline void set_bit(MatchRow& row, std::size_t i) {
  row[i / MatchSet::kWordBits] |= MatchSet::Word{1} << i % MatchSet::kWordBits;
}

}  // namespace mipflow::flow_separator
