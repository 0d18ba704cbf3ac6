// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "acknowledgement.hpp"
#include "binding_cache.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/correspondent-node/correspondent_node.hpp"
#include "mipflow/wire/packet.hpp"
#include "nonces.hpp"

namespace mipflow::correspondent_node {

// The parts of the role that a correspondent registration touches; they are the role's and outlive this reference list.
struct RegistrationParts {
  const Configuration& configuration;
  const Objection& objection;
  Nonces& nonces;
  BindingCache& cache;
  Counters& counters;
};

// Binding Updates, RFC 6275 §9.5, and what becomes of bindings afterwards. The tests come in this order, so that nobody
// without tokens learns about, or changes, a binding; but for H, which the RFC answers to everybody:
//   form (silence) · H (131, 139) · nonces (136, 137, 138) · authenticator (silence) · the home agent's objections (139, …) ·
//   sequence number (135) · for a registration: 174 · 130 · accepted (0);  for a de-registration: accepted (0)
class CorrespondentRegistration {
 public:
  explicit CorrespondentRegistration(RegistrationParts parts) : parts_(parts) {}

  void handle_binding_update(const wire::PacketView& view, const wire::BindingUpdate& update, InterfaceIndex interface,
                             Now now, Outputs& outputs);

  void on_deadline(TimePoint now, Outputs& outputs);
  void note_activities(const BindingActivities& activities, TimePoint now);
  // §9.3.4: an ICMPv6 error that was sent to `receiver`, one of our addresses.
  void handle_error(const wire::Icmpv6Error& error, const Address& receiver, TimePoint now, Outputs& outputs);
  void restore(const std::vector<KeptBinding>& bindings, TimePoint now);
  // Ends what the present configuration does not allow.
  void apply_configuration(TimePoint now, Outputs& outputs);

 private:
  struct Authorization {
    BindingKeyMaterial key;
    TimePoint ends;  // of the first of its nonces: later the same Binding Update is not authorised any more
  };
  struct NotAuthorized {
    std::optional<wire::BindingStatus> status;  // nullopt: silence
    const char* reason;
  };

  void refuse_home_registration(const BindingRequest& request, Outputs& outputs);
  Expected<Authorization, NotAuthorized> authorize(const BindingRequest& request, const wire::NonceIndices& indices,
                                                   BytesView mobility_header, const Binding* known, TimePoint now) const;
  bool pass_sequence(const BindingRequest& request, const Authorization& authorization, const Binding* known,
                     Outputs& outputs);
  void process_registration(const BindingRequest& request, const Authorization& authorization, const Binding* known,
                            TimePoint now, Outputs& outputs);
  void process_deregistration(const BindingRequest& request, const Authorization& authorization, Binding* known,
                              TimePoint now, Outputs& outputs);
  std::optional<Refusal> check_care_of_address(const BindingRequest& request) const;

  void refuse(const BindingRequest& request, const Refusal& refusal, const std::optional<BindingKeyMaterial>& key,
              Outputs& outputs);
  void drop(std::uint64_t& counter, const char* event, const Address& source, const char* reason, Outputs& outputs) const;

  // In binding_life.cpp.
  bool make_room(TimePoint now, Outputs& outputs);
  void end(const BindingKey& key, const char* event, const char* reason, TimePoint now, Outputs& outputs);
  Duration longest_lifetime() const;
  TimePoint first_refresh_request(TimePoint now, TimePoint ends) const;
  void request_refresh(const BindingKey& key, Binding& binding, TimePoint now, Outputs& outputs);

  RegistrationParts parts_;
};

}  // namespace mipflow::correspondent_node
