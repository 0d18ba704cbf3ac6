// SPDX-License-Identifier: GPL-3.0-or-later
#include "tunnel_errors.hpp"

#include <algorithm>
#include <optional>

#include "mipflow/wire/constants.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::home_agent {

namespace {

constexpr std::uint32_t kMinimumMtu = 1280;
constexpr std::uint8_t kAddressUnreachable = 3;
constexpr std::uint8_t kFirstInformational = 128;  // RFC 4443 §2.1: types below are errors

struct RelayedError {
  std::uint8_t type;
  std::uint8_t code;
  std::uint32_t parameter;
};

// RFC 2473 §8.2; nullopt for what does not concern the original source. `overhead` is what the tunnel puts around a
// packet, `original_length` the octets of the packet before.
std::optional<RelayedError> translate(const wire::Icmpv6Error& error, std::uint32_t overhead,
                                      std::size_t original_length) {
  switch (error.type) {
    case wire::kIcmpv6DestinationUnreachable:
      return RelayedError{wire::kIcmpv6DestinationUnreachable, kAddressUnreachable, 0};
    case wire::kIcmpv6TimeExceeded:
      if (error.code != 0) return std::nullopt;
      return RelayedError{wire::kIcmpv6DestinationUnreachable, kAddressUnreachable, 0};
    case wire::kIcmpv6PacketTooBig:
      // A packet of 1280 octets or less has to be carried by the tunnel whatever it takes; its source can not help.
      if (original_length <= kMinimumMtu) return std::nullopt;
      return RelayedError{wire::kIcmpv6PacketTooBig, 0,
                          std::max(kMinimumMtu, error.parameter > overhead ? error.parameter - overhead : 0)};
    default:
      return std::nullopt;
  }
}

// RFC 4443 §2.4 (e): no error about an error, none to a source that is not one node.
bool may_be_answered(const wire::PacketView& original) {
  if (!original.source.is_unicast_routable() || original.destination.is_multicast()) return false;
  const bool first_fragment = original.fragment_offset.value_or(0) == 0;
  if (!first_fragment || original.protocol != kProtocolIcmpv6) return true;
  return !original.payload.empty() && original.payload[0] >= kFirstInformational;
}

}  // namespace

void TunnelErrors::relay(const wire::Icmpv6Error& error, const Address& home_agent, const Tunnels& tunnels,
                         TimePoint now, Outputs& outputs) {
  const BytesView quoted = error.invoking_packet;
  const auto outer = wire::parse_packet(quoted);
  if (!outer || outer->source != home_agent || outer->protocol != kProtocolIpv6) return;
  if (outer->fragment_offset.value_or(0) != 0) return;
  const auto original = wire::parse_packet(outer->payload);
  if (!original || !tunnels.knows(original->destination, outer->destination)) return;
  if (!may_be_answered(*original)) return;

  // The quotation may be cut, so the length comes from the original's own header.
  constexpr std::size_t kPayloadLengthOffset = 4;
  constexpr std::size_t kIpv6HeaderLength = 40;
  Reader length(outer->payload);
  length.skip(kPayloadLengthOffset);
  const std::size_t original_length = kIpv6HeaderLength + length.u16();
  const auto relayed = translate(error, static_cast<std::uint32_t>(outer->payload_offset), original_length);
  if (!relayed || !bucket_.take(now)) return;
  outputs.packets.push_back({.packet = wire::build_icmpv6_error(home_agent, original->source, relayed->type,
                                                                              relayed->code, relayed->parameter,
                                                                              outer->payload)});
}

}  // namespace mipflow::home_agent
