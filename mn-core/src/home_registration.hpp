// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>

#include "acknowledgement_reaction.hpp"
#include "binding_update_list.hpp"
#include "care_of.hpp"
#include "home_agent_signalling.hpp"
#include "mipflow/base/backoff.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"

namespace mipflow::mobile_node {

// What a call changed that its owner has to act upon.
enum class RegistrationChange : std::uint8_t {
  None,
  Bound,      // the home agent accepted the wanted care-of address (again)
  Refused,    // see entry().last_status and retry_at()
  Released,   // de-registered, or given up to de-register
  Expired,    // the binding ran out before it was refreshed
};

// The registration of one home address with the home agent, RFC 6275 §11.7.1, §11.7.3, §11.8.
//
//  state         | bind(same)  | bind(other)       | release (4)   | accepted    | refused    | time-out      | expiry
//  --------------+-------------+-------------------+---------------+-------------+------------+---------------+------------
//  Unbound       | Registering | Registering       | Deregistering | -           | -          | -             | -
//  Registering   | -           | Registering, send | Deregistering | Bound       | Refused    | send          | -
//  Bound         | -           | Moving, send      | Deregistering | Bound       | Refused    | send          | Registering
//  Moving        | -           | Moving, send      | Deregistering | Bound       | Refused    | send          | Registering
//  Deregistering | Registering | Registering       | -             | Unbound (1) | Unbound    | send, Unbound | -
//  Refused       | - (2)       | as expiry (5)     | Deregistering | -           | -          | as Bound (3)  | Refused
//
//  (1) only by the acknowledgement of the de-registration   (2) before the time of the next try
//  (3) Moving or Bound while the old binding lasts, else Registering
//  (4) Released at once when the home agent can not have a binding: nothing was ever sent, or refused, or it has run out
//  (5) after a refusal that no care-of address cures (134, 145, 146): before the time of the next try nothing, too
// Bound with "time-out" is a refresh. suspend() takes the care-of address away: nothing is sent until the next bind(), and
// Registering becomes Unbound, Moving becomes Bound. A Binding Update that was not answered before is remembered: the home
// agent may have accepted it.
class HomeRegistration {
 public:
  // References must outlive the object. `first_timeout`: InitialBindackTimeoutFirstReg.
  HomeRegistration(BindingUpdateListEntry& entry, HomeAgentSignalling& signalling, Duration first_timeout);

  void bind(const CareOf& where, Now now, Outputs& outputs);
  // De-registers by way of `from`: a care-of address, or the home address itself on the home link (§11.5.5). Without one
  // there is no way to tell the home agent now: the de-registration waits for a release() with one, or for the end of the
  // binding (Released).
  RegistrationChange release(const std::optional<CareOf>& from, Now now, Outputs& outputs);
  void suspend();
  // A new Binding Update at once: Binding Refresh Request, Binding Error, a shortened home address lifetime. Ignored
  // while one is out already or nothing is bound.
  void refresh(Now now, Outputs& outputs);
  // Another peer has taken the place of the one so far: nothing is known of it, and nothing was sent to it.
  void peer_changed();
  // The peer may have a binding that was made before this daemon: release() asks it to delete that.
  void suspect_binding(TimePoint until);
  // The peer is known to have this binding, from before peer_changed().
  void resume_binding(const CareOf& care_of, TimePoint until);
  // No Binding Update any more, whatever happens: somebody else has the home address.
  void give_up();
  // Bounds the lifetime of bindings from the next Binding Update on.
  void set_home_address_valid_until(TimePoint until) { home_address_valid_until_ = until; }

  // `answered` comes from HomeAgentSignalling::judge().
  RegistrationChange acknowledge(const wire::BindingAcknowledgement& acknowledgement,
                                 const HomeAgentSignalling::Judged& answered, Now now, Outputs& outputs);
  // The peer says that it knows no Mobility Headers, quoting the Binding Update of this number (§11.3.5). Believed only while
  // it has never accepted one: Refused, for a long time, wherever the next one would be sent from.
  RegistrationChange not_understood(std::uint16_t sequence, Now now);
  RegistrationChange on_deadline(Now now, Outputs& outputs);
  TimePoint next_deadline() const;

  RegistrationState state() const { return entry_.state; }
  const BindingUpdateListEntry& entry() const { return entry_; }
  // The care-of address that the home agent tunnels to, as far as we know.
  const std::optional<CareOf>& acknowledged() const { return entry_.acknowledged; }
  const std::optional<CareOf>& wanted() const { return entry_.wanted; }
  // True when a Binding Update for the wanted care-of address has been accepted and is still good.
  bool is_bound_where_wanted() const;
  bool given_up() const { return given_up_; }
  // The home agent can have a binding for the home address, whether it told us or not.
  bool peer_may_be_bound(TimePoint now) const { return peer_bound_until_ > now; }
  // Refused: when the home agent is asked again.
  TimePoint retry_at() const { return retry_at_; }
  // A de-registration is out that may still be answered, as opposed to one that waits for a care-of address.
  bool awaits_release() const { return entry_.state == RegistrationState::Deregistering && entry_.wanted.has_value(); }
  // Binding Updates of the present exchange without an answer, and whether the time for an answer to the last one is over.
  unsigned unanswered() const { return backoff_.transmissions(); }
  bool waited_in_vain(TimePoint now) const { return unanswered() > 0 && now >= entry_.next_transmission; }

  // A de-registration is given up after that many Binding Updates: 1 + 2 + 4 + 8 + 16 s.
  static constexpr unsigned kReleaseTransmissions = 5;

 private:
  void enter(RegistrationState state);
  void start_exchange(RegistrationState state, Now now, Outputs& outputs);
  void start_again(Now now, Outputs& outputs);
  void transmit(Now now, Outputs& outputs);
  RegistrationChange accept(const wire::BindingAcknowledgement& acknowledgement, const OutstandingUpdate& update, Now now);
  RegistrationChange refuse(TimePoint retry_at);
  RegistrationChange refuse_everywhere(Now now);
  RegistrationChange correct(Now now, Outputs& outputs);
  RegistrationChange released();
  void end_exchange();

  BindingUpdateListEntry& entry_;
  HomeAgentSignalling& signalling_;
  Duration first_timeout_;
  Backoff backoff_;
  TimePoint home_address_valid_until_ = kNever;
  // Until when the home agent can have a binding for the home address, whether it told us or not.
  TimePoint peer_bound_until_ = TimePoint::min();
  TimePoint retry_at_ = kNever;   // Refused: when to try again
  std::optional<CareOf> refused_; // the care-of address that was refused last
  bool refused_everywhere_ = false;  // another care-of address is no reason to ask again
  Backoff seldom_{kRetrySeldom, kRetrySeldomAtMost};
  unsigned corrections_ = 0;      // answers 135 and 144 in a row
  bool uncertain_ = false;        // a Binding Update for another care-of address than the acknowledged one was sent
  // Number of the exchange's first Binding Update. What answers an earlier exchange says nothing about this one, even when
  // both asked for the same: a Binding Update sent in between may still arrive.
  std::uint16_t first_of_exchange_ = 0;
  bool given_up_ = false;
};

}  // namespace mipflow::mobile_node
