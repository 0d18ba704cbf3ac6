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

// The first character of a TOML text that is not ASCII and stands neither in a string nor in a comment; nullopt when there
// is none. TOML 1.0 allows no such character (a byte order mark at the start apart), and toml++ 3.3 does not always survive
// one: its test for other kinds of blanks runs into __builtin_unreachable for U+00A1 to U+0499, which has all accented
// letters. So whoever parses TOML that was not written by a program asks this first. Found as well: one directly behind
// the backslash that continues a line of a multi-line string; TOML would allow that, toml++ makes the same mistake.
std::optional<TextPosition> find_stray_character(std::string_view toml);

}  // namespace mipflow
