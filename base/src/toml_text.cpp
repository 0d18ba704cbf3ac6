// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/base/toml_text.hpp"

namespace mipflow {
namespace {

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Walks over the text and keeps the place.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ >= text_.size(); }
  char current() const { return text_[at_]; }
  bool starts_with(std::string_view expected) const { return text_.substr(at_).starts_with(expected); }
  TextPosition position() const { return position_; }

  void advance(std::size_t octets = 1) {
    for (; octets > 0 && !at_end(); --octets) {
      const char passed = text_[at_++];
      if (passed == '\n')
        position_ = {position_.line + 1, 1};
      else if (at_end() || (static_cast<unsigned char>(text_[at_]) & 0xc0) != 0x80)  // not inside a character
        ++position_.column;
    }
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  TextPosition position_;
};

// Behind the opening quotation mark(s) to behind the closing one(s), or to the end of what can be the string.
std::optional<TextPosition> pass_string(Walker& walker, char mark, bool multi_line) {
  const std::string_view closing = mark == '"' ? (multi_line ? "\"\"\"" : "\"") : (multi_line ? "'''" : "'");
  while (!walker.at_end()) {
    if (walker.starts_with(closing)) {
      walker.advance(closing.size());
      return std::nullopt;
    }
    const char c = walker.current();
    if (c == '\n' && !multi_line) return std::nullopt;
    walker.advance();
    if (c != '\\' || mark != '"' || walker.at_end()) continue;
    if (multi_line && is_blank(walker.current())) {
      while (!walker.at_end() && is_blank(walker.current())) walker.advance();
      if (!walker.at_end() && !is_ascii(walker.current())) return walker.position();
    } else {
      if (!is_ascii(walker.current())) return walker.position();
      if (walker.current() != '\n') walker.advance();
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<TomlObstacle> find_obstacle(std::string_view toml) {
  constexpr const char* kStray = "a character that is not ASCII can only stand in a text in quotation marks or in a comment";
  static_assert(kMostKeyParts == 32);
  constexpr const char* kDeep = "a key of more than 32 parts";
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  constexpr std::string_view kEndsOfKeys = "=,\n[]{}";
  if (toml.starts_with(kByteOrderMark)) toml.remove_prefix(kByteOrderMark.size());
  Walker walker(toml);
  std::size_t dots = 0;
  while (!walker.at_end()) {
    const char c = walker.current();
    if (!is_ascii(c)) return TomlObstacle{walker.position(), kStray};
    if (c == '#') {
      while (!walker.at_end() && walker.current() != '\n') walker.advance();
    } else if (c == '"' || c == '\'') {
      const bool multi_line = walker.starts_with(c == '"' ? "\"\"\"" : "'''");
      walker.advance(multi_line ? 3 : 1);
      if (const auto stray = pass_string(walker, c, multi_line)) return TomlObstacle{*stray, kStray};
    } else {
      if (c == '.' && ++dots >= kMostKeyParts) return TomlObstacle{walker.position(), kDeep};
      if (kEndsOfKeys.find(c) != std::string_view::npos) dots = 0;
      walker.advance();
    }
  }
  return std::nullopt;
}

}  // namespace mipflow
