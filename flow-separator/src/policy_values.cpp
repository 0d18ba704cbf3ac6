// SPDX-License-Identifier: GPL-3.0-or-later
#include "policy_values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>
#include <span>
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

// RFC 4443, RFC 4861, RFC 4620, RFC 8335: those that a flow may consist of.
constexpr std::array kIcmpTypes{NamedNumber{"destination-unreachable", 1},  NamedNumber{"packet-too-big", 2},
                                NamedNumber{"time-exceeded", 3},            NamedNumber{"parameter-problem", 4},
                                NamedNumber{"echo-request", 128},           NamedNumber{"echo-reply", 129},
                                NamedNumber{"neighbor-solicitation", 135},  NamedNumber{"neighbor-advertisement", 136},
                                NamedNumber{"node-information-query", 139}, NamedNumber{"node-information-response", 140},
                                NamedNumber{"extended-echo-request", 160},  NamedNumber{"extended-echo-reply", 161}};

constexpr std::array kExtensionHeaders{
    NamedNumber{"hop-by-hop", static_cast<std::uint8_t>(ExtensionHeader::HopByHop)},
    NamedNumber{"routing", static_cast<std::uint8_t>(ExtensionHeader::Routing)},
    NamedNumber{"fragment", static_cast<std::uint8_t>(ExtensionHeader::Fragment)},
    NamedNumber{"destination-options", static_cast<std::uint8_t>(ExtensionHeader::DestinationOptions)},
    NamedNumber{"authentication", static_cast<std::uint8_t>(ExtensionHeader::Authentication)}};

constexpr std::array kInterfaceKinds{InterfaceKind::Wired, InterfaceKind::Wifi, InterfaceKind::Cellular, InterfaceKind::Other};

constexpr std::size_t kLongestText = 255;

std::string words(std::span<const std::string_view> known) {
  std::string out;
  for (const std::string_view each : known) out += (each == known.front() ? " " : ", ") + std::string(each);
  return out;
}

// The number that belongs to a name.
template <std::size_t N>
Parsed<std::uint8_t> find_named(std::string_view text, const std::array<NamedNumber, N>& names, const std::string& what,
                                const std::string& expected) {
  const std::string name = lower_case(text);
  std::vector<std::string_view> known;
  for (const NamedNumber& named : names) {
    if (named.name == name) return named.number;
    known.push_back(named.name);
  }
  const std::string reason = quoted(text) + " is not " + what + "; ";
  if (const auto meant = nearest(name, known)) return Unexpected{reason + "did you mean " + quoted(*meant) + '?'};
  return Unexpected{reason + expected + words(known)};
}

template <std::size_t N>
Parsed<std::uint8_t> parse_named(std::string_view text, const std::array<NamedNumber, N>& names, std::uint8_t largest,
                                 const char* what) {
  if (const auto number = parse_number(text, largest)) return static_cast<std::uint8_t>(*number);
  return find_named(text, names, what, "expected a number 0-" + std::to_string(largest) + " or one of");
}

// What no text to match may be; nullopt when nothing is wrong.
std::optional<std::string> why_no_text(std::string_view text) {
  if (text.empty() || text.size() > kLongestText) return "expected a text of 1 to 255 octets, found " + quoted(text);
  if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }))
    return quoted(text) + " has control characters, which no name has";
  return std::nullopt;
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

std::optional<Parsed<Range<std::uint32_t>>> parse_number_range(std::string_view text, std::uint32_t largest) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto number = [](std::string_view digits) -> std::optional<std::uint32_t> {
    constexpr auto kLargest = std::numeric_limits<std::uint32_t>::max();
    if (digits.substr(0, 2) != "0x") return parse_number(digits, kLargest);
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(digits.data() + 2, digits.data() + digits.size(), value, 16);
    return error == std::errc{} && end == digits.data() + digits.size() ? std::optional(value) : std::nullopt;
  };
  const auto first = number(text.substr(0, dash));
  const auto last = number(text.substr(dash + 1));
  if (!first || !last) return std::nullopt;
  if (*first > largest || *last > largest)
    return Unexpected{"the range " + quoted(text) + " is not possible; the largest number is " + std::to_string(largest)};
  if (*first > *last) return Unexpected{"the range " + quoted(text) + " is empty; the smaller number comes first"};
  return Range<std::uint32_t>{*first, *last};
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

Parsed<std::uint8_t> parse_icmp_type(std::string_view name) { return parse_named(name, kIcmpTypes, 255, "an ICMPv6 type"); }

Parsed<ExtensionHeader> parse_extension_header(std::string_view name) {
  const auto bit = find_named(name, kExtensionHeaders, "an extension header", "expected one of");
  if (!bit) return Unexpected{bit.error()};
  return static_cast<ExtensionHeader>(*bit);
}

Parsed<std::string> parse_program(std::string_view text) {
  if (auto wrong = why_no_text(text)) return Unexpected{std::move(*wrong)};
  if (text.front() == '/' || text.front() == '*') return std::string(text);
  return Unexpected{quoted(text) + " is not an absolute path; expected one like \"/usr/bin/ssh\" or a pattern like " +
                    quoted("*/" + std::string(text.substr(text.rfind('/') + 1)))};
}

Parsed<std::string> parse_cgroup(std::string_view text) {
  if (auto wrong = why_no_text(text)) return Unexpected{std::move(*wrong)};
  if (text.front() != '/' && text.front() != '*')
    return Unexpected{quoted(text) + " is not the path of a control group; expected one below the root of the cgroup v2 "
                                     "hierarchy like \"/user.slice\" or a pattern"};
  while (!text.empty() && text.back() == '/') text.remove_suffix(1);
  return std::string(text);
}

Parsed<std::string> parse_unit(std::string_view text) {
  if (auto wrong = why_no_text(text)) return Unexpected{std::move(*wrong)};
  if (text.find('/') != std::string_view::npos)
    return Unexpected{quoted(text) + " is not the name of a systemd unit; paths belong to \"cgroup\""};
  if (text.find_first_of(".*?") == std::string_view::npos)
    return Unexpected{quoted(text) + " is not the name of a systemd unit; did you mean " +
                      quoted(std::string(text) + ".service") + '?'};
  return std::string(text);
}

Parsed<InterfaceKind> parse_interface_kind(std::string_view text) {
  std::vector<std::string_view> known;
  for (const InterfaceKind kind : kInterfaceKinds) {
    if (text == to_string(kind)) return kind;
    known.emplace_back(to_string(kind));
  }
  const std::string reason = quoted(text) + " is not a kind of interfaces; ";
  if (const auto meant = nearest(text, known)) return Unexpected{reason + "did you mean " + quoted(*meant) + '?'};
  return Unexpected{reason + "expected one of" + words(known)};
}

Parsed<InterfacePreference> parse_interface(std::string_view text) {
  constexpr std::string_view kName = "name:";
  if (const auto kind = parse_interface_kind(text)) return InterfacePreference{.kind = *kind};
  auto pattern = parse_interface_pattern(text.substr(0, kName.size()) == kName ? text.substr(kName.size()) : text);
  if (!pattern) return Unexpected{pattern.error()};
  return InterfacePreference{.pattern = std::move(*pattern)};
}

Parsed<std::string> parse_interface_pattern(std::string_view text) {
  constexpr std::size_t kLongestName = 15;  // IFNAMSIZ without the zero
  const auto characters =
      static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return c != '*'; }));
  const bool odd = std::any_of(text.begin(), text.end(), [](char c) {
    return c == '/' || c == ':' || static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
  });
  if (text.empty() || odd || characters > kLongestName || text.size() > 2 * kLongestName + 1)
    return Unexpected{quoted(text) + " can not be the name of an interface; expected a name of at most 15 characters like "
                                     "\"wlan0\" or a pattern like \"ww*\""};
  return std::string(text);
}

Parsed<HomeAddressChoice> parse_home_address(std::string_view text) {
  constexpr std::array rules{HomeAddressRule::Figure6, HomeAddressRule::Primary, HomeAddressRule::Own, HomeAddressRule::Class};
  std::vector<std::string_view> names;
  for (const HomeAddressRule rule : rules) {
    if (text == to_string(rule)) return HomeAddressChoice{.rule = rule};
    names.push_back(to_string(rule));
  }
  if (const auto address = Address::parse(text)) {
    if (address->is_unicast_routable()) return HomeAddressChoice{.rule = HomeAddressRule::Fixed, .fixed = *address};
    return Unexpected{quoted(text) + " is no address that others can reach; expected a global unicast address below the home prefix"};
  }
  if (const auto meant = nearest(text, names)) return Unexpected{quoted(text) + " is not possible; did you mean " + quoted(*meant) + '?'};
  return Unexpected{"expected \"figure-6\", \"primary\", \"own\", \"class\" or an IPv6 address below the home prefix, found " + quoted(text)};
}

Parsed<RouteOptimization> parse_route_optimization(std::string_view text) {
  for (const RouteOptimization choice : {RouteOptimization::No, RouteOptimization::Prefer, RouteOptimization::Yes})
    if (text == to_string(choice)) return choice;
  return Unexpected{"expected \"yes\", \"prefer\" or \"no\", found " + quoted(text)};
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

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string out = "\"";
  for (const char c : text.substr(0, kLongest)) out += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c;
  out += text.size() > kLongest ? "...\"" : "\"";
  return out;
}

}  // namespace mipflow::flow_separator
