// SPDX-License-Identifier: GPL-3.0-or-later
#include "icmpv6_error.hpp"

#include <algorithm>

#include "mipflow/wire/packet.hpp"

namespace mipflow::home_agent {

namespace {

constexpr std::size_t kMinimumMtu = 1280;
constexpr std::size_t kHeaders = 40 + 8;  // IPv6, ICMPv6

}  // namespace

Bytes build_icmpv6_error(const Address& source, const Address& destination, std::uint8_t type, std::uint8_t code,
                         std::uint32_t parameter, BytesView invoking_packet) {
  const BytesView quoted = invoking_packet.first(std::min(invoking_packet.size(), kMinimumMtu - kHeaders));
  return wire::build_packet({source, destination},
                            wire::Icmpv6Error{type, code, parameter, Bytes(quoted.begin(), quoted.end())});
}

}  // namespace mipflow::home_agent
