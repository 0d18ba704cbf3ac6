// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/correspondent-node/error_reports.hpp"

#include "mipflow/wire/constants.hpp"

namespace mipflow::correspondent_node {

namespace {

bool may_be_answered(const wire::PacketView& offender) {
  return !offender.source.is_unspecified() && !offender.source.is_multicast() && !offender.source.is_loopback() &&
         !offender.destination.is_multicast();
}

// Link-local addresses mean something on their link only.
InterfaceIndex interface_towards(const Address& destination, InterfaceIndex arrival) {
  return destination.is_link_local() ? arrival : 0;
}

}  // namespace

void ErrorReports::send_binding_error(wire::BindingErrorStatus status, const wire::PacketView& offender,
                                      InterfaceIndex interface, TimePoint now, Outputs& outputs) {
  if (!may_be_answered(offender) || !bucket_.take(now)) return;
  wire::BindingError error;
  error.status = status;
  error.home_address = offender.home_address_option.value_or(Address{});
  outputs.packets.push_back({.packet = wire::build_packet({offender.destination, offender.source}, error),
                             .interface = interface_towards(offender.source, interface)});
}

void ErrorReports::answer_undecodable(const wire::DecodeError& error, const PacketReceived& packet,
                                      TimePoint now, Outputs& outputs) {
  const auto view = wire::parse_packet(packet.packet);
  if (!view) return;
  switch (error.kind) {
    case wire::DecodeErrorKind::UnknownMobilityType:
      send_binding_error(wire::BindingErrorStatus::UnrecognizedMobilityType, *view, packet.interface, now, outputs);
      return;
    case wire::DecodeErrorKind::PayloadProtoWrong:
    case wire::DecodeErrorKind::HeaderLenTooSmall:
      send_parameter_problem(error, *view, packet, now, outputs);
      return;
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
    case wire::DecodeErrorKind::NotMobileIpv6:
      return;
  }
}

void ErrorReports::send_parameter_problem(const wire::DecodeError& error, const wire::PacketView& offender,
                                          const PacketReceived& packet, TimePoint now, Outputs& outputs) {
  if (!may_be_answered(offender) || !bucket_.take(now)) return;
  constexpr std::uint8_t kErroneousHeaderField = 0;
  outputs.packets.push_back(
      {.packet = wire::build_icmpv6_error(offender.destination, offender.source, wire::kIcmpv6ParameterProblem,
                                    kErroneousHeaderField, static_cast<std::uint32_t>(error.offset), packet.packet),
       .interface = interface_towards(offender.source, packet.interface)});
}

}  // namespace mipflow::correspondent_node
