// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/hoa-alloc/address_formation.hpp"

namespace mipflow::hoa_alloc {
namespace {

// With a working random source one draw in 2^64 is taken; this many in a row mean that it does not work.
constexpr int kMaxDraws = 16;
constexpr unsigned kInterfaceIdentifierBits = 64;

}  // namespace

bool is_reserved_interface_identifier(std::uint64_t identifier) {
  if (identifier == 0) return true;
  if (identifier >= 0x0200'5eff'fe00'0000u && identifier <= 0x0200'5eff'feff'ffffu) return true;
  return identifier >= 0xfdff'ffff'ffff'ff80u && identifier <= 0xfdff'ffff'ffff'ffffu;
}

std::optional<Address> form_address(const Prefix& prefix, RandomSource& random,
                                    const std::function<bool(const Address&)>& taken) {
  if (prefix.length() != 128 - kInterfaceIdentifierBits) return std::nullopt;
  for (int draw = 0; draw < kMaxDraws; ++draw) {
    const std::uint64_t identifier = random.next_u64();
    if (is_reserved_interface_identifier(identifier)) continue;
    Address address = prefix.address();
    for (unsigned octet = 0; octet < 8; ++octet)
      address.octets[8 + octet] = static_cast<std::uint8_t>(identifier >> (56 - 8 * octet));
    if (!taken(address)) return address;
  }
  return std::nullopt;
}

}  // namespace mipflow::hoa_alloc
