// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §11.6 and §11.7.2.
#include "correspondent_exchange.hpp"

#include <algorithm>
#include <utility>

#include "correspondent_reactions.hpp"
#include "correspondent_registration.hpp"

namespace mipflow::mobile_node {
namespace {

using Phase = CorrespondentRegistration::Phase;

constexpr Duration kShortestPatience = std::chrono::milliseconds{100};
constexpr Duration kLongestPatience = std::chrono::seconds{1};
constexpr auto kLongestLifetimeUnits = static_cast<std::uint16_t>(wire::kMaxRrBindingLifetime / wire::kLifetimeUnit);

}  // namespace

// ---- tests ----

// From where a Home Test Init can enter the tunnel: the home agent takes nothing from an address that is not registered.
std::optional<CareOf> CorrespondentExchange::tunnel_entrance() const {
  const auto& acknowledged = address_.registration.acknowledged();
  return acknowledged && node_.movement.still_works(*acknowledged) ? acknowledged : std::nullopt;
}

// Sends the next Init when it is time. False when the test has just been given up.
template <class Send>
bool CorrespondentExchange::run(RoutabilityTest& test, UpdateRateLimit& rate, bool possible, Send&& send_init) {
  if (!test.running() || now_.monotonic < test.next_transmission()) return true;
  if (test.give_up_when_unanswered(now_.monotonic)) return false;
  if (!possible) {
    test.postpone(now_.monotonic + wire::kInitialBindackTimeout);
    return true;
  }
  if (const TimePoint permitted = rate.permitted_at(now_.monotonic); permitted > now_.monotonic) {
    test.postpone(permitted);
    return true;
  }
  outputs_.packets.push_back(send_init(test.transmit(now_.monotonic, node_.random)));
  rate.sent(now_.monotonic);
  return true;
}

bool CorrespondentExchange::run_home_test() {
  const auto entrance = address_.at_home_on ? std::nullopt : tunnel_entrance();
  return run(registration_.home_test, correspondent_.home_test_rate, entrance || address_.at_home_on,
             [&](wire::Cookie cookie) {
               return home_test_init(pair_, cookie, entrance, address_.registration.entry().peer, address_.at_home_on.value_or(0));
             });
}

bool CorrespondentExchange::run_care_of_test(const CareOf& care_of) {
  return run(correspondent_.care_of_tests[care_of.address], correspondent_.care_of_test_rate, true,
             [&](wire::Cookie cookie) { return care_of_test_init(care_of, pair_.correspondent, cookie); });
}

// Starts the test when its token is missing or gets old.
void CorrespondentExchange::want(RoutabilityTest& test) {
  if (now_.monotonic >= test.refresh_at()) test.start(now_.monotonic);
}

// A Home Test goes by the home agent: while other home addresses have bindings there, silence says nothing about the correspondent
// node, and their flows must not change to a tunnel that may be what is silent.
void CorrespondentExchange::home_test_unanswered() {
  // This one is not bound, or the silence would not matter.
  if (!node_.correspondents.any_with(pair_.correspondent, [](const auto& registration) { return registration.entry.acknowledged.has_value(); }))
    return avoid(node_, pair_.correspondent, Shortcoming::Silent, "does not answer Home Test Init", now_, outputs_);
  registration_.paused_until = now_.monotonic + left_alone_for(Shortcoming::Silent);
}

// Care-of addresses that are tested before anybody needs them.
std::vector<CareOf> CorrespondentExchange::others() {
  if (!entry().acknowledged || !registration_.is_active(now_.monotonic)) return {};
  auto usable = node_.movement.usable();
  std::erase_if(usable, [&](const CareOf& care_of) {
    return care_of == registration_.target || node_.movement.on_home_link(care_of);
  });
  return usable;
}

void CorrespondentExchange::forget_old_care_of_tests() {
  std::erase_if(correspondent_.care_of_tests, [&](const auto& item) {
    const auto usable = node_.movement.usable();
    return std::none_of(usable.begin(), usable.end(), [&](const CareOf& care_of) { return care_of.address == item.first; });
  });
}

// ---- Binding Updates ----

bool CorrespondentExchange::update_is_wanted() {
  // RFC 6275 §11.4.2: the home address ends sooner than was known when the binding was made, with flows or without.
  if (entry().acknowledged && entry().expires_at > address_.valid_until) return true;
  // One that only lingers must not take the place of others among the messages that may leave now.
  if (registration_.flows.empty()) return false;
  if (!entry().acknowledged) return registration_.is_active(now_.monotonic);
  return entry().acknowledged != registration_.target || (now_.monotonic >= entry().refresh_at && registration_.is_active(now_.monotonic));
}

std::uint16_t CorrespondentExchange::lifetime_units() {
  auto units = std::min(node_.signalling.lifetime_units(address_.valid_until, *registration_.target, now_.monotonic),
                        kLongestLifetimeUnits);
  // RFC 6275 §11.7.2: not beyond the home registration.
  const TimePoint home_ends = address_.registration.entry().expires_at;
  if (home_ends != kNever)
    units = static_cast<std::uint16_t>(
        std::clamp<Duration::rep>((home_ends - now_.monotonic) / wire::kLifetimeUnit, 0, units));
  return units;
}

Duration CorrespondentExchange::patience() const {
  const auto test = correspondent_.care_of_tests.find(registration_.target->address);
  const auto round_trip = test == correspondent_.care_of_tests.end() ? std::nullopt : test->second.round_trip();
  return std::clamp(3 * round_trip.value_or(kLongestPatience), kShortestPatience, kLongestPatience);
}

void CorrespondentExchange::start_exchange() {
  registration_.backoff.reset();
  registration_.outstanding.clear();
  registration_.following = false;
  entry().wanted = registration_.target;
  entry().exchange_started = now_.monotonic;
  entry().next_transmission = now_.monotonic;
}

// The next Binding Update, when there is a reason for one, tokens for it, and time for it.
void CorrespondentExchange::update(const HeldToken& home, const HeldToken& care_of_token) {
  const bool under_way = entry().next_transmission != kNever && entry().wanted == registration_.target;
  if (!under_way) start_exchange();
  if (now_.monotonic < entry().next_transmission) return;
  if (!entry().acknowledged && registration_.backoff.transmissions() >= wire::kMaxRoFailure)
    return avoid(node_, pair_.correspondent, Shortcoming::Silent, "does not acknowledge Binding Updates", now_, outputs_);
  entry().next_transmission = correspondent_.update_rate.permitted_at(now_.monotonic);
  if (entry().next_transmission > now_.monotonic) return;
  const std::uint16_t units = lifetime_units();
  if (units == 0) {
    entry().next_transmission = now_.monotonic + wire::kLifetimeUnit;
    return;
  }
  entry().sequence = static_cast<std::uint16_t>(entry().sequence + 1);
  auto made = binding_update(pair_, *registration_.target, home, care_of_token, entry().sequence, units, now_.monotonic);
  sent(std::move(made), units);

  const bool moves = entry().acknowledged && entry().acknowledged != registration_.target;
  if (moves && registration_.backoff.transmissions() == 1) {
    registration_.follow_at = now_.monotonic;
    registration_.patience_ends = now_.monotonic + patience();
  }
  entry().state = moves                  ? RegistrationState::Moving
                  : entry().acknowledged ? RegistrationState::Bound
                                         : RegistrationState::Registering;
}

void CorrespondentExchange::sent(UpdateWithTokens made, std::uint16_t units) {
  // From now on packets with a type 2 routing header can come.
  node_.plan.routing_header_sources.set(pair_, {});
  made.outstanding.peer_bound_before = registration_.peer_bound_until;
  registration_.peer_bound_until = std::max(registration_.peer_bound_until, now_.monotonic + wire::kLifetimeUnit * units);
  outputs_.packets.push_back(std::move(made.packet));
  registration_.outstanding.push_back(std::move(made.outstanding));
  if (registration_.outstanding.size() > kOutstandingUpdates) registration_.outstanding.erase(registration_.outstanding.begin());
  correspondent_.update_rate.sent(now_.monotonic);
  entry().next_transmission = registration_.backoff.sent_at(now_.monotonic);
}

// ---- the two phases ----

void CorrespondentExchange::bind() {
  if (correspondent_.avoided) {
    if (now_.monotonic < correspondent_.avoided->until) return;
    correspondent_.avoided.reset();
  }
  if (!registration_.target || address_.at_home_on || !address_.registration.acknowledged()) return;
  if (now_.monotonic < registration_.paused_until) return;
  forget_old_care_of_tests();
  const bool wanted = update_is_wanted();
  if (!wanted && !registration_.is_active(now_.monotonic)) return;

  want(registration_.home_test);
  auto& care_of_test = correspondent_.care_of_tests[registration_.target->address];
  want(care_of_test);
  if (!run_home_test() && registration_.home_test.token(now_.monotonic) == nullptr && !entry().acknowledged)
    return home_test_unanswered();
  if (!run_care_of_test(*registration_.target) && care_of_test.token(now_.monotonic) == nullptr && !correspondent_.has_bound)
    return avoid(node_, pair_.correspondent, Shortcoming::Silent, "does not answer Care-of Test Init", now_, outputs_);
  for (const auto& care_of : others()) {
    want(correspondent_.care_of_tests[care_of.address]);
    run_care_of_test(care_of);
  }
  const auto* home = registration_.home_test.token(now_.monotonic);
  const auto* care_of_token = care_of_test.token(now_.monotonic);
  if (wanted && home != nullptr && care_of_token != nullptr) update(*home, *care_of_token);
}

// From where the deletion leaves. nullopt: nowhere; the correspondent node will forget the binding by itself.
std::optional<CareOf> CorrespondentExchange::way_out() {
  if (address_.at_home_on) return CareOf{pair_.home_address, *address_.at_home_on};
  if (entry().wanted && node_.movement.still_works(*entry().wanted)) return entry().wanted;
  const auto usable = node_.movement.usable();
  return usable.empty() ? std::nullopt : std::optional(usable.front());
}

// Until the correspondent node has deleted the binding, or it has ended, it sends straight what belongs to the home address: packets of
// flows that have to go by the home agent, or of one that it begins itself. Those have to be let in.
bool CorrespondentExchange::binding_draws_packets() const {
  return !node_.stopping && !address_.leaving && !address_.at_home_on;
}

// Only when the correspondent node would otherwise send where nobody is, as far as we know, or what it should not know.
bool CorrespondentExchange::deletion_is_worth_a_test() const {
  if (address_.at_home_on || registration_.forbidding > 0) return true;
  return !registration_.peer_sends_to || !node_.movement.still_works(*registration_.peer_sends_to);
}

// False when there is nothing left to do.
bool CorrespondentExchange::delete_binding() {
  if (registration_.peer_bound_until <= now_.monotonic) return false;
  const bool draws_packets = binding_draws_packets();
  const auto from = way_out();
  if (!from) return draws_packets;
  const auto* home = registration_.home_test.token(now_.monotonic);
  if (home == nullptr) {
    if (!deletion_is_worth_a_test()) return draws_packets;
    want(registration_.home_test);
    return run_home_test() || draws_packets;
  }
  if (now_.monotonic < entry().next_transmission && entry().next_transmission != kNever) return true;
  if (registration_.backoff.transmissions() >= wire::kMaxRoFailure) return draws_packets;
  entry().next_transmission = correspondent_.update_rate.permitted_at(now_.monotonic);
  if (entry().next_transmission > now_.monotonic) return true;
  entry().wanted = from;
  entry().sequence = static_cast<std::uint16_t>(entry().sequence + 1);
  sent(binding_deletion(pair_, *from, *home, entry().sequence, now_.monotonic), 0);
  return true;
}

// ---- deadlines ----

TimePoint CorrespondentExchange::test_deadline(const RoutabilityTest& test, bool kept_fresh) const {
  if (test.running()) return test.next_transmission();
  return kept_fresh ? test.refresh_at() : kNever;
}

// What has come has been dealt with, or waits for something else.
TimePoint CorrespondentExchange::when_to_come(TimePoint time) const { return time > now_.monotonic ? time : kNever; }

TimePoint CorrespondentExchange::deadline() {
  TimePoint next = when_to_come(entry().next_transmission);
  if (registration_.phase == Phase::Releasing) {
    next = std::min(next, registration_.peer_bound_until);
    // A test that was about to refresh a token that is still good is of no interest any more.
    if (registration_.home_test.token(now_.monotonic) != nullptr || !deletion_is_worth_a_test()) return next;
    return std::min(next, when_to_come(test_deadline(registration_.home_test, binding_draws_packets())));
  }
  if (entry().acknowledged) next = std::min(next, entry().expires_at);
  if (registration_.unused_since != kNever) next = std::min(next, registration_.unused_since + kLingersFor);
  if (correspondent_.avoided) return std::min(next, correspondent_.avoided->until);
  if (now_.monotonic < registration_.paused_until) return std::min(next, registration_.paused_until);
  if (!registration_.target || address_.at_home_on || !address_.registration.acknowledged()) return next;
  if (registration_.follow_at != kNever && !registration_.following) next = std::min(next, registration_.follow_at);
  next = std::min(next, when_to_come(registration_.patience_ends));
  if (!registration_.is_active(now_.monotonic) && !update_is_wanted()) return next;
  next = std::min(next, test_deadline(registration_.home_test, true));
  next = std::min(next, test_deadline(correspondent_.care_of_tests[registration_.target->address], true));
  for (const auto& care_of : others())
    next = std::min(next, test_deadline(correspondent_.care_of_tests[care_of.address], true));
  if (registration_.is_active(now_.monotonic) && entry().next_transmission == kNever) next = std::min(next, when_to_come(entry().refresh_at));
  return next;
}

}  // namespace mipflow::mobile_node
