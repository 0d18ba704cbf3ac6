// SPDX-License-Identifier: GPL-3.0-or-later
// IPv6 addresses and prefixes as values.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mipflow {

// An IPv6 address in network byte order. The default value is the unspecified address `::`.
struct Address {
  std::array<std::uint8_t, 16> octets{};

  friend auto operator<=>(const Address&, const Address&) = default;

  // RFC 4291 text form, also the mixed form with an IPv4 tail; no zone, no prefix length. nullopt when it is not one.
  static std::optional<Address> parse(std::string_view text);

  bool is_unspecified() const;
  bool is_loopback() const;
  bool is_multicast() const;
  bool is_link_local() const;  // fe80::/10
  bool is_unique_local() const;  // fc00::/7, RFC 4193
  // Neither `::`, `::1`, multicast, link-local nor IPv4-mapped: what RFC 6275 calls a unicast routable address.
  bool is_unicast_routable() const;
};

// RFC 5952 text form.
std::string to_string(const Address& address);

// ff02::1:ffXX:XXXX, RFC 4291 §2.7.1.
Address solicited_node_multicast(const Address& target);
// fe80::/64 with the interface identifier (the last 64 bits) of `address`.
Address link_local_with_same_interface_identifier(const Address& address);

// An address prefix. Invariant: length <= 128 and the bits behind the length are zero.
class Prefix {
 public:
  Prefix() = default;  // ::/0
  // Clears the bits behind `length`; lengths above 128 count as 128.
  Prefix(const Address& address, unsigned length);

  // "2001:db8::/32"; a missing length means /128. nullopt when it is not one or when host bits are set.
  static std::optional<Prefix> parse(std::string_view text);

  const Address& address() const { return address_; }
  unsigned length() const { return length_; }
  bool contains(const Address& address) const;

  friend auto operator<=>(const Prefix&, const Prefix&) = default;

 private:
  Address address_;
  unsigned length_ = 0;
};

std::string to_string(const Prefix& prefix);

// The kernel's number of a network interface; 0 means "none".
using InterfaceIndex = std::uint32_t;

}  // namespace mipflow

template <>
struct std::hash<mipflow::Address> {
  std::size_t operator()(const mipflow::Address& address) const noexcept;
};
