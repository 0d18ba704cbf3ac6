// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace mipflow {

// A place in a text; both count from 1, columns in characters of UTF-8.
struct TextPosition {
  std::size_t line = 1;
  std::size_t column = 1;
  friend bool operator==(const TextPosition&, const TextPosition&) = default;
};

struct TomlObstacle {
  TextPosition position;
  const char* reason;  // for whoever wrote the text
};
inline constexpr std::size_t kMostKeyParts = 32;  // in a.b.c there are three

// The first place of a TOML text at which toml++ 3.3 could fail worse than with an error; nullopt when there is none. So whoever
// parses TOML that was not written by a program asks this first.
// - A character that is not ASCII and stands neither in a string nor in a comment. TOML 1.0 allows none (a byte order mark at the
//   start apart); toml++'s test for other kinds of blanks runs into __builtin_unreachable for U+00A1 to U+0499, which has all
//   accented letters. Found as well: one directly behind the backslash that continues a line of a multi-line string; TOML
//   would allow that, toml++ makes the same mistake.
// - A key of more than kMostKeyParts parts: each part is a level of recursion there, and the stack ends.
std::optional<TomlObstacle> find_obstacle(std::string_view toml);

}  // namespace mipflow
