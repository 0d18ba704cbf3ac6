// SPDX-License-Identifier: GPL-3.0-or-later
#include "policy_values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <utility>
#include <vector>

namespace mipflow::flow_separator {
namespace {

struct NamedNumber {
  std::string_view name;
  std::uint8_t number;
};

// IANA "Protocol Numbers": those that are met above IPv6.
constexpr std::array kProtocols{
    NamedNumber{"tcp", 6},   NamedNumber{"udp", 17},   NamedNumber{"dccp", 33}, NamedNumber{"ipv6", 41},
    NamedNumber{"gre", 47},  NamedNumber{"esp", 50},   NamedNumber{"ah", 51},   NamedNumber{"icmpv6", 58},
    NamedNumber{"ospf", 89}, NamedNumber{"l2tp", 115}, NamedNumber{"sctp", 132}, NamedNumber{"udplite", 136}};

// IANA "Differentiated Services Field Codepoints".
constexpr std::array kDscps{
    NamedNumber{"cs0", 0},   NamedNumber{"cs1", 8},   NamedNumber{"cs2", 16},  NamedNumber{"cs3", 24},  NamedNumber{"cs4", 32},
    NamedNumber{"cs5", 40},  NamedNumber{"cs6", 48},  NamedNumber{"cs7", 56},  NamedNumber{"af11", 10}, NamedNumber{"af12", 12},
    NamedNumber{"af13", 14}, NamedNumber{"af21", 18}, NamedNumber{"af22", 20}, NamedNumber{"af23", 22}, NamedNumber{"af31", 26},
    NamedNumber{"af32", 28}, NamedNumber{"af33", 30}, NamedNumber{"af41", 34}, NamedNumber{"af42", 36}, NamedNumber{"af43", 38},
    NamedNumber{"ef", 46},   NamedNumber{"voice-admit", 44}, NamedNumber{"le", 1}};

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

template <std::size_t N>
Parsed<std::uint8_t> parse_named(std::string_view text, const std::array<NamedNumber, N>& names, std::uint8_t largest,
                                 const char* what) {
  if (const auto number = parse_number(text, largest)) return static_cast<std::uint8_t>(*number);
  const std::string name = lower_case(text);
  std::vector<std::string_view> known;
  for (const NamedNumber& named : names) {
    if (named.name == name) return named.number;
    known.push_back(named.name);
  }
  std::string reason = quoted(text) + " is not " + what + "; ";
  if (const auto meant = nearest(name, known)) return Unexpected{reason + "did you mean " + quoted(*meant) + '?'};
  reason += "expected a number 0-" + std::to_string(largest) + " or one of";
  for (const std::string_view each : known) reason += (each == known.front() ? " " : ", ") + std::string(each);
  return Unexpected{reason};
}

// Number of characters to insert, delete, change or swap with the next to get from one word to the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);  // the row of the distances for a's first i - 1 characters
  std::vector<std::size_t> last(b.size() + 1);    // ... i characters
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::vector<std::size_t> row(b.size() + 1, i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      row[j + 1] = std::min({last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1});
      if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j]) row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
    }
    before = std::exchange(last, std::move(row));
  }
  return last.back();
}

}  // namespace

std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t largest) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value > largest) return std::nullopt;
  return value;
}

Parsed<Range<std::uint16_t>> parse_port_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = parse_number(text.substr(0, dash), 65'535);
  const auto last = dash == std::string_view::npos ? first : parse_number(text.substr(dash + 1), 65'535);
  if (!first || !last)
    return Unexpected{quoted(text) + " is not a port; expected a number 0-65535 or a range like \"1024-2047\""};
  if (*first > *last)
    return Unexpected{"the range " + quoted(text) + " is empty; the smaller port comes first, as in \"" +
                      std::to_string(*last) + '-' + std::to_string(*first) + '"'};
  return Range<std::uint16_t>{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

Parsed<Range<Address>> parse_peer(std::string_view text) {
  const auto prefix = Prefix::parse(text);
  if (!prefix) {
    const std::size_t slash = text.find('/');
    if (const auto address = Address::parse(text.substr(0, slash)); address && slash != std::string_view::npos) {
      if (const auto length = parse_number(text.substr(slash + 1), 128))
        return Unexpected{quoted(text) + " has bits set behind its length; did you mean \"" +
                          to_string(Prefix(*address, *length)) + "\"?"};
    }
    return Unexpected{quoted(text) + " is not an IPv6 prefix; expected one like \"2001:db8::/32\" or an address"};
  }
  Range<Address> range{prefix->address(), prefix->address()};
  for (unsigned bit = prefix->length(); bit < 128; ++bit)
    range.last.octets[bit / 8] = static_cast<std::uint8_t>(range.last.octets[bit / 8] | 0x80u >> bit % 8);
  return range;
}

Parsed<std::uint8_t> parse_protocol(std::string_view name) { return parse_named(name, kProtocols, 255, "a protocol"); }

Parsed<std::uint8_t> parse_dscp(std::string_view name) { return parse_named(name, kDscps, 63, "a DSCP"); }

Parsed<std::string> parse_interface_pattern(std::string_view text) {
  constexpr std::size_t kLongestName = 15;  // IFNAMSIZ without the zero
  const auto characters =
      static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return c != '*'; }));
  const bool odd = std::any_of(text.begin(), text.end(), [](char c) {
    return c == '/' || c == ':' || static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
  });
  if (text.empty() || odd || characters > kLongestName)
    return Unexpected{quoted(text) + " can not be the name of an interface; expected a name of at most 15 characters like "
                                     "\"wlan0\" or a pattern like \"ww*\""};
  return std::string(text);
}

std::optional<std::string_view> nearest(std::string_view text, std::span<const std::string_view> known) {
  if (text.size() > 64) return std::nullopt;
  std::optional<std::string_view> best;
  std::size_t least = 0;
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(text, candidate);
    if (distance > std::max<std::size_t>(1, candidate.size() / 3)) continue;
    if (!best || distance < least) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string out = "\"";
  for (const char c : text.substr(0, kLongest)) out += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c;
  out += text.size() > kLongest ? "...\"" : "\"";
  return out;
}

}  // namespace mipflow::flow_separator
