// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/hoa-alloc/warm_pool.hpp"

#include <algorithm>
#include <utility>

namespace mipflow::hoa_alloc {
namespace {

// What the pool has on one uplink while actions() reckons.
struct UplinkState {
  const Uplink* uplink = nullptr;
  bool has_anchor = false;         // there is one or it is being registered
  bool anchor_registered = false;  // or none is needed
  std::size_t spares = 0;          // registered or being registered
};

}  // namespace

WarmPool::WarmPool(WarmPoolLimits limits) : limits_(limits), retry_(limits.initial_retry, limits.maximum_retry) {}

std::vector<PoolAction> WarmPool::actions(std::span<const Uplink> uplinks, std::size_t in_use, TimePoint now) const {
  std::vector<PoolAction> out;
  if (uplinks.empty()) return out;

  std::vector<UplinkState> states;
  for (const Uplink& uplink : uplinks)
    states.push_back({.uplink = &uplink,
                      .has_anchor = uplink.anchored || !limits_.anchor_per_interface,
                      .anchor_registered = uplink.anchored || !limits_.anchor_per_interface});
  const auto state_of = [&](const Address& care_of_address) {
    return std::find_if(states.begin(), states.end(),
                        [&](const UplinkState& state) { return state.uplink->care_of_address == care_of_address; });
  };

  // An anchor that has lost its uplink, or whose uplink needs none any more, counts as a spare.
  std::vector<const PooledAddress*> homeless;
  std::vector<const PooledAddress*> surplus;
  std::size_t in_flight = 0;
  std::size_t spares = 0;
  for (const PooledAddress& pooled : pool_) {
    if (!pooled.registered) ++in_flight;
    // A deprecated spare can not be given to a flow any more; an anchor does its work until it is invalid.
    if (const auto until = pooled.purpose == PoolPurpose::Spare ? pooled.entry.preferred_until : pooled.entry.valid_until;
        until <= now) {
      surplus.push_back(&pooled);
      continue;
    }
    const auto state = state_of(pooled.entry.care_of_address);
    if (state == states.end()) {
      homeless.push_back(&pooled);
      continue;
    }
    if (pooled.purpose == PoolPurpose::Anchor && !state->has_anchor) {
      state->has_anchor = true;
      state->anchor_registered = pooled.registered;
      continue;
    }
    if (pooled.purpose == PoolPurpose::Anchor || spares >= limits_.spares) {
      surplus.push_back(&pooled);
      continue;
    }
    ++spares;
    ++state->spares;
  }

  std::size_t addresses = in_use + pool_.size();
  const auto may_allocate = [&] { return addresses < limits_.cap && in_flight < limits_.in_flight && now >= retry_at_; };
  const auto allocate = [&](PoolPurpose purpose, const Uplink& uplink) {
    out.push_back(AllocateAddress{.purpose = purpose, .interface = uplink.interface, .care_of_address = uplink.care_of_address});
    ++addresses;
    ++in_flight;
  };
  // The uplink with the fewest spares, the first of them in the caller's order.
  const auto emptiest = [&](bool anchored_only) {
    UplinkState* best = nullptr;
    for (UplinkState& state : states)
      if ((!anchored_only || state.anchor_registered) && (best == nullptr || state.spares < best->spares)) best = &state;
    return best;
  };

  for (UplinkState& state : states)
    if (!state.has_anchor && may_allocate()) allocate(PoolPurpose::Anchor, *state.uplink);

  for (const PooledAddress* pooled : homeless) {
    if (spares >= limits_.spares) {
      surplus.push_back(pooled);
      continue;
    }
    ++spares;  // also while it has to wait for an anchor: its place is taken
    if (UplinkState* state = emptiest(true)) {
      ++state->spares;
      out.push_back(RebindAddress{.home_address = pooled->entry.home_address,
                                  .interface = state->uplink->interface,
                                  .care_of_address = state->uplink->care_of_address});
    }
  }

  while (spares < limits_.spares && may_allocate()) {
    UplinkState* state = emptiest(false);
    allocate(PoolPurpose::Spare, *state->uplink);
    ++state->spares;
    ++spares;
  }

  for (const PooledAddress* pooled : surplus) out.push_back(ReleaseAddress{.home_address = pooled->entry.home_address});
  return out;
}

TimePoint WarmPool::retry_at(TimePoint now) const { return retry_at_ > now ? retry_at_ : kNever; }

bool WarmPool::registering(const HomeAddressEntry& entry, PoolPurpose purpose) {
  if (find(entry.home_address) != nullptr) return false;
  pool_.push_back({.entry = entry, .purpose = purpose, .registered = false});
  return true;
}

bool WarmPool::rebinding(const Address& home_address, const Address& care_of_address, InterfaceIndex interface) {
  const auto pooled = position(home_address);
  if (pooled == pool_.end()) return false;
  pooled->entry.care_of_address = care_of_address;
  pooled->entry.interface = interface;
  pooled->purpose = PoolPurpose::Spare;
  pooled->registered = false;
  return true;
}

bool WarmPool::registered(const Address& home_address) {
  const auto pooled = position(home_address);
  if (pooled == pool_.end()) return false;
  if (!pooled->registered) {  // a refreshed binding says nothing about whether a new one would be accepted
    retry_.reset();
    retry_at_ = TimePoint::min();
  }
  pooled->registered = true;
  return true;
}

bool WarmPool::failed(const Address& home_address, TimePoint now) {
  const auto pooled = position(home_address);
  if (pooled == pool_.end()) return false;
  pool_.erase(pooled);
  // Several registrations that were out together fail together: that is one failure, not several in a row.
  if (now >= retry_at_) retry_at_ = retry_.sent_at(now);
  return true;
}

bool WarmPool::released(const Address& home_address) {
  const auto pooled = position(home_address);
  if (pooled == pool_.end()) return false;
  pool_.erase(pooled);
  return true;
}

bool WarmPool::adopt(const HomeAddressEntry& entry) {
  const auto have = static_cast<std::size_t>(
      std::count_if(pool_.begin(), pool_.end(), [](const PooledAddress& p) { return p.purpose == PoolPurpose::Spare; }));
  if (have >= limits_.spares || find(entry.home_address) != nullptr) return false;
  pool_.push_back({.entry = entry, .purpose = PoolPurpose::Spare, .registered = true});
  return true;
}

bool WarmPool::set_lifetimes(const Address& home_address, TimePoint preferred_until, TimePoint valid_until) {
  const auto pooled = position(home_address);
  if (pooled == pool_.end()) return false;
  pooled->entry.preferred_until = preferred_until;
  pooled->entry.valid_until = valid_until;
  return true;
}

std::optional<HomeAddressEntry> WarmPool::take_spare(const Address& wanted_care_of_address, TimePoint now) {
  auto best = pool_.end();
  for (auto pooled = pool_.begin(); pooled != pool_.end(); ++pooled) {
    if (pooled->purpose != PoolPurpose::Spare || !pooled->registered || pooled->entry.preferred_until <= now) continue;
    if (best == pool_.end() || (pooled->entry.care_of_address == wanted_care_of_address &&
                                best->entry.care_of_address != wanted_care_of_address))
      best = pooled;
  }
  if (best == pool_.end()) return std::nullopt;
  const HomeAddressEntry entry = best->entry;
  pool_.erase(best);
  return entry;
}

bool WarmPool::has_spare(TimePoint now) const {
  return std::any_of(pool_.begin(), pool_.end(), [&](const PooledAddress& p) {
    return p.purpose == PoolPurpose::Spare && p.registered && p.entry.preferred_until > now;
  });
}

const PooledAddress* WarmPool::find(const Address& home_address) const {
  const auto found = std::find_if(pool_.begin(), pool_.end(),
                                  [&](const PooledAddress& p) { return p.entry.home_address == home_address; });
  return found == pool_.end() ? nullptr : &*found;
}

std::size_t WarmPool::spares() const {
  return static_cast<std::size_t>(std::count_if(pool_.begin(), pool_.end(), [](const PooledAddress& p) {
    return p.purpose == PoolPurpose::Spare && p.registered;
  }));
}

std::vector<PooledAddress>::iterator WarmPool::position(const Address& home_address) {
  return std::find_if(pool_.begin(), pool_.end(),
                      [&](const PooledAddress& p) { return p.entry.home_address == home_address; });
}

}  // namespace mipflow::hoa_alloc
