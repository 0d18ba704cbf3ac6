// SPDX-License-Identifier: GPL-3.0-or-later
#include "home_agent_signalling.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "mipflow/wire/authentication.hpp"
#include "mipflow/wire/options.hpp"

namespace mipflow::mobile_node {

OutstandingUpdate HomeAgentSignalling::send_binding_update(const BindingUpdateListEntry& entry, const CareOf& care_of,
                                                           std::uint16_t sequence, std::uint16_t lifetime_units, Now now,
                                                           Outputs& outputs) {
  const Address& home_address = entry.home_address;
  const bool at_home = care_of.address == home_address;
  OutstandingUpdate update{.sequence = sequence,
                           .timestamp = security_.required() ? security_.next_timestamp(now) : 0,
                           .sent_at = now.monotonic,
                           .care_of = care_of,
                           .lifetime_units = lifetime_units};

  wire::BindingUpdate message;
  message.sequence = sequence;
  message.acknowledge = true;
  message.home_registration = true;
  const auto link_local = movement_.link_local(care_of.interface);
  message.link_local_address_compatibility =
      link_local && *link_local == link_local_with_same_interface_identifier(home_address);
  message.lifetime_units = lifetime_units;
  if (!at_home) message.options.push_back(wire::AlternateCareOfAddress{care_of.address});

  wire::Envelope envelope{.source = care_of.address, .destination = entry.peer};
  if (!at_home) envelope.home_address_option = home_address;

  OutgoingPacket out{.packet = {}, .interface = care_of.interface};
  if (security_.required()) {
    const wire::AuthenticationInput input{.association = security_.association(),
                                          .key = security_.key_for(home_address),
                                          .care_of_address = care_of.address,
                                          .home_address = home_address,
                                          .timestamp = update.timestamp,
                                          .with_identifier = true};
    out.packet = wire::build_packet_from_header(envelope, wire::encode_authenticated(std::move(message), input));
  } else {
    out.packet = wire::build_packet(envelope, wire::MobilityMessage{std::move(message)});
  }
  if (at_home) out.link_layer_destination = home_agent_link_layer_;
  outputs.packets.push_back(std::move(out));
  return update;
}

void HomeAgentSignalling::send_mobile_prefix_solicitation(std::uint16_t identifier, const CareOf& care_of, Now now,
                                                          Outputs& outputs) {
  const Address& home_address = configuration_.primary_home_address;
  const wire::Envelope envelope{.source = care_of.address,
                                .destination = home_agent_,
                                .home_address_option = home_address};
  const wire::MobilePrefixSolicitation message{.identifier = identifier, .authentication = std::nullopt};
  OutgoingPacket out{.packet = {}, .interface = care_of.interface};
  if (security_.required()) {
    const Bytes signed_message = wire::encode_signed(
        message, security_.association().spi, security_.key_for(home_address), security_.next_timestamp(now), care_of.address,
        home_address, home_agent_, home_address, home_agent_);
    out.packet = wire::build_packet_around(envelope, kProtocolIcmpv6, signed_message);
  } else {
    out.packet = wire::build_packet(envelope, wire::Icmpv6Message{message});
  }
  outputs.packets.push_back(std::move(out));
}

std::uint64_t HomeAgentSignalling::send_agent_service(wire::AgentServiceMessage message, const CareOf& care_of, Now now,
                                                      Outputs& outputs) {
  const Address& home_address = configuration_.primary_home_address;
  wire::Envelope envelope{.source = care_of.address, .destination = home_agent_};
  OutgoingPacket out{.packet = {}, .interface = care_of.interface};
  if (care_of.address == home_address)
    out.link_layer_destination = home_agent_link_layer_;
  else
    envelope.home_address_option = home_address;
  std::uint64_t timestamp = 0;
  if (security_.required()) {
    timestamp = security_.next_timestamp(now);
    const wire::AuthenticationInput input{.association = security_.association(),
                                          .key = security_.key_for(home_address),
                                          .care_of_address = care_of.address,
                                          .home_address = home_address,
                                          .timestamp = timestamp,
                                          .with_identifier = true};
    out.packet = wire::build_packet_from_header(envelope, wire::encode_authenticated(std::move(message), input));
  } else {
    out.packet = wire::build_packet(envelope, wire::MobilityMessage{std::move(message)});
  }
  outputs.packets.push_back(std::move(out));
  return timestamp;
}

Expected<HomeAgentSignalling::Judged, const char*> HomeAgentSignalling::judge(
    const wire::PacketView& view, const wire::BindingAcknowledgement& acknowledgement, const BindingUpdateListEntry& entry) {
  if (view.source != entry.peer) return Unexpected{"acknowledgement-from-stranger"};
  // The home agent answers to where the Binding Update came from (RFC 6275 §9.5.4), so the destination on the wire is the
  // care-of address that the authenticator covers.
  const Address& care_of_address = view.destination;
  if (security_.required() &&
      !wire::authenticator_is_right(view.payload, security_.association().spi, security_.key_for(entry.home_address),
                                    care_of_address, entry.home_address))
    return Unexpected{"acknowledgement-authenticator-wrong"};

  const auto* replay = wire::find_option<wire::ReplayProtection>(acknowledgement.options);
  const std::uint64_t returned = replay == nullptr ? 0 : replay->ntp_timestamp;
  // 135 carries the last accepted sequence number instead of the one it answers, 144 the home agent's clock in the high
  // half of the timestamp. Everything else tells exactly which Binding Update it is about.
  const bool tells_sequence = acknowledgement.status != wire::BindingStatus::SequenceNumberOutOfWindow;
  const bool tells_clock = acknowledgement.status == wire::BindingStatus::MipV6IdMismatch;
  // A home agent that could not judge the timestamp has none to return.
  const bool may_lack_timestamp = acknowledgement.status == wire::BindingStatus::MipV6MesgIdReqd ||
                                  acknowledgement.status == wire::BindingStatus::MipV6AuthFail;
  for (auto update = entry.outstanding.rbegin(); update != entry.outstanding.rend(); ++update) {
    if (update->care_of.address != care_of_address) continue;
    if (tells_sequence && update->sequence != acknowledgement.sequence) continue;
    if (security_.required()) {
      const std::uint64_t differing_bits = returned ^ update->timestamp;
      const bool right = tells_clock ? (differing_bits & 0xffff'ffffULL) == 0 : differing_bits == 0;
      if (!right && !(may_lack_timestamp && replay == nullptr)) continue;
    }
    return Judged{*update, returned};
  }
  return Unexpected{"acknowledgement-unexpected"};
}

const char* HomeAgentSignalling::judge(const wire::PacketView& view, const wire::MobilePrefixAdvertisement& advertisement) {
  if (view.source != home_agent_) return "prefix-advertisement-from-stranger";
  // RFC 6275 §11.4.3: without a type 2 routing header it was not meant for a mobile node.
  if (!view.routing_header_home_address) return "prefix-advertisement-unexpected";
  if (!security_.required()) return nullptr;
  const Address& home_address = *view.routing_header_home_address;
  if (!advertisement.authentication ||
      !wire::prefix_authenticator_is_right(view.payload, security_.association().spi, security_.key_for(home_address),
                                           view.destination, home_address, home_agent_))
    return "prefix-advertisement-authenticator-wrong";
  return nullptr;
}

const char* HomeAgentSignalling::judge(const wire::PacketView& view, const wire::AgentServiceMessage&) {
  if (view.source != home_agent_) return "agent-service-from-stranger";
  const Address& home_address = configuration_.primary_home_address;
  if (view.logical_destination() != home_address) return "agent-service-unexpected";
  if (security_.required() &&
      !wire::authenticator_is_right(view.payload, security_.association().spi, security_.key_for(home_address),
                                    view.destination, home_address))
    return "agent-service-authenticator-wrong";
  return nullptr;
}

std::uint16_t HomeAgentSignalling::lifetime_units(TimePoint home_address_valid_until, const CareOf& care_of,
                                                  TimePoint now) const {
  Duration lifetime = configuration_.requested_lifetime;
  for (const TimePoint end : {home_address_valid_until, movement_.valid_until(care_of)})
    if (end != kNever) lifetime = std::min(lifetime, end - now);
  const auto units = std::clamp<Duration::rep>(lifetime / wire::kLifetimeUnit, 0, std::numeric_limits<std::uint16_t>::max());
  return static_cast<std::uint16_t>(units);
}

}  // namespace mipflow::mobile_node
