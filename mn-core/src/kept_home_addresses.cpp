// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/mn-core/kept_home_addresses.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>

namespace mipflow::mobile_node {

namespace {

constexpr std::string_view kHeading = "mipflow-home-addresses 1";
constexpr std::string_view kForever = "forever";
constexpr std::array kOrigins{hoa_alloc::Origin::Prefix, hoa_alloc::Origin::Agent, hoa_alloc::Origin::Dhcpv6};
constexpr std::int64_t kLatest = 9'000'000'000;  // seconds: nanoseconds of it still fit into a Duration

std::string written(Duration wall) {
  return wall == Duration::max() ? std::string(kForever) : std::to_string(std::chrono::floor<std::chrono::seconds>(wall).count());
}

std::optional<Duration> read_time(std::string_view word) {
  if (word == kForever) return Duration::max();
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), seconds);
  if (error != std::errc{} || end != word.data() + word.size() || seconds < 0 || seconds > kLatest) return std::nullopt;
  return std::chrono::seconds{seconds};
}

// Takes what stands before the next `separator` off the text.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view out = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return out;
}

Expected<KeptHomeAddress, const char*> read_line(std::string_view line) {
  KeptHomeAddress out;
  const auto address = Address::parse(take(line, ' '));
  if (!address || !address->is_unicast_routable()) return Unexpected{"begins with no home address"};
  out.home_address = *address;
  const std::string_view why = take(line, ' ');
  if (why != "pinned" && why != "fixed") return Unexpected{"says neither 'pinned' nor 'fixed'"};
  out.pinned = why == "pinned";
  const std::string_view origin = take(line, ' ');
  bool known = false;
  for (const auto each : kOrigins)
    if (origin == hoa_alloc::to_string(each)) {
      out.origin = each;
      known = true;
    }
  if (!known) return Unexpected{"names no origin"};
  const auto preferred = read_time(take(line, ' '));
  const auto valid = read_time(line);
  if (!preferred || !valid) return Unexpected{"ends without two times"};
  out.wall_preferred = *preferred;
  out.wall_valid = *valid;
  return out;
}

}  // namespace

std::string write_kept_home_addresses(const std::vector<KeptHomeAddress>& addresses) {
  std::string out(kHeading);
  out += '\n';
  for (const auto& each : addresses)
    out += to_string(each.home_address) + (each.pinned ? " pinned " : " fixed ") + hoa_alloc::to_string(each.origin) + ' ' +
           written(each.wall_preferred) + ' ' + written(each.wall_valid) + '\n';
  return out;
}

Expected<std::vector<KeptHomeAddress>, std::string> read_kept_home_addresses(std::string_view document) {
  if (document.size() > kLongestKeptHomeAddresses) return Unexpected{std::string("it is larger than 1 MiB")};
  if (take(document, '\n') != kHeading) return Unexpected{"line 1 is not \"" + std::string(kHeading) + "\""};
  std::vector<KeptHomeAddress> out;
  for (std::size_t number = 2; !document.empty(); ++number) {
    const auto read = read_line(take(document, '\n'));
    if (!read) return Unexpected{"line " + std::to_string(number) + " " + read.error()};
    out.push_back(*read);
  }
  return out;
}

}  // namespace mipflow::mobile_node
