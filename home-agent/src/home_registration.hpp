// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "acknowledgement.hpp"
#include "address_leases.hpp"
#include "authorizations.hpp"
#include "binding_cache.hpp"
#include "duplicate_address_detection.hpp"
#include "home_prefixes.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/token_bucket.hpp"
#include "mipflow/home-agent/home_agent.hpp"
#include "neighbour_defence.hpp"
#include "registration_request.hpp"
#include "sharing/interception.hpp"
#include "sharing/primary.hpp"
#include "tunnels.hpp"
#include "unverified_updates.hpp"

namespace mipflow::home_agent {

// The parts of the role that a home registration touches; they are the role's and outlive this reference list.
struct RegistrationParts {
  const Configuration& configuration;
  const Authorizations& authorizations;
  const HomePrefixes& prefixes;
  BindingCache& cache;
  const AddressLeases& leases;
  DuplicateAddressDetection& detection;
  const NeighbourDefence& defence;
  Interception& interception;
  Primary& primary;  // who intercepts what is sent to a bound home address: this home agent, or a secondary
  Tunnels& tunnels;
  Counters& counters;
  const correspondent_node::CorrespondentNode& correspondent_node;
};

// Home registration and de-registration, RFC 6275 §9.5 and §10.3. The tests come in this order, so that nobody without
// the key can provoke an answer about, or a change of, a binding:
//   form (silence) · authenticator (silence, 146) · home address of another mobile node (134, 133) ·
//   timestamp (144, 145) · sequence number (135) · registration type (139) · for a registration:
//   131 · 132 · 129 · 174 · 130 · duplicates (134) · accepted (0, 1);  for a de-registration: 133 · accepted (0)
class HomeRegistration {
 public:
  HomeRegistration(RegistrationParts parts, Now started) : parts_(parts), started_(started) {}

  void handle_binding_update(const wire::PacketView& view, const wire::BindingUpdate& update,
                             const PacketReceived& packet, Now now, Outputs& outputs);
  // Somebody on the home link was seen with the address.
  void handle_duplicate(const Address& target, Now now, Outputs& outputs);
  void on_deadline(Now now, Outputs& outputs);
  TimePoint next_deadline() const;

  // Takes up a binding of before a restart; false when the configuration does not allow it (any more). The n-th one is
  // announced to the home link a moment after the one before it, so that a million of them do not flood it.
  bool restore(const PersistedBinding& persisted, std::size_t position, Now now, Outputs& outputs);
  // Ends what the present configuration does not allow, shortens lifetimes to those of the prefixes and tunnels
  // the rest from the home agent's present address.
  void apply_configuration(Now now, Outputs& outputs);

  // The home agent stands on another link, or by another address on it: everything is defended there from now on, and
  // duplicates are looked for anew.
  void move_to_home_link(const HomeLink& link, Now now, Outputs& outputs);

  // Mobile nodes, by primary home address, that registered, or lost a binding, since the last call: they may be owed prefix
  // information, or nothing any more.
  std::vector<Address> take_registered() { return std::exchange(registered_, {}); }
  struct Ended {
    Address mobile_node;  // primary home address
    Address home_address;
  };
  std::vector<Ended> take_ended() { return std::exchange(ended_, {}); }
  // Home addresses that another node on the home link turned out to have.
  std::vector<Address> take_duplicates() { return std::exchange(duplicates_, {}); }
  // The home address may not be used any more.
  void end_binding(const Address& home_address, Now now, Outputs& outputs);
  // Something that has to survive a restart changed.
  bool changed() const { return changed_; }
  void clear_changed() { changed_ = false; }
  const UnverifiedUpdates& unverified() const { return unverified_; }

 private:
  struct Refusal {
    wire::BindingStatus status;
    const char* reason;
  };

  // The tests, in registration_checks.cpp; nullopt when passed.
  std::optional<Refusal> check_owner(const RegistrationRequest& request, const Binding* known) const;
  std::optional<Refusal> check_registration(const RegistrationRequest& request, const Binding* known, TimePoint now) const;
  std::optional<Refusal> check_home_address(const RegistrationRequest& request, TimePoint now) const;
  std::optional<Refusal> check_care_of_address(const RegistrationRequest& request) const;
  std::optional<Refusal> check_resources(const RegistrationRequest& request, const Binding* known) const;
  std::optional<Refusal> check_link_local(const RegistrationRequest& request, const Binding* known) const;
  bool configuration_allows(const Binding& binding, TimePoint now) const;
  const MobileNodeAuthorization* mobile_node_of(const RegistrationRequest& request) const;

  bool pass_authentication(RegistrationRequest& request, const wire::BindingUpdate& update, BytesView mobility_header,
                           Now now, Outputs& outputs);
  // Of an update that has both options, which is why they were looked at.
  void remember_unverified(const RegistrationRequest& request, const wire::BindingUpdate& update, UnverifiedUpdates::Why why, Now now);
  bool pass_freshness(const RegistrationRequest& request, const Binding* known, Now now, Outputs& outputs);
  bool pass_sequence(const RegistrationRequest& request, const Binding* known, Outputs& outputs);
  void process_registration(const RegistrationRequest& request, Binding* known, Now now, Outputs& outputs);
  void process_deregistration(const RegistrationRequest& request, Binding* known, Now now, Outputs& outputs);

  void accept(const RegistrationRequest& request, Now now, Outputs& outputs);
  void refuse(const RegistrationRequest& request, const Refusal& refusal, Outputs& outputs);
  void finish_detection(const Address& home_address, Now now, Outputs& outputs);
  void refuse_waiting(const Address& home_address, const Refusal& refusal, Now now, Outputs& outputs);
  OutgoingPacket acknowledgement(const RegistrationRequest& request, const AcknowledgementContent& content) const;
  void acknowledge(const RegistrationRequest& request, const AcknowledgementContent& content, Outputs& outputs) const;
  // Counts, tells the operator, and stays silent towards the sender.
  void drop(std::uint64_t& counter, const char* event, const RegistrationRequest& request, const char* reason,
            Outputs& outputs) const;

  // Writes what replay protection needs into the entry of the home address; a new one is DetectingDuplicates.
  Binding& remember(const RegistrationRequest& request);
  // Bound, DetectingDuplicates -> Deleted, remembered for `at_least` and as long as its last timestamp could be replayed.
  void bury(Binding& binding, Duration at_least, Now now);
  void expire(Binding& binding, Now now, Outputs& outputs);
  void serve(const Binding& binding, TimePoint first_announcement, Now now, Outputs& outputs);
  // The primary's part of it: the binding is new, or another one than before.
  void tell_primary(const Binding& binding, TimePoint first_announcement, Now now, Outputs& outputs);
  void stop_serving(const Binding& binding, Now now, Outputs& outputs);

  RegistrationParts parts_;
  Now started_;
  TokenBucket refusals_to_strangers_;  // 144 and 146: what a forged or replayed Binding Update brings
  UnverifiedUpdates unverified_;
  std::vector<Address> registered_;
  std::vector<Ended> ended_;
  std::vector<Address> duplicates_;
  bool changed_ = false;
};

}  // namespace mipflow::home_agent
