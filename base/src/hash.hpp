// SPDX-License-Identifier: GPL-3.0-or-later
// Mixing for the hashes of addresses and flow keys.
#pragma once

#include <cstdint>
#include <cstring>

#include "mipflow/base/address.hpp"

namespace mipflow {

__extension__ using Wide = unsigned __int128;

// Multiplies to 128 bits and folds: every input bit reaches every output bit. Peers choose addresses and ports, so a
// sum or an exclusive-or of the halves would let them put all their flows into one bucket.
inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd6e8feb86659fd93u);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t hash_address(const Address& address, std::uint64_t seed) {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, address.octets.data(), 8);
  std::memcpy(&low, address.octets.data() + 8, 8);
  return mix(mix(high, seed) ^ low, 0xa0761d6478bd642fu ^ seed);
}

}  // namespace mipflow
