// SPDX-License-Identifier: GPL-3.0-or-later
#include "text_dimension.hpp"

#include <algorithm>

#include "mipflow/base/shell_pattern.hpp"

namespace mipflow::flow_separator {
namespace {

constexpr std::size_t kOctets = 4;
constexpr std::string_view kWildcards = "*?";
constexpr unsigned kPlaceBits = 14;

// Calls `visit` with every four octets in a row that stand for themselves.
template <class Visit>
void for_each_four_octets(std::string_view text, std::string_view wildcards, Visit&& visit) {
  std::uint32_t octets = 0;
  std::size_t length = 0;
  for (const char c : text) {
    length = wildcards.find(c) == std::string_view::npos ? length + 1 : 0;
    octets = octets << 8 | static_cast<unsigned char>(c);
    if (length >= kOctets) visit(octets);
  }
}

}  // namespace

TextDimension::TextDimension(std::span<const FlowMatch> matches, Texts texts_of, Fits fits)
    : fits_(fits), any_(MatchSet::words_for(matches.size()), 0) {
  std::unordered_map<std::string_view, std::size_t> known;  // number of a pattern by its text
  for (std::size_t m = 0; m < matches.size(); ++m) {
    const auto& texts = matches[m].*texts_of;
    if (texts.empty()) set_bit(any_, m);
    for (const std::string& text : texts) {
      asks_ = true;
      if (text.find_first_of(kWildcards) == std::string::npos) {
        texts_[text].push_back(m);
        longest_text_ = std::max(longest_text_, text.size());
        continue;
      }
      const auto [pattern, is_new] = known.emplace(text, patterns_.size());
      // A `*` stands for "/", too: what is below a path that the pattern fits is what fits the pattern with "/*" behind it.
      if (is_new) patterns_.push_back({.text = text, .below = fits_ == Fits::AndBelow ? text + "/*" : "", .matches = {}});
      patterns_[pattern->second].matches.push_back(m);
      patterns_[pattern->second].of_users &= matches[m].of_user;
    }
  }
  index_patterns();
}

void TextDimension::index_patterns() {
  std::unordered_map<std::uint32_t, std::size_t> frequency;
  for (const Pattern& pattern : patterns_)
    for_each_four_octets(pattern.text, kWildcards, [&](std::uint32_t octets) { ++frequency[octets]; });
  for (std::size_t p = 0; p < patterns_.size(); ++p) {
    std::optional<std::uint32_t> rarest;
    for_each_four_octets(patterns_[p].text, kWildcards, [&](std::uint32_t octets) {
      if (!rarest || frequency[octets] < frequency[*rarest]) rarest = octets;
    });
    if (!rarest) {
      if (patterns_[p].of_users)
        for (const std::size_t match : patterns_[p].matches) always_tried_of_users_[match].push_back(p);
      else
        always_tried_.push_back(p);
      continue;
    }
    if (known_octets_.empty()) known_octets_.resize(std::size_t{1} << kPlaceBits);
    known_octets_[place_of(*rarest)] = true;
    const auto [group, is_new] = by_octets_.emplace(*rarest, groups_.size());
    if (is_new) groups_.emplace_back();
    groups_[group->second].push_back(p);
  }
}

// Spreads octets that differ little.
std::size_t TextDimension::place_of(std::uint32_t octets) { return octets * 2'654'435'769u >> (32 - kPlaceBits); }

void TextDimension::keep_accepting(std::string_view text, MatchSet& set) const {
  if (!asks_) return;
  text = text.substr(0, kLongestText);
  MatchRow row = any_;
  accept_texts(text, row);
  accept_patterns(text, set, row);
  set.keep(row.data());
}

void TextDimension::accept_texts(std::string_view text, MatchRow& row) const {
  const auto accept = [&](std::string_view each) {
    if (each.size() > longest_text_) return;
    if (const auto found = texts_.find(each); found != texts_.end())
      for (const std::size_t match : found->second) set_bit(row, match);
  };
  accept(text);
  if (fits_ == Fits::Whole) return;
  for (std::size_t slash = text.find('/'); slash < text.size() && slash <= longest_text_; slash = text.find('/', slash + 1))
    accept(text.substr(0, slash));
}

void TextDimension::accept_patterns(std::string_view text, const MatchSet& set, MatchRow& row) const {
  std::size_t users_steps = kUsersSteps;
  for (const std::size_t p : always_tried_) try_pattern(patterns_[p], text, set, users_steps, row);
  if (!always_tried_of_users_.empty())
    set.for_each([&](std::size_t match) {
      const auto found = always_tried_of_users_.find(match);
      if (found == always_tried_of_users_.end()) return;
      for (const std::size_t p : found->second) try_pattern(patterns_[p], text, set, users_steps, row);
    });
  if (groups_.empty()) return;
  std::vector<bool> tried(groups_.size());  // a text may have the same octets many times
  for_each_four_octets(text, {}, [&](std::uint32_t octets) {
    if (!known_octets_[place_of(octets)]) return;
    const auto group = by_octets_.find(octets);
    if (group == by_octets_.end() || tried[group->second]) return;
    tried[group->second] = true;
    for (const std::size_t p : groups_[group->second]) try_pattern(patterns_[p], text, set, users_steps, row);
  });
}

void TextDimension::try_pattern(const Pattern& pattern, std::string_view text, const MatchSet& set, std::size_t& users_steps,
                                MatchRow& row) const {
  const auto& matches = pattern.matches;
  if (std::none_of(matches.begin(), matches.end(), [&](std::size_t match) { return set.contains(match); })) return;
  const auto accepts = [&](std::string_view each) {
    return pattern.of_users ? matches_shell_pattern(each, text, users_steps).value_or(false) : matches_shell_pattern(each, text);
  };
  if (accepts(pattern.text) || (fits_ == Fits::AndBelow && accepts(pattern.below)))
    for (const std::size_t match : matches) set_bit(row, match);
}

}  // namespace mipflow::flow_separator
