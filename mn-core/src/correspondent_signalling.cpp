// SPDX-License-Identifier: GPL-3.0-or-later
#include "correspondent_signalling.hpp"

#include <utility>

#include "mipflow/wire/options.hpp"
#include "mipflow/wire/return_routability.hpp"

namespace mipflow::mobile_node {
namespace {

bool is_expired_nonce(wire::BindingStatus status) {
  return status == wire::BindingStatus::ExpiredHomeNonceIndex || status == wire::BindingStatus::ExpiredCareOfNonceIndex ||
         status == wire::BindingStatus::ExpiredNonces;
}

}  // namespace

OutgoingPacket home_test_init(const HomeAddressAndCorrespondent& pair, wire::Cookie cookie,
                              const std::optional<CareOf>& tunnel_from, const Address& home_agent,
                              InterfaceIndex at_home_on) {
  Bytes packet = wire::build_packet({.source = pair.home_address, .destination = pair.correspondent},
                                    wire::MobilityMessage{wire::HomeTestInit{.home_init_cookie = cookie}});
  if (!tunnel_from) return {.packet = std::move(packet), .interface = at_home_on};
  return {.packet = wire::encapsulate(packet, tunnel_from->address, home_agent), .interface = tunnel_from->interface};
}

OutgoingPacket care_of_test_init(const CareOf& care_of, const Address& correspondent, wire::Cookie cookie) {
  return {.packet = wire::build_packet({.source = care_of.address, .destination = correspondent},
                                       wire::MobilityMessage{wire::CareOfTestInit{.care_of_init_cookie = cookie}}),
          .interface = care_of.interface};
}

UpdateWithTokens binding_update(const HomeAddressAndCorrespondent& pair, const CareOf& care_of, const HeldToken& home,
                                const HeldToken& care_of_token, std::uint16_t sequence, std::uint16_t lifetime_units,
                                TimePoint now) {
  const Sha1Digest key = wire::binding_management_key(home.token, care_of_token.token);
  wire::BindingUpdate message;
  message.sequence = sequence;
  message.acknowledge = true;
  message.lifetime_units = lifetime_units;
  message.options.push_back(wire::NonceIndices{home.nonce_index, care_of_token.nonce_index});
  const wire::Envelope envelope{.source = care_of.address,
                                .destination = pair.correspondent,
                                .home_address_option = pair.home_address};
  Bytes header = wire::encode_with_binding_authorization(std::move(message), key, care_of.address, pair.correspondent);
  return {.packet = {.packet = wire::build_packet_from_header(envelope, std::move(header)), .interface = care_of.interface},
          .outstanding = {.sequence = sequence,
                          .sent_at = now,
                          .care_of = care_of,
                          .authenticated_care_of = care_of.address,
                          .lifetime_units = lifetime_units,
                          .key = key}};
}

UpdateWithTokens binding_deletion(const HomeAddressAndCorrespondent& pair, const CareOf& from, const HeldToken& home,
                                  std::uint16_t sequence, TimePoint now) {
  const bool at_home = from.address == pair.home_address;
  const Sha1Digest key = wire::binding_management_key(home.token, std::nullopt);
  wire::BindingUpdate message;
  message.sequence = sequence;
  message.acknowledge = true;
  if (!at_home) message.options.push_back(wire::AlternateCareOfAddress{pair.home_address});
  message.options.push_back(wire::NonceIndices{home.nonce_index, 0});
  wire::Envelope envelope{.source = from.address, .destination = pair.correspondent};
  if (!at_home) envelope.home_address_option = pair.home_address;
  Bytes header = wire::encode_with_binding_authorization(std::move(message), key, pair.home_address, pair.correspondent);
  return {.packet = {.packet = wire::build_packet_from_header(envelope, std::move(header)), .interface = from.interface},
          .outstanding = {.sequence = sequence,
                          .sent_at = now,
                          .care_of = from,
                          .authenticated_care_of = pair.home_address,
                          .lifetime_units = 0,
                          .key = key}};
}

const OutstandingCorrespondentUpdate* answered_update(const CorrespondentRegistration& registration,
                                                      const wire::PacketView& view,
                                                      const wire::BindingAcknowledgement& acknowledgement) {
  // 135 tells the last accepted number instead of the one that it answers.
  const bool tells_sequence = acknowledgement.status != wire::BindingStatus::SequenceNumberOutOfWindow;
  for (auto update = registration.outstanding.rbegin(); update != registration.outstanding.rend(); ++update) {
    if (tells_sequence && update->sequence != acknowledgement.sequence) continue;
    // A correspondent node answers to where the Binding Update came from.
    if (update->care_of.address != view.destination) continue;
    if (is_expired_nonce(acknowledgement.status)) return &*update;
    if (wire::binding_authorization_is_right(view.payload, update->key, update->authenticated_care_of, view.source))
      return &*update;
  }
  return nullptr;
}

}  // namespace mipflow::mobile_node
