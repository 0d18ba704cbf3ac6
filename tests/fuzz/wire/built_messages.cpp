// SPDX-License-Identifier: GPL-3.0-or-later
// Input: decisions about a message that is put together value by value; it has to come back from its own encoding. The other way
// round, from octets to values, is that of the targets of the decoders.
#include "fuzz/wire/draw_messages.hpp"
#include "fuzz/wire/round_trip.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::fuzz {

using namespace wire;

namespace {

Envelope draw_envelope(Draw& draw) {
  Envelope out{kSource, kDestination};
  out.home_address_option = draw.perhaps<Address>([&] { return draw.address(); });
  out.routing_header_home_address = draw.perhaps<Address>([&] { return draw.address(); });
  return out;
}

}  // namespace

void fuzz_built_messages(BytesView input);
void fuzz_built_messages(BytesView input) {
  Draw draw(input);
  switch (draw.below(4)) {
    case 0: {
      const Envelope envelope = draw_envelope(draw);
      const MobilityMessage message = draw_mobility_message(draw);
      const Bytes packet = build_packet(envelope, message);
      const auto decoded = decode_packet(packet);
      must(decoded.has_value() && decoded->message == std::variant<MobilityMessage, Icmpv6Message>(message), "a Mobility Header comes back as another one");
      must(decoded->view.home_address_option == envelope.home_address_option &&
               decoded->view.routing_header_home_address == envelope.routing_header_home_address,
           "the headers in front of a Mobility Header come back as others");
      break;
    }
    case 1: {
      const Icmpv6Message message = draw_icmpv6_message(draw);
      Address source = link_local_with_same_interface_identifier(kSource);
      must_come_back(
          message, [&](const Icmpv6Message& value) { return encode(value, source, kDestination); },
          [&](const Bytes& octets) { return decode_icmpv6(octets, source, kDestination, 255); });
      break;
    }
    case 2:
      must_come_back(
          draw_dhcpv6_message(draw), [](const Dhcpv6Message& value) { return encode(value); },
          [](const Bytes& octets) { return decode_dhcpv6(octets); });
      break;
    default: {
      static const Bytes kKey(32, 0x77);
      must_come_back(
          draw_forwarding_message(draw), [](const ForwardingMessage& value) { return encode_forwarding_message(value, kKey, kSource, kDestination); },
          [](const Bytes& octets) { return decode_forwarding_message(octets, kKey, kSource, kDestination); });
    }
  }
}

}  // namespace mipflow::fuzz
