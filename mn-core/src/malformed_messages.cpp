// SPDX-License-Identifier: GPL-3.0-or-later
#include "malformed_messages.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "forwarding.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::mobile_node {
namespace {

// nullopt: an error whose sender is not told.
std::optional<Bytes> answer_to(const PacketReceived& event, const wire::PacketView& view, const wire::DecodeError& error) {
  constexpr std::uint8_t kErroneousHeaderField = 0;
  switch (error.kind) {
    case wire::DecodeErrorKind::UnknownMobilityType: {
      wire::BindingError message;
      message.status = wire::BindingErrorStatus::UnrecognizedMobilityType;
      message.home_address = view.home_address_option.value_or(Address{});
      return wire::build_packet({view.destination, view.source}, wire::MobilityMessage{message});
    }
    case wire::DecodeErrorKind::PayloadProtoWrong:
    case wire::DecodeErrorKind::HeaderLenTooSmall:
      return wire::build_icmpv6_error(view.destination, view.source, wire::kIcmpv6ParameterProblem, kErroneousHeaderField,
                                      static_cast<std::uint32_t>(error.offset), event.packet);
    case wire::DecodeErrorKind::Truncated:
    case wire::DecodeErrorKind::ChecksumWrong:
    case wire::DecodeErrorKind::OptionOverrun:
    case wire::DecodeErrorKind::OptionLengthWrong:
    case wire::DecodeErrorKind::ServiceBodyWrong:
    case wire::DecodeErrorKind::OptionMisplaced:
    case wire::DecodeErrorKind::HomeAddressOptionWrong:
    case wire::DecodeErrorKind::RoutingHeaderWrong:
    case wire::DecodeErrorKind::NeighborDiscoveryWrong:
    case wire::DecodeErrorKind::NotIpv6:
    case wire::DecodeErrorKind::NotMobileIpv6: break;
  }
  return std::nullopt;
}

// The way back for a packet that came to this address; nullopt when it is none of ours.
std::optional<OutgoingPacket> on_the_way_back(const Node& node, const PacketReceived& event, const Address& own, Bytes answer) {
  if (!event.tunnel_source) {
    const auto care_of = node.movement.addresses();
    if (std::find(care_of.begin(), care_of.end(), CareOf{own, event.interface}) == care_of.end()) return std::nullopt;
    return OutgoingPacket{.packet = std::move(answer), .interface = event.interface};
  }
  const auto found = node.managed.find(own);
  if (found == node.managed.end()) return std::nullopt;
  const auto path = data_path_of(node, found->second);
  if (!path || !node.movement.still_works(*path)) return std::nullopt;
  return OutgoingPacket{.packet = wire::encapsulate(answer, path->address, tunnel_end_of(node, found->second)),
                        .interface = path->interface};
}

}  // namespace

void answer_malformed_message(Node& node, const PacketReceived& event, const wire::DecodeError& error, Now now,
                              Outputs& outputs) {
  const auto view = wire::parse_packet(event.packet);
  if (!view || (!view->source.is_unicast_routable() && !view->source.is_link_local())) return;
  auto answer = answer_to(event, *view, error);
  if (!answer) return;
  auto packet = on_the_way_back(node, event, view->destination, std::move(*answer));
  if (packet && node.binding_errors.take(now.monotonic)) outputs.packets.push_back(std::move(*packet));
}

}  // namespace mipflow::mobile_node
