// SPDX-License-Identifier: GPL-3.0-or-later
// What becomes of bindings after their Binding Update: use, refresh requests, replacement, the end.
#include <algorithm>
#include <vector>

#include "correspondent_registration.hpp"

namespace mipflow::correspondent_node {

namespace {

// RFC 6275 §9.5.5 limits the rate, not the number. Three, at growing closeness to the end, survive the loss of two.
constexpr unsigned kMostRefreshRequests = 3;
constexpr Duration kBetweenRefreshRequests = std::chrono::seconds{1};

// RFC 6275 §9.3.4 leaves open what persistent is. Anybody can forge an error who knows the three addresses, and a path can
// be away for some seconds; the mobile node gets its binding back within a round trip.
constexpr unsigned kPersistentUnreachables = 4;
constexpr Duration kBetweenUnreachables = std::chrono::seconds{3};
constexpr Duration kUnreachablesForgottenAfter = std::chrono::seconds{60};
constexpr std::uint8_t kPortUnreachable = 4;  // said by the mobile node itself

}  // namespace

Duration CorrespondentRegistration::longest_lifetime() const {
  return std::min(parts_.configuration.longest_binding_lifetime, wire::kMaxRrBindingLifetime);
}

// RFC 6275 §9.6
bool CorrespondentRegistration::make_room(TimePoint now, Outputs& outputs) {
  if (!parts_.cache.is_full()) return true;
  const auto victim = parts_.cache.replaceable(now - parts_.configuration.busy_for);
  if (!victim) return false;
  ++parts_.counters.replaced;
  end(*victim, "correspondent-binding-replaced", "it was used least recently and another one needs the room", now, outputs);
  return true;
}

void CorrespondentRegistration::end(const BindingKey& key, const char* event, const char* reason, TimePoint now,
                                    Outputs& outputs) {
  if (parts_.cache.find_bound(key) != nullptr)
    outputs.notices.push_back({Severity::Info, event,
                               "the binding of " + to_string(key.home_address) + " for " + to_string(key.correspondent) +
                                   " ended: " + reason});
  parts_.cache.bury(key, now);
}

void CorrespondentRegistration::on_deadline(TimePoint now, Outputs& outputs) {
  parts_.nonces.on_deadline(now);
  parts_.cache.forget_due(now);
  while (const auto key = parts_.cache.take_due(now)) {
    Binding& binding = *parts_.cache.find(*key);
    if (binding.ends <= now) {
      ++parts_.counters.expired;
      end(*key, "correspondent-binding-expired", "its lifetime is over", now, outputs);
      continue;
    }
    if (binding.previous_ends <= now) parts_.cache.end_previous(*key, binding);
    if (binding.next_refresh_request <= now) request_refresh(*key, binding, now, outputs);
    parts_.cache.arm(*key, binding);
  }
}

void CorrespondentRegistration::note_activities(const BindingActivities& activities, TimePoint now) {
  for (const auto& [key, idle] : activities.idle)
    if (idle >= Duration::zero()) parts_.cache.note_use(key, now - idle);
}

// Not before half of the lifetime: the mobile node has just been here.
TimePoint CorrespondentRegistration::first_refresh_request(TimePoint now, TimePoint ends) const {
  return std::max(ends - parts_.configuration.refresh_request_before_expiry, now + (ends - now) / 2);
}

// RFC 6275 §9.5.5. To the home address, so that it arrives wherever the mobile node is now, and without a routing header.
void CorrespondentRegistration::request_refresh(const BindingKey& key, Binding& binding, TimePoint now, Outputs& outputs) {
  const bool active = binding.carried_packets && binding.last_used >= now - parts_.configuration.busy_for;
  if (active) {
    ++parts_.counters.refresh_requests;
    ++binding.refresh_requests;
    outputs.packets.push_back(
        {.packet = wire::build_packet({key.correspondent, key.home_address}, wire::BindingRefreshRequest{})});
  }
  const Duration wait = (binding.ends - now) / 2;
  const bool again = binding.refresh_requests < kMostRefreshRequests && wait >= kBetweenRefreshRequests;
  binding.next_refresh_request = again ? now + wait : kNever;
}

void CorrespondentRegistration::handle_error(const wire::Icmpv6Error& error, const Address& receiver, TimePoint now,
                                             Outputs& outputs) {
  if (error.type != wire::kIcmpv6DestinationUnreachable || error.code == kPortUnreachable) return;
  const auto sent = wire::parse_packet(error.invoking_packet);
  if (!sent || sent->source != receiver || !sent->routing_header_home_address) return;
  const BindingKey key{*sent->routing_header_home_address, sent->source};
  Binding* binding = parts_.cache.find_bound(key);
  if (binding == nullptr || binding->care_of_address != sent->destination) return;

  if (binding->unreachables > 0 && now < binding->last_unreachable + kBetweenUnreachables) return;
  if (now > binding->last_unreachable + kUnreachablesForgottenAfter) binding->unreachables = 0;
  binding->last_unreachable = now;
  if (++binding->unreachables >= kPersistentUnreachables)
    end(key, "correspondent-binding-unreachable", "its care-of address stays unreachable", now, outputs);
}

void CorrespondentRegistration::restore(const std::vector<KeptBinding>& bindings, TimePoint now) {
  if (!parts_.configuration.route_optimization) return;
  for (const KeptBinding& kept : bindings) {
    const TimePoint ends = std::min(kept.ends, now + longest_lifetime());
    if (ends <= now || parts_.cache.is_full() || !kept.care_of_address.is_unicast_routable()) continue;
    const auto at = [&](const Address& care_of_address) {
      return Registration{.care_of_address = care_of_address,
                          .sequence = kept.sequence,
                          .ends = ends,
                          .replayable_until = now,  // its nonces went with the daemon before
                          .keep_previous_until = now + parts_.configuration.previous_care_of_address_grace,
                          .first_refresh_request = first_refresh_request(now, ends)};
    };
    // As if it had moved just now.
    if (!kept.previous_care_of_address.is_unspecified()) parts_.cache.bind(kept.pair, at(kept.previous_care_of_address), now);
    parts_.cache.bind(kept.pair, at(kept.care_of_address), now);
  }
}

void CorrespondentRegistration::apply_configuration(TimePoint now, Outputs& outputs) {
  BindingCache& cache = parts_.cache;
  cache.set_capacity(parts_.configuration.binding_cache_capacity);
  std::vector<BindingKey> bound;
  for (const auto& [key, binding] : cache.all())
    if (binding.state == BindingState::Bound) bound.push_back(key);
  for (const BindingKey& key : bound) {
    if (!parts_.configuration.route_optimization)
      end(key, "correspondent-binding-ended", "route optimisation was switched off", now, outputs);
    else
      cache.shorten(key, *cache.find(key), now + longest_lifetime());
  }
  while (cache.is_overfull())
    end(*cache.replaceable(now), "correspondent-binding-ended", "the Binding Cache was made smaller", now, outputs);
}

}  // namespace mipflow::correspondent_node
