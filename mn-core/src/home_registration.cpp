// SPDX-License-Identifier: GPL-3.0-or-later
#include "home_registration.hpp"

#include <algorithm>

#include "mipflow/wire/options.hpp"

namespace mipflow::mobile_node {
namespace {

// A home agent that answers every Binding Update with 135 or 144 must not get them faster than a silent one.
constexpr unsigned kCorrectionsAtOnce = 2;

}  // namespace

const char* to_string(RegistrationState state) {
  switch (state) {
    case RegistrationState::Unbound: return "unbound";
    case RegistrationState::Registering: return "registering";
    case RegistrationState::Bound: return "bound";
    case RegistrationState::Moving: return "moving";
    case RegistrationState::Deregistering: return "deregistering";
    case RegistrationState::Refused: return "refused";
  }
  return "";
}

HomeRegistration::HomeRegistration(BindingUpdateListEntry& entry, HomeAgentSignalling& signalling, Duration first_timeout)
    : entry_(entry),
      signalling_(signalling),
      first_timeout_(first_timeout),
      backoff_(first_timeout, wire::kMaxBindackTimeout) {}

bool HomeRegistration::is_bound_where_wanted() const {
  switch (entry_.state) {
    case RegistrationState::Bound: return entry_.acknowledged && entry_.acknowledged == entry_.wanted && !uncertain_;
    case RegistrationState::Unbound:
    case RegistrationState::Registering:
    case RegistrationState::Moving:
    case RegistrationState::Deregistering:
    case RegistrationState::Refused: return false;
  }
  return false;
}

void HomeRegistration::bind(const CareOf& where, Now now, Outputs& outputs) {
  if (given_up_) return;
  const bool same = entry_.wanted == where;
  switch (entry_.state) {
    case RegistrationState::Unbound:
      entry_.wanted = where;
      return start_exchange(RegistrationState::Registering, now, outputs);
    case RegistrationState::Registering:
      if (same) return;
      entry_.wanted = where;
      return start_exchange(RegistrationState::Registering, now, outputs);
    case RegistrationState::Bound:
      entry_.wanted = where;
      if (entry_.acknowledged == where && !uncertain_) return;
      return start_exchange(RegistrationState::Moving, now, outputs);
    case RegistrationState::Moving:
      if (same) return;
      entry_.wanted = where;
      return start_exchange(RegistrationState::Moving, now, outputs);
    case RegistrationState::Deregistering:
      entry_.wanted = where;
      return start_exchange(RegistrationState::Registering, now, outputs);
    case RegistrationState::Refused:
      entry_.wanted = where;
      // Another care-of address is a reason to ask again; the one that was refused is not.
      if ((refused_everywhere_ || where == refused_) && now.monotonic < retry_at_) return;
      return start_again(now, outputs);
  }
}

RegistrationChange HomeRegistration::release(const std::optional<CareOf>& from, Now now, Outputs& outputs) {
  // What the peer can not have needs no de-registration.
  if (!peer_may_be_bound(now.monotonic)) return released();
  switch (entry_.state) {
    case RegistrationState::Deregistering:
      if (entry_.wanted == from) return RegistrationChange::None;
      break;
    case RegistrationState::Unbound:
    case RegistrationState::Registering:
    case RegistrationState::Bound:
    case RegistrationState::Moving: break;
    case RegistrationState::Refused:
      if (given_up_) return released();
      break;
  }
  entry_.wanted = from;
  if (!from) {
    end_exchange();
    enter(RegistrationState::Deregistering);
    return RegistrationChange::None;
  }
  start_exchange(RegistrationState::Deregistering, now, outputs);
  return RegistrationChange::None;
}

void HomeRegistration::suspend() {
  switch (entry_.state) {
    case RegistrationState::Unbound:
    case RegistrationState::Deregistering: return;
    case RegistrationState::Registering: enter(RegistrationState::Unbound); break;
    case RegistrationState::Bound:
    case RegistrationState::Moving: enter(RegistrationState::Bound); break;
    case RegistrationState::Refused: break;
  }
  entry_.wanted.reset();
  end_exchange();
}

void HomeRegistration::peer_changed() {
  released();
  entry_.last_status.reset();
  retry_at_ = kNever;
  refused_.reset();
  refused_everywhere_ = false;
  seldom_.reset();
  corrections_ = 0;
  uncertain_ = false;
}

void HomeRegistration::suspect_binding(TimePoint until) {
  entry_.last_status.reset();
  peer_bound_until_ = std::max(peer_bound_until_, until);
}

void HomeRegistration::resume_binding(const CareOf& care_of, TimePoint until) {
  entry_.acknowledged = care_of;
  entry_.wanted = care_of;
  entry_.expires_at = until;
  peer_bound_until_ = until;
  enter(RegistrationState::Bound);
}

void HomeRegistration::give_up() {
  given_up_ = true;
  retry_at_ = kNever;
}

void HomeRegistration::refresh(Now now, Outputs& outputs) {
  switch (entry_.state) {
    case RegistrationState::Bound:
      if (!entry_.wanted || entry_.next_transmission != kNever) return;
      return start_exchange(RegistrationState::Bound, now, outputs);
    case RegistrationState::Unbound:
    case RegistrationState::Registering:
    case RegistrationState::Moving:
    case RegistrationState::Deregistering:
    case RegistrationState::Refused: return;
  }
}

RegistrationChange HomeRegistration::acknowledge(const wire::BindingAcknowledgement& acknowledgement,
                                                 const HomeAgentSignalling::Judged& answered, Now now, Outputs& outputs) {
  const bool releasing = entry_.state == RegistrationState::Deregistering;
  const bool answers_release = answered.update.lifetime_units == 0;
  // An acknowledgement of what we asked for before we changed our mind says nothing about what we ask for now; the one
  // that does is still to come.
  if (releasing != answers_release || answered.update.care_of != entry_.wanted) return RegistrationChange::None;
  if (wire::sequence_is_newer(first_of_exchange_, answered.update.sequence)) return RegistrationChange::None;

  entry_.last_status = acknowledgement.status;
  const Reaction reaction = reaction_to(acknowledgement.status, releasing);
  switch (reaction) {
    case Reaction::Accept:
    case Reaction::AcceptAndSolicitPrefixes: return accept(acknowledgement, answered.update, now);
    case Reaction::AlreadyReleased: return released();
    case Reaction::Resynchronise:
      entry_.sequence = acknowledgement.sequence;
      first_of_exchange_ = static_cast<std::uint16_t>(entry_.sequence + 1);
      return correct(now, outputs);
    case Reaction::AdjustClock:
      signalling_.security().learn_clock(answered.returned_timestamp, now);
      return correct(now, outputs);
    case Reaction::RetrySoon:
    case Reaction::AvoidCareOfAddress: return refuse(now.monotonic + kRetrySoon);
    case Reaction::RetryLate: return refuse(now.monotonic + kRetryLate);
    case Reaction::AbandonAddress:
    case Reaction::RetrySeldom: return refuse_everywhere(now);
  }
  return RegistrationChange::None;
}

RegistrationChange HomeRegistration::not_understood(std::uint16_t sequence, Now now) {
  const bool awaited = std::any_of(entry_.outstanding.begin(), entry_.outstanding.end(),
                                   [sequence](const OutstandingUpdate& update) { return update.sequence == sequence; });
  if (entry_.state != RegistrationState::Registering || !awaited) return RegistrationChange::None;
  entry_.last_status = wire::BindingStatus::HomeRegistrationNotSupported;
  return refuse_everywhere(now);
}

RegistrationChange HomeRegistration::accept(const wire::BindingAcknowledgement& acknowledgement,
                                            const OutstandingUpdate& update, Now now) {
  if (entry_.state == RegistrationState::Deregistering) return released();
  // RFC 6275 §11.7.3: what the home agent took off the lifetime is taken off ours, which counts from sending.
  const auto units = std::min(acknowledgement.lifetime_units, update.lifetime_units);
  const Duration granted = wire::kLifetimeUnit * units;
  if (update.sent_at + granted <= now.monotonic) return refuse(now.monotonic + kRetrySoon);

  end_exchange();
  entry_.acknowledged = update.care_of;
  entry_.expires_at = update.sent_at + granted;
  peer_bound_until_ = entry_.expires_at;
  Duration refresh = refresh_after(granted);
  if (const auto* advice = wire::find_option<wire::BindingRefreshAdvice>(acknowledgement.options)) {
    const Duration advised = wire::kLifetimeUnit * advice->interval_units;
    // RFC 6275 §6.2.4: an interval that is not shorter than the lifetime is no advice.
    if (advised > Duration::zero() && advised < granted) refresh = std::min(refresh, advised);
  }
  entry_.refresh_at = update.sent_at + refresh;
  corrections_ = 0;
  uncertain_ = false;
  seldom_.reset();
  enter(RegistrationState::Bound);
  return RegistrationChange::Bound;
}

RegistrationChange HomeRegistration::refuse(TimePoint retry_at) {
  if (entry_.state == RegistrationState::Deregistering) return released();
  end_exchange();
  refused_ = entry_.wanted;
  peer_bound_until_ = entry_.acknowledged ? entry_.expires_at : TimePoint::min();
  refused_everywhere_ = false;
  retry_at_ = retry_at;
  enter(RegistrationState::Refused);
  return RegistrationChange::Refused;
}

RegistrationChange HomeRegistration::refuse_everywhere(Now now) {
  const auto change = refuse(seldom_.sent_at(now.monotonic));
  refused_everywhere_ = entry_.state == RegistrationState::Refused;
  return change;
}

// 135 and 144 tell what was wrong with the Binding Update: the next one leaves at once, unless that did not help before.
RegistrationChange HomeRegistration::correct(Now now, Outputs& outputs) {
  entry_.outstanding.clear();
  if (++corrections_ <= kCorrectionsAtOnce) transmit(now, outputs);
  return RegistrationChange::None;
}

RegistrationChange HomeRegistration::released() {
  end_exchange();
  entry_.acknowledged.reset();
  entry_.wanted.reset();
  entry_.expires_at = kNever;
  entry_.refresh_at = kNever;
  peer_bound_until_ = TimePoint::min();
  enter(RegistrationState::Unbound);
  return RegistrationChange::Released;
}

RegistrationChange HomeRegistration::on_deadline(Now now, Outputs& outputs) {
  RegistrationChange change = RegistrationChange::None;
  if (entry_.acknowledged && now.monotonic >= entry_.expires_at) {
    entry_.acknowledged.reset();
    entry_.expires_at = kNever;
    entry_.refresh_at = kNever;
    uncertain_ = false;
    change = RegistrationChange::Expired;
    switch (entry_.state) {
      case RegistrationState::Bound:
      case RegistrationState::Moving:
        if (entry_.wanted)
          start_exchange(RegistrationState::Registering, now, outputs);
        else
          enter(RegistrationState::Unbound);
        return change;
      case RegistrationState::Unbound:
      case RegistrationState::Registering:
      case RegistrationState::Deregistering:
      case RegistrationState::Refused: break;
    }
  }

  switch (entry_.state) {
    case RegistrationState::Unbound: break;
    case RegistrationState::Registering:
    case RegistrationState::Moving:
      if (now.monotonic >= entry_.next_transmission) transmit(now, outputs);
      break;
    case RegistrationState::Bound:
      if (!entry_.wanted) break;
      if (now.monotonic >= entry_.next_transmission)
        transmit(now, outputs);
      else if (entry_.next_transmission == kNever && now.monotonic >= entry_.refresh_at)
        start_exchange(RegistrationState::Bound, now, outputs);
      break;
    case RegistrationState::Deregistering:
      if (!entry_.wanted && !peer_may_be_bound(now.monotonic)) return released();
      if (now.monotonic < entry_.next_transmission) break;
      if (backoff_.transmissions() >= kReleaseTransmissions) return released();
      transmit(now, outputs);
      break;
    case RegistrationState::Refused:
      if (entry_.wanted && now.monotonic >= retry_at_) start_again(now, outputs);
      break;
  }
  return change;
}

TimePoint HomeRegistration::next_deadline() const {
  const TimePoint expiry = entry_.acknowledged ? entry_.expires_at : kNever;
  switch (entry_.state) {
    case RegistrationState::Unbound: return expiry;
    case RegistrationState::Registering:
    case RegistrationState::Moving: return std::min(expiry, entry_.next_transmission);
    case RegistrationState::Deregistering: return entry_.wanted ? entry_.next_transmission : peer_bound_until_;
    case RegistrationState::Bound:
      if (!entry_.wanted) return expiry;
      return std::min(expiry, entry_.next_transmission == kNever ? entry_.refresh_at : entry_.next_transmission);
    case RegistrationState::Refused: return std::min(expiry, entry_.wanted ? retry_at_ : kNever);
  }
  return kNever;
}

void HomeRegistration::enter(RegistrationState state) { entry_.state = state; }

void HomeRegistration::start_exchange(RegistrationState state, Now now, Outputs& outputs) {
  enter(state);
  // RFC 6275 §11.8: without a binding the wait is longer, because the home agent checks the address for uniqueness. So it
  // may do still when a registration that was never answered is taken back.
  const bool is_first = state == RegistrationState::Registering || !entry_.acknowledged;
  backoff_ = Backoff(is_first ? first_timeout_ : wire::kInitialBindackTimeout, wire::kMaxBindackTimeout);
  corrections_ = 0;
  retry_at_ = kNever;
  first_of_exchange_ = static_cast<std::uint16_t>(entry_.sequence + 1);
  entry_.exchange_started = now.monotonic;
  transmit(now, outputs);
}

void HomeRegistration::start_again(Now now, Outputs& outputs) {
  if (!entry_.acknowledged) return start_exchange(RegistrationState::Registering, now, outputs);
  start_exchange(entry_.acknowledged == entry_.wanted ? RegistrationState::Bound : RegistrationState::Moving, now, outputs);
}

void HomeRegistration::transmit(Now now, Outputs& outputs) {
  entry_.next_transmission = entry_.rate.permitted_at(now.monotonic);
  if (entry_.next_transmission > now.monotonic) return;

  const bool releasing = entry_.state == RegistrationState::Deregistering;
  const std::uint16_t units =
      releasing ? std::uint16_t{0} : signalling_.lifetime_units(home_address_valid_until_, *entry_.wanted, now.monotonic);
  entry_.next_transmission = backoff_.sent_at(now.monotonic);
  // An address that ends within seconds can not be registered any more; one message less than a wrong de-registration.
  if (units == 0 && !releasing) return;

  // RFC 6275 §11.7.1: never the same number twice, not even in a retransmission.
  entry_.sequence = static_cast<std::uint16_t>(entry_.sequence + 1);
  entry_.outstanding.push_back(
      signalling_.send_binding_update(entry_, *entry_.wanted, entry_.sequence, units, now, outputs));
  if (entry_.outstanding.size() > kOutstandingUpdates) entry_.outstanding.erase(entry_.outstanding.begin());
  entry_.rate.sent(now.monotonic);
  if (!releasing) peer_bound_until_ = std::max(peer_bound_until_, now.monotonic + wire::kLifetimeUnit * units);
  uncertain_ = uncertain_ || (entry_.acknowledged && entry_.acknowledged != entry_.wanted);
}

void HomeRegistration::end_exchange() {
  entry_.outstanding.clear();
  entry_.next_transmission = kNever;
  backoff_.reset();
}

}  // namespace mipflow::mobile_node
