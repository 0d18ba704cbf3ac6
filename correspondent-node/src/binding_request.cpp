// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/correspondent-node/binding_request.hpp"

namespace mipflow::correspondent_node {

Expected<BindingRequest, const char*> read_binding_request(const wire::PacketView& view, const wire::BindingUpdate& update,
                                                           InterfaceIndex interface) {
  BindingRequest request;
  request.home_address = view.logical_source();
  request.wire_source = view.source;
  request.destination = view.destination;
  request.has_home_address_option = view.home_address_option.has_value();
  request.interface = interface;
  const auto* alternate = wire::find_option<wire::AlternateCareOfAddress>(update.options);
  request.care_of_address = alternate != nullptr ? alternate->care_of_address : view.source;
  request.sequence = update.sequence;
  request.lifetime_units = update.lifetime_units;
  request.acknowledge = update.acknowledge;
  request.home_registration = update.home_registration;

  if (view.source.is_unspecified() || view.source.is_multicast() || view.source.is_loopback())
    return Unexpected{"the source is no unicast address"};
  if (!request.home_address.is_unicast_routable()) return Unexpected{"the home address is not unicast routable"};
  if (!request.care_of_address.is_unicast_routable()) return Unexpected{"the care-of address is not unicast routable"};
  return request;
}

wire::Envelope acknowledgement_envelope(const BindingRequest& request) {
  wire::Envelope envelope{request.destination, request.wire_source};
  if (request.has_home_address_option && !request.sent_from_home())
    envelope.routing_header_home_address = request.home_address;
  return envelope;
}

}  // namespace mipflow::correspondent_node
