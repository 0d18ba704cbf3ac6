// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <charconv>

#include "mipflow/base/address.hpp"

namespace mipflow {

Prefix::Prefix(const Address& address, unsigned length) : address_(address), length_(std::min(length, 128u)) {
  const std::size_t whole = length_ / 8;
  if (whole == 16) return;
  address_.octets[whole] = static_cast<std::uint8_t>(address_.octets[whole] & (0xff00u >> (length_ % 8)));
  std::fill(address_.octets.begin() + static_cast<std::ptrdiff_t>(whole) + 1, address_.octets.end(), std::uint8_t{0});
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = Address::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  unsigned length = 128;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (error != std::errc{} || end != digits.data() + digits.size() || length > 128) return std::nullopt;
    if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  }
  const Prefix prefix(*address, length);
  if (prefix.address() != *address) return std::nullopt;
  return prefix;
}

bool Prefix::contains(const Address& address) const { return Prefix(address, length_).address_ == address_; }

std::string to_string(const Prefix& prefix) {
  return to_string(prefix.address()) + "/" + std::to_string(prefix.length());
}

}  // namespace mipflow
