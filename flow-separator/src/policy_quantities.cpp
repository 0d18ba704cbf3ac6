// SPDX-License-Identifier: GPL-3.0-or-later
#include "policy_quantities.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

namespace mipflow::flow_separator {
namespace {

constexpr std::array<std::string_view, 7> kDays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// The part before the separator, which is taken off the text together with it.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return part;
}

std::optional<std::size_t> day(std::string_view name) {
  const auto found = std::find(kDays.begin(), kDays.end(), lower_case(name));
  return found == kDays.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - kDays.begin()));
}

// "mon", "mon-fri", "fri-mon", several with commas: one bit per day.
std::optional<unsigned> parse_days(std::string_view text) {
  unsigned days = 0;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    const std::size_t dash = part.find('-');
    const auto first = day(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : day(part.substr(dash + 1));
    if (!first || !last) return std::nullopt;
    for (std::size_t i = *first; days |= 1u << i, i != *last;) i = (i + 1) % kDays.size();
    begin = end + 1;
  }
  return days;
}

// "08:30": minutes since midnight; "24:00" too.
std::optional<std::uint16_t> parse_clock(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hour = parse_number(text.substr(0, 2), 24);
  const auto minute = parse_number(text.substr(3), 59);
  if (!hour || !minute || (*hour == 24 && *minute != 0)) return std::nullopt;
  return static_cast<std::uint16_t>(*hour * 60 + *minute);
}

std::string no_time(std::string_view text) {
  return quoted(text) + " is no time; expected days, a time of day or both, like \"mon-fri 08:00-18:00\", \"sat,sun\" or "
                        "\"22:00-06:00\"";
}

}  // namespace

Parsed<std::vector<Range<std::uint16_t>>> parse_times(std::string_view text) {
  std::string_view rest = trimmed(text);
  unsigned days = (1u << kDays.size()) - 1;
  std::uint16_t begin = 0;
  std::uint16_t end = kMinutesPerDay;
  const std::string_view first = take_until(rest, ' ');
  std::string_view hours = trimmed(rest);
  if (const auto given = parse_days(first))
    days = *given;
  else if (hours.empty() && !first.empty())
    hours = first;
  else
    return Unexpected{no_time(text)};

  if (!hours.empty()) {
    const auto from = parse_clock(take_until(hours, '-'));
    const auto to = parse_clock(hours);
    if (!from || !to || *from == kMinutesPerDay) return Unexpected{no_time(text)};
    if (*from == *to)
      return Unexpected{quoted(text) + " ends when it begins; leave the time of day out when the whole day is meant"};
    begin = *from;
    end = *to;
    if (end < begin) end = static_cast<std::uint16_t>(end + kMinutesPerDay);
  }

  std::vector<Range<std::uint16_t>> out;
  for (std::size_t d = 0; d < kDays.size(); ++d) {
    if ((days >> d & 1) == 0) continue;
    const auto first_minute = static_cast<std::uint16_t>(d * kMinutesPerDay + begin);
    const auto last_minute = static_cast<std::uint16_t>(d * kMinutesPerDay + end - 1);
    if (last_minute < kMinutesPerWeek) {
      out.push_back({first_minute, last_minute});
    } else {  // the night from Sunday to Monday
      out.push_back({first_minute, kMinutesPerWeek - 1});
      out.push_back({0, static_cast<std::uint16_t>(last_minute - kMinutesPerWeek)});
    }
  }
  return out;
}

Parsed<Duration> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    Duration one;
  };
  constexpr std::array kUnits{Unit{"ms", std::chrono::milliseconds{1}}, Unit{"s", std::chrono::seconds{1}},
                              Unit{"min", std::chrono::minutes{1}}, Unit{"h", std::chrono::hours{1}}};
  constexpr std::uint32_t kLargest = 1'000'000;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_number(text.substr(0, digits), kLargest);
  const std::string_view unit = trimmed(text.substr(digits));
  for (const Unit& each : kUnits)
    if (number && unit == each.name) return *number * each.one;
  return Unexpected{quoted(text) + " is no duration; expected a number and \"ms\", \"s\", \"min\" or \"h\", like \"30 s\""};
}

Parsed<unsigned> parse_share(std::string_view text) {
  std::string_view rest = text;
  const bool percent = !rest.empty() && rest.back() == '%';
  if (percent) rest.remove_suffix(1);
  rest = trimmed(rest);
  const bool has_point = rest.find('.') != std::string_view::npos;
  const auto whole = parse_number(take_until(rest, '.'), 100);
  const auto tenth = has_point ? parse_number(rest, 9) : 0;
  const unsigned share = whole.value_or(0) * 10 + tenth.value_or(0);
  if (!percent || !whole || !tenth || (has_point && rest.size() != 1) || share == 0 || share > 1000)
    return Unexpected{quoted(text) + " is no share; expected one above 0 % and at most 100 % with at most one decimal, like "
                                     "\"2 %\" or \"0.5 %\""};
  return share;
}

}  // namespace mipflow::flow_separator
