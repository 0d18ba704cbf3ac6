// SPDX-License-Identifier: GPL-3.0-or-later
#include "extension_headers.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::wire {

namespace {

constexpr std::uint8_t kPad1 = 0;
constexpr std::size_t kHomeAddressOptionLength = 16;
constexpr std::uint8_t kRoutingType2 = 2;

using Failure = std::optional<DecodeError>;

Failure failure(DecodeErrorKind kind, std::size_t offset) { return DecodeError{kind, offset}; }

// RFC 6275 §6.3: looks for the Home Address option among the options of one Destination Options header.
Failure read_destination_options(Reader options, PacketView& view) {
  while (options.remaining() > 0) {
    const std::size_t type_offset = options.offset();
    const std::uint8_t type = options.u8();
    if (type == kPad1) continue;
    const std::size_t length_offset = options.offset();
    const std::uint8_t length = options.u8();
    Reader data = options.sub_reader(length);
    if (type != kHomeAddressOption) {
      if (options.failed()) return failure(DecodeErrorKind::OptionOverrun, length_offset);
      continue;
    }
    if (options.failed() || length != kHomeAddressOptionLength)
      return failure(DecodeErrorKind::HomeAddressOptionWrong, length_offset);
    if (view.home_address_option || view.fragment_offset)
      return failure(DecodeErrorKind::HomeAddressOptionWrong, type_offset);
    view.home_address_option = data.address();
    view.home_address_option_offset = type_offset;
  }
  return std::nullopt;
}

// RFC 6275 §6.4: Hdr Ext Len 2, Segments Left 1, four reserved octets, home address. `routing` is the part of the header
// behind its Hdr Ext Len.
Failure read_routing_header(Reader routing, PacketView& view) {
  const std::size_t start = routing.offset() - 2;
  if (routing.u8() != kRoutingType2) return std::nullopt;
  const std::size_t segments_left_offset = routing.offset();
  const std::uint8_t segments_left = routing.u8();
  if (routing.remaining() != 4 + 16) return failure(DecodeErrorKind::RoutingHeaderWrong, start + 1);
  if (segments_left != 1) return failure(DecodeErrorKind::RoutingHeaderWrong, segments_left_offset);
  if (view.routing_header_home_address) return failure(DecodeErrorKind::RoutingHeaderWrong, start + 2);
  routing.skip(4);
  view.routing_header_home_address = routing.address();
  return std::nullopt;
}

// RFC 8200 §4.5. True when the walk ends here: what follows a later fragment's header is no header.
bool read_fragment_header(Reader& reader, PacketView& view) {
  view.extension_headers.fragment = true;
  view.protocol = reader.u8();
  reader.skip(1);
  const std::uint16_t word = reader.u16();
  reader.skip(4);
  view.fragment_offset = static_cast<std::uint16_t>(word & 0xfff8);
  view.more_fragments = (word & 1) != 0;
  return *view.fragment_offset != 0;
}

}  // namespace

Failure walk_extension_headers(Reader& reader, PacketView& view) {
  for (;;) {
    const std::uint8_t header = view.protocol;
    switch (header) {
      case kHopByHopOptions:
      case kDestinationOptions:
      case kRoutingHeader: {
        view.protocol = reader.u8();
        const std::size_t length = (std::size_t{reader.u8()} + 1) * 8;
        const Reader body = reader.sub_reader(length - 2);
        if (reader.failed()) break;
        Failure failed;
        const bool had_home_address = view.home_address_option.has_value();
        const bool had_routing_header = view.routing_header_home_address.has_value();
        if (header == kDestinationOptions) failed = read_destination_options(body, view);
        const bool brought_home_address = view.home_address_option && !had_home_address;
        if (brought_home_address) view.behind_home_address_option = view.protocol;
        if (header == kRoutingHeader) failed = read_routing_header(body, view);
        auto& seen = view.extension_headers;
        seen.hop_by_hop |= header == kHopByHopOptions;
        seen.destination_options |= header == kDestinationOptions && !brought_home_address;
        seen.routing |= header == kRoutingHeader && view.routing_header_home_address.has_value() == had_routing_header;
        if (failed) return failed;
        break;
      }
      case kAuthenticationHeader: {
        view.extension_headers.authentication = true;
        view.protocol = reader.u8();
        // RFC 4302 §2.2: unlike every other extension header in units of four octets, minus two.
        reader.skip((std::size_t{reader.u8()} + 2) * 4 - 2);
        break;
      }
      case kFragmentHeader:
        if (read_fragment_header(reader, view)) {
          view.payload_offset = reader.offset();
          if (!reader.failed()) return std::nullopt;
        }
        break;
      default:
        view.payload_offset = reader.offset();
        return std::nullopt;
    }
    if (reader.failed()) return failure(DecodeErrorKind::Truncated, reader.offset() + reader.remaining());
  }
}

std::optional<DecodeError> read_ipv6_header(Reader& reader, PacketView& view, std::size_t& payload_length) {
  if (reader.remaining() > 0 && reader.rest()[0] >> 4 != 6) return failure(DecodeErrorKind::NotIpv6, 0);
  const std::uint32_t first = reader.u32();
  view.traffic_class = static_cast<std::uint8_t>(first >> 20);
  view.flow_label = first & 0xfffff;
  payload_length = reader.u16();
  view.protocol = reader.u8();
  view.hop_limit = reader.u8();
  view.source = reader.address();
  view.destination = reader.address();
  if (reader.failed()) return failure(DecodeErrorKind::Truncated, reader.offset() + reader.remaining());
  return std::nullopt;
}

Expected<PacketView, DecodeError> parse_packet(BytesView packet) {
  PacketView view;
  Reader header(packet);
  std::size_t payload_length = 0;
  if (const auto failed = read_ipv6_header(header, view, payload_length)) return Unexpected{*failed};

  view.truncated = header.remaining() < payload_length;
  Reader reader = view.truncated ? header : header.sub_reader(payload_length);
  if (const auto failed = walk_extension_headers(reader, view)) return Unexpected{*failed};
  view.payload = reader.rest();
  return view;
}

Expected<SignallingPacket, DecodeError> decode_packet(BytesView packet) {
  auto view = parse_packet(packet);
  if (!view) return Unexpected{view.error()};
  const auto refuse = [](DecodeErrorKind kind, std::size_t offset) { return Unexpected{DecodeError{kind, offset}}; };
  if (view->protocol != kProtocolMobilityHeader && view->protocol != kProtocolIcmpv6)
    return refuse(DecodeErrorKind::NotMobileIpv6, view->payload_offset);
  if (view->more_fragments || view->fragment_offset.value_or(0) != 0)
    return refuse(DecodeErrorKind::NotMobileIpv6, view->payload_offset);
  if (view->truncated) return refuse(DecodeErrorKind::Truncated, packet.size());

  if (view->protocol == kProtocolMobilityHeader) {
    auto message = decode_mobility_header(view->payload, view->logical_source(), view->logical_destination(),
                                          view->payload_offset);
    if (!message) return Unexpected{message.error()};
    return SignallingPacket{std::move(*view), std::move(*message)};
  }
  auto message = decode_icmpv6(view->payload, view->logical_source(), view->logical_destination(), view->hop_limit,
                               view->payload_offset);
  if (!message) return Unexpected{message.error()};
  return SignallingPacket{std::move(*view), std::move(*message)};
}

}  // namespace mipflow::wire
