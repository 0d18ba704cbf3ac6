// SPDX-License-Identifier: GPL-3.0-or-later
#include "binding_cache.hpp"

#include <algorithm>

#include "mipflow/wire/mobility_header.hpp"

namespace mipflow::correspondent_node {

namespace {

// The data path tells times to about a second, and for a binding that has carried nothing the time since it was set.
constexpr Duration kAccuracyOfUse = std::chrono::seconds{2};

}  // namespace

Binding* BindingCache::find(const BindingKey& key) {
  const auto found = bindings_.find(key);
  return found == bindings_.end() ? nullptr : &found->second;
}

const Binding* BindingCache::find(const BindingKey& key) const {
  const auto found = bindings_.find(key);
  return found == bindings_.end() ? nullptr : &found->second;
}

Binding* BindingCache::find_bound(const BindingKey& key) {
  Binding* binding = find(key);
  return binding != nullptr && binding->state == BindingState::Bound ? binding : nullptr;
}

const Binding* BindingCache::find_bound(const BindingKey& key) const {
  const Binding* binding = find(key);
  return binding != nullptr && binding->state == BindingState::Bound ? binding : nullptr;
}

bool BindingCache::permits(const BindingKey& key, const Address& source) const {
  const Binding* binding = find_bound(key);
  if (binding == nullptr) return false;
  return source == binding->care_of_address ||
         (source == binding->previous_care_of_address && !source.is_unspecified());
}

void BindingCache::bind(const BindingKey& key, const Registration& registration, TimePoint now) {
  const auto [position, inserted] = bindings_.try_emplace(key);
  Binding& binding = position->second;
  const bool was_bound = !inserted && binding.state == BindingState::Bound;
  if (inserted) binding.nonces_void_until = forgotten_until_;
  if (!inserted && !was_bound) {
    deleted_.cancel(key);
    // The mobile node began to count anew. What it sent before would look newer than what it sends now.
    if (!wire::sequence_is_newer(registration.sequence, binding.sequence))
      binding.nonces_void_until = binding.replayable_until;
  }

  const Address before = was_bound ? binding.care_of_address : Address{};
  const bool moves = was_bound && before != registration.care_of_address;
  if (moves || !was_bound) {
    binding.previous_care_of_address = moves && registration.keep_previous_until > now ? before : Address{};
    binding.previous_ends = registration.keep_previous_until;
    binding.in_data_path_since = now;
  }
  if (!was_bound) binding.carried_packets = false;
  binding.state = BindingState::Bound;
  binding.care_of_address = registration.care_of_address;
  binding.ends = registration.ends;
  remember(binding, registration.sequence, registration.replayable_until);
  binding.next_refresh_request = registration.first_refresh_request;
  binding.refresh_requests = 0;
  binding.unreachables = 0;
  if (!binding.carried_packets) {
    binding.last_used = now;
    unused_.set(key, now);
  }
  arm(key, binding);
  publish(key, binding);
  // Also what packets do not see is to be kept, a refresh for example.
  plan_.correspondent_bindings.repeat(key);
}

void BindingCache::remember(Binding& binding, std::uint16_t sequence, TimePoint replayable_until) {
  binding.sequence = sequence;
  binding.replayable_until = std::max(binding.replayable_until, replayable_until);
}

void BindingCache::bury(const BindingKey& key, TimePoint now) {
  Binding* binding = find(key);
  if (binding == nullptr) return;
  ends_.cancel(key);
  used_.cancel(key);
  unused_.cancel(key);
  plan_.correspondent_bindings.erase(key);
  if (binding->replayable_until <= now) {
    deleted_.cancel(key);
    bindings_.erase(key);
    return;
  }
  binding->state = BindingState::Deleted;
  deleted_.set(key, binding->replayable_until);
  while (deleted_.size() > capacity_) {
    // §5.2.8, the last measure: the nonces that could be used for the one that is forgotten are void for all strangers.
    forgotten_until_ = std::max(forgotten_until_, deleted_.next());
    bindings_.erase(*deleted_.take_due(kNever));
  }
}

void BindingCache::end_previous(const BindingKey& key, Binding& binding) {
  binding.previous_care_of_address = {};
  binding.previous_ends = kNever;
  publish(key, binding);
}

void BindingCache::shorten(const BindingKey& key, Binding& binding, TimePoint ends) {
  binding.ends = std::min(binding.ends, ends);
  arm(key, binding);
  plan_.correspondent_bindings.repeat(key);
}

void BindingCache::note_use(const BindingKey& key, TimePoint at) {
  Binding* binding = find_bound(key);
  if (binding == nullptr || at <= binding->last_used || at <= binding->in_data_path_since + kAccuracyOfUse) return;
  if (!binding->carried_packets) unused_.cancel(key);
  binding->carried_packets = true;
  binding->last_used = at;
  used_.set(key, at);
}

std::optional<BindingKey> BindingCache::replaceable(TimePoint busy_since) const {
  const bool used_may_go = used_.size() > 0 && used_.next() <= busy_since;
  if (unused_.size() > 0 && (!used_may_go || unused_.next() <= used_.next())) return unused_.first();
  return used_may_go ? used_.first() : std::nullopt;
}

TimePoint BindingCache::next_deadline() const { return std::min(ends_.next(), deleted_.next()); }

void BindingCache::arm(const BindingKey& key, const Binding& binding) {
  ends_.set(key, std::min({binding.ends, binding.next_refresh_request,
                           binding.previous_care_of_address.is_unspecified() ? kNever : binding.previous_ends}));
}

void BindingCache::forget_due(TimePoint now) {
  while (const auto key = deleted_.take_due(now)) bindings_.erase(*key);
}

void BindingCache::publish(const BindingKey& key, const Binding& binding) {
  plan_.correspondent_bindings.set(key, {binding.care_of_address, binding.previous_care_of_address});
}

}  // namespace mipflow::correspondent_node
