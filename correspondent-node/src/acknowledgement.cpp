// SPDX-License-Identifier: GPL-3.0-or-later
#include "acknowledgement.hpp"

#include "mipflow/wire/packet.hpp"
#include "mipflow/wire/return_routability.hpp"

namespace mipflow::correspondent_node {

OutgoingPacket build_acknowledgement(const BindingRequest& request, const AcknowledgementContent& content,
                                     const std::optional<BindingKeyMaterial>& key) {
  wire::BindingAcknowledgement acknowledgement;
  acknowledgement.status = content.status;
  acknowledgement.sequence = content.sequence;
  acknowledgement.lifetime_units = content.lifetime_units;

  const wire::Envelope envelope = acknowledgement_envelope(request);
  OutgoingPacket out;
  out.packet = key ? wire::build_packet_from_header(
                         envelope, wire::encode_with_binding_authorization(acknowledgement, key->key, key->care_of_address,
                                                                           request.destination))
                   : wire::build_packet(envelope, acknowledgement);
  if (request.wire_source.is_link_local()) out.interface = request.interface;
  return out;
}

}  // namespace mipflow::correspondent_node
