// SPDX-License-Identifier: GPL-3.0-or-later
#include "correspondent_registration.hpp"

#include <algorithm>
#include <string>

#include "mipflow/wire/return_routability.hpp"

namespace mipflow::correspondent_node {

using wire::BindingStatus;

namespace {

BindingKey key_of(const BindingRequest& request) { return {request.home_address, request.destination}; }

}  // namespace

// RFC 6275 §9.5.1
void CorrespondentRegistration::handle_binding_update(const wire::PacketView& view, const wire::BindingUpdate& update,
                                                      InterfaceIndex interface, Now now, Outputs& outputs) {
  Counters& counters = parts_.counters;
  ++counters.binding_updates;
  const auto malformed = [&](const char* reason) {
    drop(counters.dropped_malformed, "binding-update-malformed", view.source, reason, outputs);
  };
  const auto read = read_binding_request(view, update, interface);
  if (!read) return malformed(read.error());
  const BindingRequest& request = *read;
  if (!request.destination.is_unicast_routable()) return malformed("it was not sent to a unicast routable address");
  const auto* indices = wire::find_option<wire::NonceIndices>(update.options);
  if (request.home_registration) {
    if (indices != nullptr) return malformed("a home registration carries nonce indices");
    return refuse_home_registration(request, outputs);
  }
  if (indices == nullptr) return malformed("the Nonce Indices option is missing");
  if (wire::find_option<wire::BindingAuthorizationData>(update.options) == nullptr)
    return malformed("the Binding Authorization Data option is missing");

  Binding* known = parts_.cache.find(key_of(request));
  const auto authorization = authorize(request, *indices, view.payload, known, now.monotonic);
  if (!authorization) {
    const NotAuthorized& why = authorization.error();
    if (why.status) return refuse(request, {*why.status, why.reason}, std::nullopt, outputs);
    return drop(counters.dropped_unauthenticated, "authenticator-wrong", view.source, why.reason, outputs);
  }
  if (parts_.objection)
    if (const auto objection = parts_.objection(request, now.monotonic))
      return refuse(request, *objection, authorization->key, outputs);
  if (!pass_sequence(request, *authorization, known, outputs)) return;
  if (request.asks_to_deregister())
    process_deregistration(request, *authorization, known, now.monotonic, outputs);
  else
    process_registration(request, *authorization, known, now.monotonic, outputs);
}

// H is not for us. There is no key that the answer could be authenticated with.
void CorrespondentRegistration::refuse_home_registration(const BindingRequest& request, Outputs& outputs) {
  if (parts_.cache.find_bound(key_of(request)) != nullptr)
    refuse(request, {BindingStatus::RegistrationTypeChangeDisallowed, "H is set, but it is no home registration"},
           std::nullopt, outputs);
  else
    refuse(request, {BindingStatus::HomeRegistrationNotSupported, "this node is no home agent"}, std::nullopt, outputs);
}

// RFC 6275 §5.2.6
Expected<CorrespondentRegistration::Authorization, CorrespondentRegistration::NotAuthorized>
CorrespondentRegistration::authorize(const BindingRequest& request, const wire::NonceIndices& indices,
                                     BytesView mobility_header, const Binding* known, TimePoint now) const {
  const TimePoint void_until = known != nullptr ? known->nonces_void_until : parts_.cache.forgotten_until();
  const auto find = [&](std::uint16_t index) {
    auto nonce = parts_.nonces.find(index, now);
    if (nonce && nonce->ends <= void_until) nonce.reset();
    return nonce;
  };
  const auto home = find(indices.home_nonce_index);
  const auto care_of = find(indices.care_of_nonce_index);
  const bool needs_care_of = !request.asks_to_deregister();
  if (!home && !care_of && needs_care_of)
    return Unexpected{NotAuthorized{BindingStatus::ExpiredNonces, "both nonce indices are unknown or too old"}};
  if (!home) return Unexpected{NotAuthorized{BindingStatus::ExpiredHomeNonceIndex, "the home nonce index is unknown or too old"}};
  if (!care_of && needs_care_of)
    return Unexpected{NotAuthorized{BindingStatus::ExpiredCareOfNonceIndex, "the care-of nonce index is unknown or too old"}};

  const auto home_token = parts_.nonces.token(TokenKind::Home, request.home_address, *home);
  const auto is_right = [&](const BindingKeyMaterial& candidate) {
    return wire::binding_authorization_is_right(mobility_header, candidate.key, candidate.care_of_address,
                                                request.destination);
  };
  if (needs_care_of) {
    const auto care_of_token = parts_.nonces.token(TokenKind::CareOf, request.care_of_address, *care_of);
    const BindingKeyMaterial key{wire::binding_management_key(home_token, care_of_token), request.care_of_address};
    if (is_right(key)) return Authorization{key, std::min(home->ends, care_of->ends)};
  } else {
    // §6.2.7 wants the home address in the place of the care-of address when a binding is deleted. Other mobile nodes are
    // known to take the care-of address of the message; the key says who they are either way.
    const Sha1Digest kbm = wire::binding_management_key(home_token, std::nullopt);
    for (const Address& address : {request.home_address, request.care_of_address})
      if (is_right({kbm, address})) return Authorization{{kbm, address}, home->ends};
  }
  return Unexpected{NotAuthorized{std::nullopt, "its authenticator is wrong"}};
}

// RFC 6275 §9.5.1, §9.5.3
bool CorrespondentRegistration::pass_sequence(const BindingRequest& request, const Authorization& authorization,
                                              const Binding* known, Outputs& outputs) {
  if (known == nullptr || wire::sequence_is_newer(request.sequence, known->sequence)) return true;
  // Without a binding any number will do, unless the message could be one that was taken already.
  if (known->state == BindingState::Deleted && authorization.ends > known->replayable_until) return true;
  ++parts_.counters.refused;
  outputs.notices.push_back({Severity::Info, "sequence-number-old",
                             "refused a Binding Update for " + to_string(request.home_address) + ": sequence number " +
                                 std::to_string(request.sequence) + " is not newer than " +
                                 std::to_string(known->sequence)});
  outputs.packets.push_back(build_acknowledgement(
      request, {BindingStatus::SequenceNumberOutOfWindow, known->sequence, 0}, authorization.key));
  return false;
}

// No rule of RFC 6275 says when status 174 is due. These care-of addresses would send packets round in a circle.
std::optional<Refusal> CorrespondentRegistration::check_care_of_address(const BindingRequest& request) const {
  if (request.care_of_address == request.home_address)
    return Refusal{BindingStatus::InvalidCareOfAddress, "the care-of address is the home address"};
  if (request.care_of_address == request.destination)
    return Refusal{BindingStatus::InvalidCareOfAddress, "the care-of address is our own"};
  if (parts_.cache.find_bound({request.care_of_address, request.destination}) != nullptr)
    return Refusal{BindingStatus::InvalidCareOfAddress, "the care-of address is a home address that is bound here"};
  return std::nullopt;
}

// RFC 6275 §9.5.2
void CorrespondentRegistration::process_registration(const BindingRequest& request, const Authorization& authorization,
                                                     const Binding* known, TimePoint now, Outputs& outputs) {
  if (const auto refusal = check_care_of_address(request)) return refuse(request, *refusal, authorization.key, outputs);
  const bool was_bound = known != nullptr && known->state == BindingState::Bound;
  if (!was_bound && !make_room(now, outputs))
    return refuse(request, {BindingStatus::InsufficientResources, "the Binding Cache is full"}, authorization.key, outputs);

  const auto most = std::max<Duration::rep>(1, longest_lifetime() / wire::kLifetimeUnit);
  const auto units = static_cast<std::uint16_t>(std::min<Duration::rep>(request.lifetime_units, most));
  const TimePoint ends = now + units * wire::kLifetimeUnit;
  const Address before = was_bound ? known->care_of_address : Address{};
  parts_.cache.bind(key_of(request),
                    {.care_of_address = request.care_of_address,
                     .sequence = request.sequence,
                     .ends = ends,
                     .replayable_until = authorization.ends,
                     .keep_previous_until = now + parts_.configuration.previous_care_of_address_grace,
                     .first_refresh_request = first_refresh_request(now, ends)},
                    now);
  ++parts_.counters.accepted;
  if (request.acknowledge)
    outputs.packets.push_back(
        build_acknowledgement(request, {BindingStatus::Accepted, request.sequence, units}, authorization.key));
  if (!was_bound)
    outputs.notices.push_back({Severity::Info, "correspondent-binding-created",
                               to_string(request.home_address) + " is at " + to_string(request.care_of_address) + " for " +
                                   to_string(request.destination)});
  else if (before != request.care_of_address)
    outputs.notices.push_back({Severity::Info, "correspondent-binding-moved",
                               to_string(request.home_address) + " moved from " + to_string(before) + " to " +
                                   to_string(request.care_of_address) + " for " + to_string(request.destination)});
}

// RFC 6275 §9.5.3. Where nothing is bound there is nothing to do, and that is what the mobile node wants to hear.
void CorrespondentRegistration::process_deregistration(const BindingRequest& request, const Authorization& authorization,
                                                       Binding* known, TimePoint now, Outputs& outputs) {
  ++parts_.counters.accepted;
  if (known != nullptr) {
    parts_.cache.remember(*known, request.sequence, authorization.ends);
    end(key_of(request), "correspondent-binding-deleted", "the mobile node asked for it", now, outputs);
  }
  if (request.acknowledge)
    outputs.packets.push_back(
        build_acknowledgement(request, {BindingStatus::Accepted, request.sequence, 0}, authorization.key));
}

void CorrespondentRegistration::refuse(const BindingRequest& request, const Refusal& refusal,
                                       const std::optional<BindingKeyMaterial>& key, Outputs& outputs) {
  ++parts_.counters.refused;
  outputs.notices.push_back({Severity::Info, "correspondent-binding-refused",
                             "refused a Binding Update for " + to_string(request.home_address) + " from " +
                                 to_string(request.wire_source) + " (" + wire::to_string(refusal.status) +
                                 "): " + refusal.reason});
  outputs.packets.push_back(build_acknowledgement(request, {refusal.status, request.sequence, 0}, key));
}

void CorrespondentRegistration::drop(std::uint64_t& counter, const char* event, const Address& source,
                                     const char* reason, Outputs& outputs) const {
  ++counter;
  outputs.notices.push_back(
      {Severity::Warning, event, "dropped a Binding Update from " + to_string(source) + ": " + reason});
}

}  // namespace mipflow::correspondent_node
