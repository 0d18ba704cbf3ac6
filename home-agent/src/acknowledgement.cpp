// SPDX-License-Identifier: GPL-3.0-or-later
#include "acknowledgement.hpp"

#include "mipflow/wire/authentication.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::home_agent {

OutgoingPacket build_acknowledgement(const RegistrationRequest& request, const AcknowledgementContent& content,
                                     const MobileNodeAuthorization* mobile_node, InterfaceIndex home_interface) {
  wire::BindingAcknowledgement acknowledgement;
  acknowledgement.status = content.status;
  acknowledgement.sequence = content.sequence;
  acknowledgement.lifetime_units = content.lifetime_units;

  const wire::Envelope envelope = correspondent_node::acknowledgement_envelope(request);
  OutgoingPacket out;
  if (mobile_node == nullptr) {
    out.packet = wire::build_packet(envelope, acknowledgement);
  } else {
    const Bytes key = key_for(*mobile_node, request.home_address);
    out.packet = wire::build_packet_from_header(
        envelope, wire::encode_authenticated(acknowledgement, {.association = mobile_node->security_association,
                                                               .key = key,
                                                               .care_of_address = request.care_of_address,
                                                               .home_address = request.home_address,
                                                               .timestamp = content.timestamp.value_or(0),
                                                               .with_identifier = false,
                                                               .with_timestamp = content.timestamp.has_value()}));
  }
  // RFC 6275 §10.3.2: at home the answer goes to the frame's sender. Resolving the home address would find ourselves,
  // who answer for it, and routing would take the packet into the tunnel.
  const bool on_home_link = request.sent_from_home() && home_interface != 0 && request.interface == home_interface;
  if (on_home_link) {
    out.interface = home_interface;
    out.link_layer_destination = request.link_layer_source;
  } else if (request.wire_source.is_link_local()) {
    out.interface = request.interface;
  }
  return out;
}

}  // namespace mipflow::home_agent
