// SPDX-License-Identifier: GPL-3.0-or-later
// Input: an IPv6 packet. All that a role, the runner or the look at a first packet does with one before anybody knows what it is.
#include "mipflow/wire/packet.hpp"

#include <algorithm>

#include "fuzz/wire/round_trip.hpp"
#include "mipflow/base/flow_key.hpp"
#include "mipflow/wire/echo.hpp"
#include "mipflow/wire/forwarding_messages.hpp"
#include "mipflow/wire/udp.hpp"

namespace mipflow::fuzz {

using namespace wire;

namespace {

void look_at(const PacketView& view, BytesView packet) {
  must(view.payload_offset <= packet.size(), "the payload begins behind the packet");
  must(view.payload.size() <= packet.size() - view.payload_offset, "the payload ends behind the packet");
  must(view.payload.empty() || view.payload.data() == packet.data() + view.payload_offset, "the payload is somewhere else");
  must(!view.home_address_option || view.home_address_option_offset + 18 <= packet.size(), "the Home Address option is outside of the packet");
}

// The same packet built by ourselves.
void build_again(const PacketView& view) {
  if (view.payload.size() > 2'000) return;
  const Envelope envelope{view.source, view.destination, view.home_address_option, view.routing_header_home_address, view.hop_limit};
  const Bytes packet = build_packet_around(envelope, view.protocol, view.payload);
  const auto again = parse_packet(packet);
  must(again.has_value(), "a packet that was built can not be parsed");
  must(again->source == view.source && again->destination == view.destination && again->home_address_option == view.home_address_option &&
           again->routing_header_home_address == view.routing_header_home_address,
       "a packet that was built has other addresses");
  must(again->protocol == view.protocol && std::ranges::equal(again->payload, view.payload), "a packet that was built says something else");
}

bool is_upper_layer(std::uint8_t protocol) {
  return protocol == kProtocolTcp || protocol == kProtocolUdp || protocol == kProtocolIcmpv6 || protocol == kProtocolMobilityHeader ||
         protocol == kProtocolIpv6;
}

}  // namespace

void fuzz_packet(BytesView input);
void fuzz_packet(BytesView input) {
  static_cast<void>(flow_key_of(input, true));
  static_cast<void>(flow_key_of(input, false));
  const auto decoded = decode_packet(input);
  const auto view = parse_packet(input);
  if (!view) {
    must(!decoded, "a packet that can not be parsed is decoded");
    must(view.error().offset <= input.size(), "the offset of an error is outside of the packet");
    return;
  }
  look_at(*view, input);
  static_cast<void>(decode_echo(*view));
  // What stands behind the packet says nothing, unless it is the packet that is cut.
  if (!view->truncated) {
    Bytes padded(input.begin(), input.end());
    padded.resize(padded.size() + 7, 0xff);
    const auto same = parse_packet(padded);
    must(same.has_value() && std::ranges::equal(same->payload, view->payload), "padding behind the packet changes what it says");
  }
  if (is_upper_layer(view->protocol) && !view->fragment_offset && !view->truncated) build_again(*view);

  const Bytes error = build_icmpv6_error(kSource, kDestination, 1, 0, 0, input);
  must(error.size() <= 1'280, "an ICMPv6 error is longer than it may be");
  must(decode_packet(error).has_value(), "an ICMPv6 error of ours can not be decoded");
  if (input.size() <= 2'000) {
    const Bytes outer = encapsulate(input, kSource, kDestination);
    const auto tunnelled = parse_packet(outer);
    must(tunnelled.has_value() && std::ranges::equal(tunnelled->payload, input), "a tunnelled packet comes out as another one");
    static_cast<void>(parse_packet(tunnelled->payload));
  }
}

}  // namespace mipflow::fuzz
