// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/simulator/headers.hpp"

namespace mipflow::simulation {

namespace {

constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kDestinationOffset = 24;
constexpr std::size_t kIcmpv6ErrorHeader = 8;

}  // namespace

Bytes with_headers(const wire::PacketView& view, const wire::Envelope& envelope) {
  return wire::build_packet_around(envelope, view.protocol, view.payload);
}

Bytes without_mobility_headers(const wire::PacketView& view) {
  return with_headers(view, {.source = view.logical_source(), .destination = view.logical_destination()});
}

bool is_icmpv6_error(const wire::PacketView& view) {
  return view.protocol == kProtocolIcmpv6 && !view.payload.empty() && view.payload[0] != 0 &&
         view.payload[0] <= wire::kIcmpv6ParameterProblem;
}

std::optional<wire::PacketView> quoted_packet(const wire::PacketView& view) {
  if (!is_icmpv6_error(view) || view.payload.size() < kIcmpv6ErrorHeader) return std::nullopt;
  const auto quoted = wire::parse_packet(view.payload.subspan(kIcmpv6ErrorHeader));
  return quoted ? std::optional(*quoted) : std::nullopt;
}

std::optional<Address> destination_on_the_wire(BytesView packet) {
  if (packet.size() < kIpv6Header) return std::nullopt;
  Reader reader(packet);
  reader.skip(kDestinationOffset);
  return reader.address();
}

}  // namespace mipflow::simulation
