// SPDX-License-Identifier: GPL-3.0-or-later
// How bindings begin, end and come back after a restart: the state changes of binding_cache.hpp and what follows from them
// for tunnels and the home link.
#include <algorithm>

#include "home_registration.hpp"
#include "mipflow/wire/authentication.hpp"

namespace mipflow::home_agent {

using wire::BindingStatus;

namespace {

// Apart from each other, so that the bindings of a large home agent do not flood its home link.
constexpr Duration kBetweenAnnouncements = std::chrono::milliseconds{10};

}  // namespace

Binding& HomeRegistration::remember(const RegistrationRequest& request) {
  Binding* binding = parts_.cache.find(request.home_address);
  if (binding == nullptr) {
    Binding fresh;
    fresh.home_address = request.home_address;
    fresh.primary_home_address = request.primary_home_address;
    binding = &parts_.cache.insert(fresh);
  } else {
    if (binding->primary_home_address != request.primary_home_address) {
      parts_.cache.change_owner(*binding, request.primary_home_address);
      binding->last_timestamp = 0;
    }
    if (binding->state == BindingState::Deleted && !request.asks_to_deregister())
      parts_.cache.enter(*binding, BindingState::DetectingDuplicates, kNever);
  }
  binding->care_of_address = request.care_of_address;
  binding->spi = request.spi;
  binding->sequence = request.sequence;
  if (request.timestamp && request.spi != 0) binding->last_timestamp = *request.timestamp;
  return *binding;
}

void HomeRegistration::bury(Binding& binding, Duration at_least, Now now) {
  if (binding.state == BindingState::Bound) ended_.push_back({binding.primary_home_address, binding.home_address});
  Duration keep = at_least;
  if (binding.last_timestamp != 0) {
    const Duration window = parts_.configuration.timestamp_window;
    // The end of the window belongs to it, and fractions of NTP are rounded.
    const Duration replayable =
        wire::wall_of_ntp(binding.last_timestamp) + window - now.wall + std::chrono::milliseconds{1};
    keep = std::max(keep, std::min(replayable, 2 * window));
  }
  if (keep <= Duration::zero())
    parts_.cache.erase(binding.home_address);
  else
    parts_.cache.enter(binding, BindingState::Deleted, now.monotonic + keep);
}

void HomeRegistration::serve(const Binding& binding, TimePoint first_announcement, Now now, Outputs& outputs) {
  parts_.tunnels.set(binding.home_address, binding.care_of_address, parts_.configuration.home_agent_address,
                     first_announcement);
  tell_primary(binding, first_announcement, now, outputs);
}

void HomeRegistration::tell_primary(const Binding& binding, TimePoint first_announcement, Now now, Outputs& outputs) {
  parts_.primary.bound(
      {binding.home_address, binding.care_of_address, binding.ends, binding.link_local_address_compatibility},
      first_announcement, now, outputs);
}

void HomeRegistration::stop_serving(const Binding& binding, Now now, Outputs& outputs) {
  parts_.tunnels.remove(binding.home_address);
  parts_.primary.unbound(binding.home_address, now, outputs);
}

void HomeRegistration::expire(Binding& binding, Now now, Outputs& outputs) {
  ++parts_.counters.expired;
  changed_ = true;
  outputs.notices.push_back(
      {Severity::Info, "binding-expired", "the binding of " + to_string(binding.home_address) + " ended"});
  stop_serving(binding, now, outputs);
  bury(binding, Duration::zero(), now);
}

void HomeRegistration::end_binding(const Address& home_address, Now now, Outputs& outputs) {
  Binding* binding = parts_.cache.find(home_address);
  if (binding != nullptr && binding->state == BindingState::Bound) expire(*binding, now, outputs);
}

TimePoint HomeRegistration::next_deadline() const {
  return std::min({parts_.cache.next_end(), parts_.detection.next_deadline(), parts_.tunnels.next_deadline()});
}

void HomeRegistration::on_deadline(Now now, Outputs& outputs) {
  while (const auto home_address = parts_.cache.take_ended(now.monotonic)) {
    Binding* binding = parts_.cache.find(*home_address);
    if (binding == nullptr) continue;
    if (binding->state == BindingState::Bound)
      expire(*binding, now, outputs);
    else
      parts_.cache.erase(*home_address);
  }
  while (const auto home_address = parts_.detection.take_finished(now.monotonic))
    finish_detection(*home_address, now, outputs);
  parts_.tunnels.on_deadline(now.monotonic);
}

bool HomeRegistration::restore(const PersistedBinding& persisted, std::size_t position, Now now, Outputs& outputs) {
  // What the file says is checked like what the network says: somebody may have edited it.
  const Duration remaining =
      std::min(persisted.wall_expiry - now.wall, parts_.configuration.longest_binding_lifetime);
  Binding binding;
  binding.home_address = persisted.home_address;
  binding.care_of_address = persisted.care_of_address;
  binding.primary_home_address = persisted.primary_home_address;
  binding.ends = now.monotonic + remaining;
  binding.last_timestamp = persisted.last_timestamp;
  binding.spi = persisted.spi;
  binding.sequence = persisted.sequence;
  binding.state = BindingState::Bound;
  binding.link_local_address_compatibility = persisted.link_local_address_compatibility;

  if (remaining <= Duration::zero() || parts_.cache.find(binding.home_address) != nullptr) return false;
  if (!binding.home_address.is_unicast_routable() || !binding.care_of_address.is_unicast_routable()) return false;
  if (binding.home_address == binding.care_of_address || !configuration_allows(binding, now.monotonic)) return false;
  if (parts_.cache.size() >= parts_.configuration.binding_cache_capacity) return false;

  parts_.cache.insert(binding);
  serve(binding, now.monotonic + kBetweenAnnouncements * position, now, outputs);
  registered_.push_back(binding.primary_home_address);
  return true;
}

void HomeRegistration::apply_configuration(Now now, Outputs& outputs) {
  std::vector<Address> home_addresses;
  home_addresses.reserve(parts_.cache.size());
  for (const auto& [home_address, binding] : parts_.cache.all()) home_addresses.push_back(home_address);
  for (const Address& home_address : home_addresses) {
    Binding& binding = *parts_.cache.find(home_address);
    if (binding.state == BindingState::Deleted) continue;
    const bool allowed = configuration_allows(binding, now.monotonic);
    if (binding.state == BindingState::DetectingDuplicates) {
      if (!allowed)
        refuse_waiting(home_address, {BindingStatus::AdministrativelyProhibited, "the configuration changed"}, now,
                       outputs);
      continue;
    }
    if (!allowed) {
      expire(binding, now, outputs);
      continue;
    }
    const auto lifetimes = parts_.prefixes.find(home_address, now.monotonic);
    const TimePoint latest = now.monotonic + static_cast<std::int64_t>(lifetimes->valid_units) * wire::kLifetimeUnit;
    if (latest < binding.ends) {
      parts_.cache.enter(binding, BindingState::Bound, latest);
      tell_primary(binding, now.monotonic, now, outputs);
      changed_ = true;
    }
    parts_.tunnels.set(home_address, binding.care_of_address, parts_.configuration.home_agent_address, now.monotonic);
  }
}

void HomeRegistration::move_to_home_link(const HomeLink& link, Now now, Outputs& outputs) {
  parts_.interception.move_to_home_link(link, now.monotonic);
  std::vector<Address> waiting;
  for (const auto& [home_address, binding] : parts_.cache.all())
    if (binding.state == BindingState::DetectingDuplicates) waiting.push_back(home_address);
  for (const Address& home_address : waiting) {
    const auto request = parts_.detection.take(home_address);
    if (!request) continue;
    if (link.interface == 0)
      accept(*request, now, outputs);
    else
      parts_.detection.start(*request, link.interface,
                             now.monotonic + parts_.configuration.duplicate_address_detection_wait, outputs);
  }
}

}  // namespace mipflow::home_agent
