// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/home_agents_anycast.hpp"

#include <algorithm>
#include <array>

namespace mipflow::wire {

Address home_agents_anycast(const Prefix& home_prefix) {
  constexpr std::array<std::uint8_t, 8> kIdentifier{0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe};
  Address anycast = home_prefix.address();
  std::ranges::copy(kIdentifier, anycast.octets.begin() + 8);
  return anycast;
}

}  // namespace mipflow::wire
