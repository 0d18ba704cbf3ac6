// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/base/shell_pattern.hpp"

#include <limits>

namespace mipflow {

std::optional<bool> matches_shell_pattern(std::string_view pattern, std::string_view text, std::size_t& steps) {
  // Goes back only to the last `*`: what stood before it fits already, and the `*` can eat what an earlier one would.
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t behind_star = 0;  // first character of the text that the last `*` does not eat
  while (t < text.size()) {
    if (steps == 0) return std::nullopt;
    --steps;
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      if (p == pattern.size()) return true;
      behind_star = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++behind_star;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool matches_shell_pattern(std::string_view pattern, std::string_view text) {
  auto without_end = std::numeric_limits<std::size_t>::max();
  return *matches_shell_pattern(pattern, text, without_end);
}

}  // namespace mipflow
