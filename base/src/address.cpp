// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/base/address.hpp"

#include <algorithm>
#include <cstdio>

#include "hash.hpp"

namespace mipflow {

namespace {

// One to four hexadecimal digits at the front of `text`, which are taken off. RFC 4291 §2.2.
std::optional<std::uint16_t> take_group(std::string_view& text) {
  unsigned value = 0;
  std::size_t digits = 0;
  for (; digits < text.size(); ++digits) {
    const char c = text[digits];
    unsigned digit = 0;
    if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
    else if (c >= 'a' && c <= 'f') digit = static_cast<unsigned>(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F') digit = static_cast<unsigned>(c - 'A') + 10;
    else break;
    if (digits == 4) return std::nullopt;
    value = value << 4 | digit;
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return static_cast<std::uint16_t>(value);
}

// Exactly "a.b.c.d"; leading zeros are refused because some readers take them for octal.
std::optional<std::array<std::uint8_t, 4>> parse_ipv4(std::string_view text) {
  std::array<std::uint8_t, 4> octets{};
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) {
      if (text.empty() || text.front() != '.') return std::nullopt;
      text.remove_prefix(1);
    }
    unsigned value = 0;
    std::size_t digits = 0;
    while (digits < text.size() && digits < 3 && text[digits] >= '0' && text[digits] <= '9')
      value = value * 10 + static_cast<unsigned>(text[digits++] - '0');
    if (digits == 0 || value > 255 || (digits > 1 && text.front() == '0')) return std::nullopt;
    text.remove_prefix(digits);
    octets[i] = static_cast<std::uint8_t>(value);
  }
  if (!text.empty()) return std::nullopt;
  return octets;
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  std::array<std::uint16_t, 8> groups{};
  std::size_t count = 0;
  std::optional<std::size_t> gap;  // the group before which "::" stands
  if (text.starts_with("::")) {
    gap = 0;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    if (count == 8) return std::nullopt;
    if (text.find(':') == std::string_view::npos && text.find('.') != std::string_view::npos) {
      const auto ipv4 = parse_ipv4(text);
      if (!ipv4 || count > 6 || (count == 0 && !gap)) return std::nullopt;
      groups[count++] = static_cast<std::uint16_t>((*ipv4)[0] << 8 | (*ipv4)[1]);
      groups[count++] = static_cast<std::uint16_t>((*ipv4)[2] << 8 | (*ipv4)[3]);
      break;
    }
    const auto group = take_group(text);
    if (!group) return std::nullopt;
    groups[count++] = *group;
    if (text.empty()) break;
    if (text.starts_with("::")) {
      if (gap) return std::nullopt;
      gap = count;
      text.remove_prefix(2);
    } else if (text.size() > 1 && text.front() == ':') {
      text.remove_prefix(1);
    } else {
      return std::nullopt;
    }
  }
  if (gap ? count == 8 : count != 8) return std::nullopt;

  Address address;
  const std::size_t behind_gap = gap ? count - *gap : 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t place = gap && i >= *gap ? 8 - behind_gap + (i - *gap) : i;
    address.octets[2 * place] = static_cast<std::uint8_t>(groups[i] >> 8);
    address.octets[2 * place + 1] = static_cast<std::uint8_t>(groups[i]);
  }
  return address;
}

bool Address::is_unspecified() const { return *this == Address{}; }

bool Address::is_loopback() const {
  Address loopback;
  loopback.octets[15] = 1;
  return *this == loopback;
}

bool Address::is_multicast() const { return octets[0] == 0xff; }
bool Address::is_link_local() const { return octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80; }
bool Address::is_unique_local() const { return (octets[0] & 0xfe) == 0xfc; }

bool Address::is_unicast_routable() const {
  // ::ffff:0:0/96, RFC 4291 §2.5.5.2
  const bool ipv4_mapped = std::all_of(octets.begin(), octets.begin() + 10, [](std::uint8_t o) { return o == 0; }) &&
                           octets[10] == 0xff && octets[11] == 0xff;
  return !is_unspecified() && !is_loopback() && !is_multicast() && !is_link_local() && !ipv4_mapped;
}

std::string to_string(const Address& address) {
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i)
    groups[i] = static_cast<unsigned>(address.octets[2 * i] << 8 | address.octets[2 * i + 1]);

  char buffer[48];
  const auto& o = address.octets;
  if (std::all_of(groups.begin(), groups.begin() + 5, [](unsigned g) { return g == 0; }) && groups[5] == 0xffff) {
    // RFC 5952 §5: the mixed form where the prefix says that an IPv4 address is embedded.
    std::snprintf(buffer, sizeof buffer, "::ffff:%u.%u.%u.%u", o[12], o[13], o[14], o[15]);
    return buffer;
  }

  // RFC 5952 §4.2: the longest run of at least two zero groups, the first of equally long ones.
  std::size_t run_start = 8;
  std::size_t run_length = 1;
  for (std::size_t i = 0; i < 8;) {
    std::size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > run_length) {
      run_start = i;
      run_length = end - i;
    }
    i = end + 1;
  }

  std::string text;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == run_start) {
      text += "::";
      i += run_length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    std::snprintf(buffer, sizeof buffer, "%x", groups[i]);
    text += buffer;
  }
  return text;
}

Address solicited_node_multicast(const Address& target) {
  Address group;
  group.octets = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
  std::copy(target.octets.begin() + 13, target.octets.end(), group.octets.begin() + 13);
  return group;
}

Address link_local_with_same_interface_identifier(const Address& address) {
  Address link_local;
  link_local.octets[0] = 0xfe;
  link_local.octets[1] = 0x80;
  std::copy(address.octets.begin() + 8, address.octets.end(), link_local.octets.begin() + 8);
  return link_local;
}

}  // namespace mipflow

std::size_t std::hash<mipflow::Address>::operator()(const mipflow::Address& address) const noexcept {
  return mipflow::finish(mipflow::mix_address(address, 0x2545f4914f6cdd1du));
}
