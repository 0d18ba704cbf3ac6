// SPDX-License-Identifier: GPL-3.0-or-later
#include "service_gate.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "authentication.hpp"
#include "mipflow/wire/authentication.hpp"

namespace mipflow::home_agent {

std::optional<ServicePeer> ServiceGate::admit(const wire::AgentServiceMessage& message, const wire::PacketView& view,
                                              Now now, Outputs& outputs) {
  ServicePeer peer;
  const char* wrong = objection(message, view, peer, now);
  if (wrong == nullptr) return peer;
  ++parts_.counters.service_refused;
  outputs.notices.push_back({Severity::Warning, "service-request-refused",
                             "dropped a request for the address and policy service from " + to_string(view.source) + ": " + wrong});
  return std::nullopt;
}

bool ServiceGate::find_sender(const wire::PacketView& view, ServicePeer& peer) const {
  peer.mobile_node = view.home_address_option.value_or(view.source);
  peer.care_of_address = view.source;
  const Binding* binding = parts_.cache.find_bound(peer.mobile_node);
  if (!view.home_address_option) return binding == nullptr && parts_.authorizations.is_primary(view.source);
  return binding != nullptr && binding->care_of_address == view.source && binding->primary_home_address == binding->home_address;
}

const char* ServiceGate::objection(const wire::AgentServiceMessage& message, const wire::PacketView& view, ServicePeer& peer,
                                   Now now) {
  if (!find_sender(view, peer)) return "it does not come from where a primary home address is bound, nor from one that is at home";
  const Binding* binding = parts_.cache.find_bound(peer.mobile_node);
  if (binding != nullptr && binding->spi == 0)
    return parts_.configuration.accept_unauthenticated_insecure ? nullptr : "its binding is not authenticated";

  const auto* option = find_mobile_node_home_agent_option(message.options);
  if (option == nullptr) return "it has no authentication option";
  peer.authorization = parts_.authorizations.find(peer.mobile_node, option->spi);
  if (peer.authorization == nullptr) return "no security association is configured for its SPI";
  if (!wire::authenticator_is_right(view.payload, option->spi, key_for(*peer.authorization, peer.mobile_node), view.source,
                                    peer.mobile_node))
    return "its authenticator is wrong: is the key the same at both ends?";

  if (const auto* replay = wire::find_option<wire::ReplayProtection>(message.options)) peer.timestamp = replay->ntp_timestamp;
  Sender& sender = senders_[peer.mobile_node];
  const Duration window = parts_.configuration.timestamp_window;
  // Half a window more than a replay could live.
  quiet_.set(peer.mobile_node, now.monotonic + 2 * window + window / 2);
  if (judge_timestamp(peer.timestamp, peer.authorization->timestamps_required, sender.last_timestamp, started_.wall, window,
                      now.wall) != Freshness::Fresh)
    return "its timestamp is missing, not close to our clock or not later than the last one";
  if (peer.timestamp) sender.last_timestamp = *peer.timestamp;
  return sender.requests.take(now.monotonic) ? nullptr : "its sender asks too often";
}

std::optional<ServicePeer> ServiceGate::find(const Address& mobile_node) const {
  const Binding* binding = parts_.cache.find_bound(mobile_node);
  if (binding == nullptr || binding->primary_home_address != mobile_node) return std::nullopt;
  ServicePeer peer{.mobile_node = mobile_node, .care_of_address = binding->care_of_address};
  if (binding->spi == 0) return peer;
  peer.authorization = parts_.authorizations.find(mobile_node, binding->spi);
  if (peer.authorization == nullptr) return std::nullopt;
  return peer;
}

std::uint64_t ServiceGate::next_timestamp(Now now) {
  // One far beyond the clock means that the clock was set back.
  const bool clock_was_set_back = last_sent_timestamp_ > wire::ntp_timestamp(now.wall + parts_.configuration.timestamp_window);
  const std::uint64_t present = wire::ntp_timestamp(now.wall);
  last_sent_timestamp_ = clock_was_set_back ? present : std::max(present, last_sent_timestamp_ + 1);
  return last_sent_timestamp_;
}

void ServiceGate::send(const ServicePeer& to, wire::AgentServiceMessage message, Now now, Outputs& outputs) {
  wire::Envelope envelope{.source = parts_.configuration.home_agent_address, .destination = to.care_of_address};
  if (to.care_of_address != to.mobile_node) envelope.routing_header_home_address = to.mobile_node;
  if (to.authorization == nullptr) {
    outputs.packets.push_back({.packet = wire::build_packet(envelope, wire::MobilityMessage{std::move(message)})});
    return;
  }
  const Bytes key = key_for(*to.authorization, to.mobile_node);
  outputs.packets.push_back(
      {.packet = wire::build_packet_from_header(
           envelope, wire::encode_authenticated(std::move(message),
                                                {.association = to.authorization->security_association,
                                                 .key = key,
                                                 .care_of_address = to.care_of_address,
                                                 .home_address = to.mobile_node,
                                                 .timestamp = to.timestamp ? *to.timestamp : next_timestamp(now),
                                                 .with_identifier = false}))});
}

void ServiceGate::on_deadline(TimePoint now) {
  while (const auto mobile_node = quiet_.take_due(now)) senders_.erase(*mobile_node);
}

}  // namespace mipflow::home_agent
