// SPDX-License-Identifier: GPL-3.0-or-later
// Mixing for the hashes of addresses and flow keys.
#pragma once

#include <cstdint>
#include <cstring>

#include "mipflow/base/address.hpp"

namespace mipflow {

__extension__ using Wide = unsigned __int128;

// Multiplies to 128 bits and folds, so that high bits reach the low ones and the other way round. Peers choose addresses
// and ports: with a sum or an exclusive-or of the halves they could put all their flows into one bucket. There is no
// secret in it (the pure layers have no randomness of their own), so the tables bound what they hold as well.
inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd6e8feb86659fd93u);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Takes the patterns out that one multiplication leaves of inputs that count up; the constants are splitmix64's.
inline std::uint64_t finish(std::uint64_t value) {
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
  value = (value ^ value >> 27) * 0x94d049bb133111ebu;
  return value ^ value >> 31;
}

// Not finished, so that several can be chained by their seeds.
inline std::uint64_t mix_address(const Address& address, std::uint64_t seed) {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, address.octets.data(), 8);
  std::memcpy(&low, address.octets.data() + 8, 8);
  return mix(mix(high, seed) ^ low, 0xa0761d6478bd642fu ^ seed);
}

}  // namespace mipflow
