// SPDX-License-Identifier: GPL-3.0-or-later
// What is asked of every codec: what was decoded can be encoded, and decodes to the same again.
#pragma once

#include "fuzz/target.hpp"

namespace mipflow::fuzz {

inline const Address kSource{{0x20, 0x01, 0x0d, 0xb8, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5}};
inline const Address kDestination{{0x20, 0x01, 0x0d, 0xb8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

// `decode` takes what `encode` gives.
template <class Message, class Encode, class Decode>
void must_come_back(const Message& message, const Encode& encode, const Decode& decode) {
  const Bytes octets = encode(message);
  const auto again = decode(octets);
  must(again.has_value(), "what was encoded can not be decoded");
  must(*again == message, "what was encoded decodes to something else");
  must(encode(*again) == octets, "it is encoded differently the second time");
}

}  // namespace mipflow::fuzz
