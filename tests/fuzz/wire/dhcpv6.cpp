// SPDX-License-Identifier: GPL-3.0-or-later
// Input: the payload of a UDP datagram.
#include "mipflow/wire/dhcpv6.hpp"

#include "fuzz/wire/round_trip.hpp"

namespace mipflow::fuzz {

void fuzz_dhcpv6(BytesView input);
void fuzz_dhcpv6(BytesView input) {
  constexpr std::size_t kBase = 48;
  const auto decode = [](BytesView octets) { return wire::decode_dhcpv6(octets, kBase); };
  const auto message = decode(input);
  if (!message) {
    must(message.error().offset >= kBase && message.error().offset <= kBase + input.size(), "the offset of an error is outside of the packet");
    return;
  }
  must_come_back(*message, [](const wire::Dhcpv6Message& value) { return wire::encode(value); }, decode);
}

}  // namespace mipflow::fuzz
