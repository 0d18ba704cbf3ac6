// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/checksum.hpp"

namespace mipflow::wire {

namespace {

// 64 bits hold the sum of more 16-bit words than memory has, so carries are folded once at the end.
std::uint64_t sum_of_words(BytesView bytes) {
  std::uint64_t sum = 0;
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) sum += std::uint64_t{bytes[i]} << 8 | bytes[i + 1];
  if (i < bytes.size()) sum += std::uint64_t{bytes[i]} << 8;
  return sum;
}

}  // namespace

std::uint16_t upper_layer_checksum(std::uint8_t protocol, const Address& source, const Address& destination,
                                   BytesView upper_layer) {
  std::uint64_t sum = sum_of_words(source.octets) + sum_of_words(destination.octets) + upper_layer.size() + protocol +
                      sum_of_words(upper_layer);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace mipflow::wire
