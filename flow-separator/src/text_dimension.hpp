// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "flow_match.hpp"
#include "match_set.hpp"

namespace mipflow::flow_separator {

// One quality of flows that is a text, such as the program: asked for by the text itself or by a shell pattern.
//
// Texts are found by their hash. A pattern is tried only when the text has four octets in a row that the pattern has, too:
// those of the pattern's own that the fewest other patterns have. Patterns without four such octets are always tried.
//
// Whoever can name programs and control groups, or write patterns, must not be able to stop the daemon: of a text kLongestText
// octets count, and all patterns of users together, of which only those of the flow's own user are tried, have kUsersSteps.
class TextDimension {
 public:
  using Texts = std::vector<std::string> FlowMatch::*;
  static constexpr std::size_t kLongestText = Policy::kLongestOwnerText;
  static constexpr std::size_t kUsersSteps = Policy::kMaxUserPatternSteps;
  enum class Fits { Whole, AndBelow };  // AndBelow: texts are paths, and fit everything below them

  TextDimension(std::span<const FlowMatch> matches, Texts texts_of, Fits fits);

  // Leaves in the set what accepts this text.
  void keep_accepting(std::string_view text, MatchSet& set) const;
  // Leaves in the set what does not ask: for a flow that has no text here.
  void keep_not_asking(MatchSet& set) const {
    if (asks_) set.keep(any_.data());
  }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Matches = std::vector<std::size_t>;
  struct Pattern {
    std::string text;
    std::string below;  // AndBelow: what fits everything below what `text` fits
    Matches matches;    // that have it
    bool of_users = true;  // and of nobody else
  };

  void index_patterns();
  void accept_texts(std::string_view text, MatchRow& row) const;
  void accept_patterns(std::string_view text, const MatchSet& set, MatchRow& row) const;
  void try_pattern(const Pattern& pattern, std::string_view text, const MatchSet& set, std::size_t& users_steps, MatchRow& row) const;
  static std::size_t place_of(std::uint32_t octets);

  Fits fits_;
  bool asks_ = false;
  MatchRow any_;
  std::unordered_map<std::string, Matches, Hash, std::equal_to<>> texts_;
  std::size_t longest_text_ = 0;
  std::vector<Pattern> patterns_;
  std::vector<std::size_t> always_tried_;                      // of patterns_
  std::unordered_map<std::size_t, std::vector<std::size_t>> always_tried_of_users_;  // by match, of patterns_
  std::unordered_map<std::uint32_t, std::size_t> by_octets_;   // four octets: number of the group
  std::vector<std::vector<std::size_t>> groups_;               // of patterns_ that are found by the same octets
  std::vector<bool> known_octets_;                             // by place_of(): most octets of a text are in no pattern
};

}  // namespace mipflow::flow_separator
