// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet (1: the checksum is made right, 2: from a link-local address with hop limit 255, 4: from the unspecified address,
// 8: to a multicast address), then an ICMPv6 message.
#include "mipflow/wire/icmpv6.hpp"

#include <algorithm>

#include "fuzz/wire/round_trip.hpp"
#include "mipflow/base/flow_key.hpp"
#include "mipflow/wire/checksum.hpp"
#include "mipflow/wire/echo.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::fuzz {

using namespace wire;

void fuzz_icmpv6(BytesView input);
void fuzz_icmpv6(BytesView input) {
  if (input.empty()) return;
  const std::uint8_t how = input.front();
  Bytes octets(input.begin() + 1, input.end());
  Address source = kSource, destination = kDestination;
  if ((how & 2) != 0) source = link_local_with_same_interface_identifier(kSource);
  if ((how & 4) != 0) source = {};
  if ((how & 8) != 0) destination = octets.size() >= 24 ? solicited_node_multicast({[&] {
    std::array<std::uint8_t, 16> target{};
    std::copy_n(octets.begin() + 8, 16, target.begin());
    return target;
  }()}) : *Address::parse("ff02::1");
  const auto hop_limit = static_cast<std::uint8_t>((how & 2) != 0 ? 255 : 64);
  if ((how & 1) != 0 && octets.size() >= 4) {
    octets[2] = octets[3] = 0;
    const std::uint16_t checksum = upper_layer_checksum(kProtocolIcmpv6, source, destination, octets);
    octets[2] = static_cast<std::uint8_t>(checksum >> 8);
    octets[3] = static_cast<std::uint8_t>(checksum);
  }
  constexpr std::size_t kBase = 40;
  const auto decode = [&](BytesView bytes) { return decode_icmpv6(bytes, source, destination, hop_limit, kBase); };
  const auto message = decode(octets);
  if (message) {
    must_come_back(*message, [&](const Icmpv6Message& value) { return encode(value, source, destination); }, decode);
  } else {
    must(message.error().offset >= kBase && message.error().offset <= kBase + octets.size(), "the offset of an error is outside of the packet");
  }

  PacketView around;
  around.source = source;
  around.destination = destination;
  around.protocol = kProtocolIcmpv6;
  around.payload = octets;
  if (const auto echo = decode_echo(around)) {
    must(!message, "an echo is a message of Mobile IPv6 as well");
    if (octets.size() > 1'200) return;
    const Bytes packet = build_packet({source, destination}, *echo);
    must(decode_echo(*parse_packet(packet)) == echo, "an echo comes back as another one");
  }
}

}  // namespace mipflow::fuzz
