// SPDX-License-Identifier: GPL-3.0-or-later
#include "home_registration.hpp"

#include <string>

#include "authentication.hpp"

namespace mipflow::home_agent {

using wire::BindingStatus;

void HomeRegistration::handle_binding_update(const wire::PacketView& view, const wire::BindingUpdate& update,
                                             const PacketReceived& packet, Now now, Outputs& outputs) {
  ++parts_.counters.binding_updates;
  auto read = read_registration_request(view, update, packet);
  if (!read) {
    ++parts_.counters.dropped_malformed;
    outputs.notices.push_back({Severity::Warning, "binding-update-malformed",
                               "dropped a Binding Update from " + to_string(view.source) + ": " + read.error()});
    return;
  }
  RegistrationRequest& request = *read;
  if (!pass_authentication(request, update, view.payload, now, outputs)) return;

  Binding* known = parts_.cache.find(request.home_address);
  if (const auto refusal = check_owner(request, known)) return refuse(request, *refusal, outputs);
  // What is remembered of a former owner says nothing about the sequence numbers of the new one.
  const bool same_owner = known != nullptr && known->primary_home_address == request.primary_home_address;
  const Binding* judged_by = same_owner ? known : nullptr;
  if (!pass_freshness(request, judged_by, now, outputs)) return;
  if (!pass_sequence(request, judged_by, outputs)) return;

  if (!request.home_registration) {
    // RFC 6275 §9.5.1. What asks for a correspondent registration has nonce indices and does not come here.
    if (known != nullptr && known->state == BindingState::Bound)
      refuse(request, {BindingStatus::RegistrationTypeChangeDisallowed, "H is not set"}, outputs);
    else
      drop(parts_.counters.dropped_malformed, "binding-update-without-home-flag", request, "H is not set", outputs);
    return;
  }
  if (parts_.correspondent_node.is_bound({request.home_address, request.destination}))
    return refuse(request, {BindingStatus::RegistrationTypeChangeDisallowed, "there is a correspondent registration"},
                  outputs);
  if (request.asks_to_deregister())
    process_deregistration(request, known, now, outputs);
  else
    process_registration(request, known, now, outputs);
}

bool HomeRegistration::pass_authentication(RegistrationRequest& request, const wire::BindingUpdate& update,
                                           BytesView mobility_header, Now now, Outputs& outputs) {
  Counters& counters = parts_.counters;
  switch (authenticate(request, update, mobility_header, parts_.authorizations,
                       parts_.configuration.accept_unauthenticated_insecure)) {
    case Authentication::Authentic:
      if (!unverified_.empty()) unverified_.verified(*network_access_identifier(update.options), request.spi);
      return true;
    case Authentication::Unprotected:
      return true;
    case Authentication::Missing:
      drop(counters.dropped_unauthenticated, "authenticator-missing", request,
           "it has no authentication option with a mobile node identifier", outputs);
      return false;
    case Authentication::UnknownAssociation:
      drop(counters.dropped_unauthenticated, "security-association-unknown", request,
           "no security association is configured for its identifier and SPI", outputs);
      remember_unverified(request, update, UnverifiedUpdates::Why::UnknownAssociation, now);
      return false;
    case Authentication::AuthenticatorWrong:
      drop(counters.dropped_unauthenticated, "authenticator-wrong", request,
           "its authenticator is wrong: is the key the same at both ends?", outputs);
      remember_unverified(request, update, UnverifiedUpdates::Why::AuthenticatorWrong, now);
      if (refusals_to_strangers_.take(now.monotonic)) {
        ++counters.refused;
        acknowledge(request, {BindingStatus::MipV6AuthFail, request.sequence, 0, request.timestamp}, outputs);
      }
      return false;
  }
  return false;
}

void HomeRegistration::remember_unverified(const RegistrationRequest& request, const wire::BindingUpdate& update,
                                           UnverifiedUpdates::Why why, Now now) {
  unverified_.add(*network_access_identifier(update.options), find_mobile_node_home_agent_option(update.options)->spi, why,
                  request.care_of_address, now.monotonic);
}

bool HomeRegistration::pass_freshness(const RegistrationRequest& request, const Binding* known, Now now,
                                      Outputs& outputs) {
  const auto* mobile_node = mobile_node_of(request);
  if (mobile_node == nullptr) return true;
  // A copy of the Binding Update that is being worked on is no attack: networks duplicate packets.
  if (known != nullptr && known->state == BindingState::DetectingDuplicates &&
      !wire::sequence_is_newer(request.sequence, known->sequence)) {
    ++parts_.counters.replayed;
    return false;
  }
  const std::uint64_t last = known != nullptr ? known->last_timestamp : 0;
  switch (judge_timestamp(request.timestamp, mobile_node->timestamps_required, last, started_.wall,
                          parts_.configuration.timestamp_window, now.wall)) {
    case Freshness::Fresh:
      return true;
    case Freshness::TimestampMissing:
      refuse(request, {BindingStatus::MipV6MesgIdReqd, "the timestamp option is missing"}, outputs);
      return false;
    case Freshness::TimestampWrong:
      drop(parts_.counters.replayed, "timestamp-wrong", request,
           "its timestamp is not close to our clock or not later than the last one", outputs);
      if (refusals_to_strangers_.take(now.monotonic)) {
        ++parts_.counters.refused;
        acknowledge(request,
                    {BindingStatus::MipV6IdMismatch, request.sequence, 0,
                     corrected_timestamp(*request.timestamp, now.wall)},
                    outputs);
      }
      return false;
  }
  return false;
}

// RFC 6275 §9.5.1; the acknowledgement tells the last number accepted, so that a mobile node that lost its own can go on.
bool HomeRegistration::pass_sequence(const RegistrationRequest& request, const Binding* known, Outputs& outputs) {
  if (known == nullptr || wire::sequence_is_newer(request.sequence, known->sequence)) return true;
  ++parts_.counters.replayed;
  if (known->state == BindingState::DetectingDuplicates) return false;
  ++parts_.counters.refused;
  outputs.notices.push_back({Severity::Info, "sequence-number-old",
                             "refused a Binding Update for " + to_string(request.home_address) + ": sequence number " +
                                 std::to_string(request.sequence) + " is not newer than " +
                                 std::to_string(known->sequence)});
  acknowledge(request, {BindingStatus::SequenceNumberOutOfWindow, known->sequence, 0, request.timestamp}, outputs);
  return false;
}

// RFC 6275 §10.3.1
void HomeRegistration::process_registration(const RegistrationRequest& request, Binding* known, Now now,
                                            Outputs& outputs) {
  if (const auto refusal = check_registration(request, known, now.monotonic)) return refuse(request, *refusal, outputs);

  // An address that is bound, or that a secondary may still defend, is ours and needs no second detection; a virtual home link
  // has nobody to ask.
  const InterfaceIndex home_interface = parts_.configuration.home_interface;
  if (home_interface == 0 || (known != nullptr && known->state == BindingState::Bound) ||
      parts_.primary.may_be_elsewhere(request.home_address))
    return accept(request, now, outputs);

  const bool detecting = known != nullptr && known->state == BindingState::DetectingDuplicates;
  remember(request);
  if (detecting)
    parts_.detection.replace(request);
  else
    parts_.detection.start(request, home_interface,
                           now.monotonic + parts_.configuration.duplicate_address_detection_wait, outputs);
}

// RFC 6275 §10.3.2
void HomeRegistration::process_deregistration(const RegistrationRequest& request, Binding* known, Now now,
                                              Outputs& outputs) {
  if (known == nullptr || known->primary_home_address != request.primary_home_address)
    return refuse(request, {BindingStatus::NotHomeAgentForThisMobileNode, "nothing is registered"}, outputs);

  // An entry that is Deleted already gets here when the first acknowledgement was lost: the answer is the same again.
  if (known->state == BindingState::DetectingDuplicates) parts_.detection.take(request.home_address);
  if (known->state == BindingState::Bound) {
    stop_serving(*known, now, outputs);
    changed_ = true;
  }
  remember(request);
  bury(*known, wire::kMaxDeleteBceTimeout, now);
  ++parts_.counters.accepted;
  outputs.notices.push_back(
      {Severity::Info, "binding-deleted", to_string(request.home_address) + " was de-registered"});
  parts_.primary.answer(request.home_address,
                        acknowledgement(request, {BindingStatus::Accepted, request.sequence, 0, request.timestamp}), now, outputs);
}

void HomeRegistration::accept(const RegistrationRequest& request, Now now, Outputs& outputs) {
  const PrefixLifetimes lifetimes = *parts_.prefixes.find(request.home_address, now.monotonic);
  const GrantedLifetime granted =
      grant_lifetime(request.lifetime_units, lifetimes, parts_.configuration.longest_binding_lifetime);

  const Binding* before = parts_.cache.find_bound(request.home_address);
  const bool was_bound = before != nullptr;
  const Address previous = was_bound ? before->care_of_address : Address{};
  const bool defended_link_local = was_bound && before->link_local_address_compatibility;

  Binding& binding = remember(request);
  // Starting to defend the link-local address later would need Duplicate Address Detection; it has to wait for the next
  // registration.
  binding.link_local_address_compatibility =
      request.link_local_address_compatibility && (!was_bound || defended_link_local);
  parts_.cache.enter(binding, BindingState::Bound, now.monotonic + granted.units * wire::kLifetimeUnit);
  if (was_bound) {
    parts_.tunnels.set(binding.home_address, binding.care_of_address, parts_.configuration.home_agent_address,
                       now.monotonic + parts_.configuration.previous_care_of_address_grace);
    tell_primary(binding, now.monotonic, now, outputs);
  } else {
    serve(binding, now.monotonic, now, outputs);
  }

  ++parts_.counters.accepted;
  changed_ = true;
  registered_.push_back(binding.primary_home_address);
  parts_.primary.answer(request.home_address,
                        acknowledgement(request, {granted.status, request.sequence, granted.units, request.timestamp}), now, outputs);
  if (!was_bound)
    outputs.notices.push_back({Severity::Info, "binding-created",
                               to_string(request.home_address) + " is at " + to_string(request.care_of_address)});
  else if (previous != request.care_of_address)
    outputs.notices.push_back({Severity::Info, "binding-moved",
                               to_string(request.home_address) + " moved from " + to_string(previous) + " to " +
                                   to_string(request.care_of_address)});
}

void HomeRegistration::refuse(const RegistrationRequest& request, const Refusal& refusal, Outputs& outputs) {
  ++parts_.counters.refused;
  outputs.notices.push_back({Severity::Info, "binding-refused",
                             "refused a Binding Update for " + to_string(request.home_address) + " from " +
                                 to_string(request.wire_source) + " (" + wire::to_string(refusal.status) +
                                 "): " + refusal.reason});
  acknowledge(request, {refusal.status, request.sequence, 0, request.timestamp}, outputs);
}

OutgoingPacket HomeRegistration::acknowledgement(const RegistrationRequest& request,
                                                 const AcknowledgementContent& content) const {
  return build_acknowledgement(request, content, mobile_node_of(request), parts_.configuration.home_interface);
}

void HomeRegistration::acknowledge(const RegistrationRequest& request, const AcknowledgementContent& content,
                                   Outputs& outputs) const {
  outputs.packets.push_back(acknowledgement(request, content));
}

void HomeRegistration::drop(std::uint64_t& counter, const char* event, const RegistrationRequest& request,
                            const char* reason, Outputs& outputs) const {
  ++counter;
  outputs.notices.push_back({Severity::Warning, event,
                             "a Binding Update for " + to_string(request.home_address) + " from " +
                                 to_string(request.wire_source) + " changes nothing: " + reason});
}

void HomeRegistration::handle_duplicate(const Address& target, Now now, Outputs& outputs) {
  for (const Address& home_address : parts_.detection.conflicting(target)) {
    refuse_waiting(home_address,
                   {BindingStatus::DuplicateAddressDetectionFailed, "a node on the home link has the address"}, now,
                   outputs);
    duplicates_.push_back(home_address);
  }
}

void HomeRegistration::finish_detection(const Address& home_address, Now now, Outputs& outputs) {
  const RegistrationRequest* request = parts_.detection.waiting(home_address);
  if (request == nullptr) return;
  // The world went on while duplicates were looked for: the prefix may have ended, the care-of address may be bound now.
  const Binding* known = parts_.cache.find(home_address);
  if (const auto refusal = check_registration(*request, known, now.monotonic))
    return refuse_waiting(home_address, *refusal, now, outputs);
  accept(*parts_.detection.take(home_address), now, outputs);
}

void HomeRegistration::refuse_waiting(const Address& home_address, const Refusal& refusal, Now now, Outputs& outputs) {
  const auto request = parts_.detection.take(home_address);
  if (!request) return;
  refuse(*request, refusal, outputs);
  bury(*parts_.cache.find(home_address), wire::kMaxDeleteBceTimeout, now);
}

}  // namespace mipflow::home_agent
