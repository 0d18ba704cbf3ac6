// SPDX-License-Identifier: GPL-3.0-or-later
#include "hex_text.hpp"

#include <fmt/format.h>

#include <istream>
#include <optional>

namespace mipflow::tools {

namespace {

constexpr std::size_t kMostInput = 16u << 20;
// A line that has an IPv6 header's worth of digits is a packet of its own.
constexpr std::size_t kIpv6HeaderLength = 40;
// Offset lines of hex dumps have at most sixteen octets; what stands behind is the same in characters.
constexpr std::size_t kOctetsPerDumpLine = 16;

std::optional<unsigned> digit_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

bool is_separator(char c) { return c == ' ' || c == '\t' || c == ':' || c == '-' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::string_view without_prefix(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  return text;
}

// "0x0010:  6000 ..." or "00000010: 60 00 ...".
struct DumpLine {
  std::size_t offset;
  Bytes octets;
};

std::optional<DumpLine> parse_dump_line(std::string_view line) {
  line = without_prefix(line);
  const std::size_t colon = line.find(':');
  if (colon < 4 || colon > 8 || colon == std::string_view::npos) return std::nullopt;
  DumpLine dump{0, {}};
  for (const char c : line.substr(0, colon)) {
    const auto value = digit_value(c);
    if (!value) return std::nullopt;
    dump.offset = dump.offset << 4 | *value;
  }
  std::string_view rest = line.substr(colon + 1);
  if (!rest.starts_with(' ') && !rest.starts_with('\t')) return std::nullopt;
  std::string digits;
  std::size_t blanks = 0;
  rest = trimmed(rest);
  for (const char c : rest) {
    if (c == ' ' || c == '\t') {
      // Two blanks stand between the octets and the characters.
      if (++blanks == 2) break;
      continue;
    }
    blanks = 0;
    if (!digit_value(c) || digits.size() == 2 * kOctetsPerDumpLine) break;
    digits += c;
  }
  const auto octets = parse_hex(digits);
  if (!octets || octets->empty()) return std::nullopt;
  dump.octets = *octets;
  return dump;
}

}  // namespace

bool looks_like_hex(std::string_view text) {
  text = without_prefix(text);
  bool any = false;
  for (const char c : text) {
    if (digit_value(c))
      any = true;
    else if (!is_separator(c))
      return false;
  }
  return any;
}

Expected<Bytes, std::string> parse_hex(std::string_view text) {
  text = without_prefix(text);
  Bytes digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (const auto value = digit_value(text[i]))
      digits.push_back(static_cast<std::uint8_t>(*value));
    else if (!is_separator(text[i]))
      return Unexpected{fmt::format("character {} is not a hex digit", i + 1)};
  }
  if (digits.size() % 2 != 0) return Unexpected{fmt::format("there is an odd number of hex digits, {}", digits.size())};
  Bytes out;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(digits[i] << 4 | digits[i + 1]));
  return out;
}

Expected<std::vector<Bytes>, std::string> read_hex_packets(std::istream& in) {
  std::vector<Bytes> packets;
  Bytes current;
  const auto finish = [&] {
    if (!current.empty()) packets.push_back(std::move(current));
    current.clear();
  };
  std::size_t read = 0;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    read += line.size() + 1;
    if (read > kMostInput) return Unexpected{fmt::format("more than {} octets of text; use a capture file", kMostInput)};
    if (const auto dump = parse_dump_line(line)) {
      if (dump->offset == 0) finish();
      if (dump->offset != current.size())
        return Unexpected{fmt::format("line {}: the hex dump goes on at octet {}, but {} octets came before", number,
                                      dump->offset, current.size())};
      current.insert(current.end(), dump->octets.begin(), dump->octets.end());
      continue;
    }
    if (!looks_like_hex(line)) {
      finish();
      continue;
    }
    const auto octets = parse_hex(line);
    if (!octets) return Unexpected{fmt::format("line {}: {}", number, octets.error())};
    if (octets->size() >= kIpv6HeaderLength) finish();
    current.insert(current.end(), octets->begin(), octets->end());
  }
  finish();
  return packets;
}

}  // namespace mipflow::tools
