// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/hoa-alloc/warm_pool.hpp"

#include <algorithm>
#include <utility>

namespace mipflow::hoa_alloc {
namespace {

// What the pool has on one uplink.
struct UplinkState {
  const Uplink* uplink = nullptr;
  bool has_anchor = false;         // there is one or it is being registered
  bool anchor_registered = false;  // or none is needed
  std::size_t spares = 0;          // registered or being registered
};

// What the pool has, sorted by what is to become of it.
struct Inventory {
  std::vector<UplinkState> uplinks;            // in the caller's order
  std::vector<const PooledAddress*> homeless;  // good, but bound where there is no uplink any more
  std::vector<const PooledAddress*> surplus;
  std::size_t spares = 0;     // that stay where they are
  std::size_t in_flight = 0;  // being registered

  UplinkState* uplink_with(const Address& care_of_address) {
    const auto found = std::find_if(uplinks.begin(), uplinks.end(), [&](const UplinkState& state) {
      return state.uplink->care_of_address == care_of_address;
    });
    return found == uplinks.end() ? nullptr : &*found;
  }

  // The uplink with the fewest spares, the first of these.
  UplinkState* emptiest(bool anchored_only) {
    UplinkState* best = nullptr;
    for (UplinkState& state : uplinks)
      if ((!anchored_only || state.anchor_registered) && (best == nullptr || state.spares < best->spares)) best = &state;
    return best;
  }
};

// A deprecated spare can not be given to a flow any more; an anchor does its work until it is invalid.
TimePoint useful_until(const PooledAddress& pooled) {
  return pooled.purpose == PoolPurpose::Spare ? pooled.entry.preferred_until : pooled.entry.valid_until;
}

bool can_be_given(const PooledAddress& pooled, TimePoint now) {
  return pooled.purpose == PoolPurpose::Spare && pooled.registered && pooled.rests_until <= now && pooled.entry.preferred_until > now;
}

Inventory take_inventory(std::span<const PooledAddress> pool, std::span<const Uplink> uplinks, const WarmPoolLimits& limits,
                         TimePoint now) {
  Inventory have;
  for (const Uplink& uplink : uplinks) {
    const bool needs_none = uplink.anchored || !limits.anchor_per_interface;
    have.uplinks.push_back({.uplink = &uplink, .has_anchor = needs_none, .anchor_registered = needs_none});
  }
  for (const PooledAddress& pooled : pool) {
    if (!pooled.registered) ++have.in_flight;
    // Not a spare yet, and not in anybody's way: it stays where it is bound.
    const bool rests = pooled.rests_until > now;
    if (rests && useful_until(pooled) > now && have.uplink_with(pooled.entry.care_of_address) != nullptr) continue;
    if (useful_until(pooled) <= now || rests) {
      have.surplus.push_back(&pooled);
      continue;
    }
    UplinkState* state = have.uplink_with(pooled.entry.care_of_address);
    if (state == nullptr) {
      have.homeless.push_back(&pooled);
    } else if (pooled.purpose == PoolPurpose::Anchor && !state->has_anchor) {
      state->has_anchor = true;
      state->anchor_registered = pooled.registered;
    } else if (pooled.purpose == PoolPurpose::Anchor || have.spares >= limits.spares) {
      have.surplus.push_back(&pooled);
    } else {
      ++have.spares;
      ++state->spares;
    }
  }
  return have;
}

}  // namespace

WarmPool::WarmPool(WarmPoolLimits limits) : limits_(limits), retry_(limits.initial_retry, limits.maximum_retry) {}

std::vector<PoolAction> WarmPool::actions(std::span<const Uplink> uplinks, std::size_t in_use, TimePoint now) const {
  std::vector<PoolAction> out;
  if (uplinks.empty()) return out;

  Inventory have = take_inventory(pool_, uplinks, limits_, now);
  std::size_t addresses = in_use + pool_.size();
  const auto may_allocate = [&] {
    return addresses < limits_.cap && have.in_flight < limits_.in_flight && now >= retry_at_;
  };
  const auto allocate = [&](PoolPurpose purpose, const Uplink& uplink) {
    out.push_back(AllocateAddress{.purpose = purpose, .interface = uplink.interface, .care_of_address = uplink.care_of_address});
    ++addresses;
    ++have.in_flight;
  };

  for (const UplinkState& state : have.uplinks)
    if (!state.has_anchor && may_allocate()) allocate(PoolPurpose::Anchor, *state.uplink);

  // An anchor without its uplink becomes a spare like any other: its care-of address is gone.
  for (const PooledAddress* pooled : have.homeless) {
    if (have.spares >= limits_.spares) {
      have.surplus.push_back(pooled);
      continue;
    }
    ++have.spares;  // also while it has to wait for an anchor: its place is taken
    if (UplinkState* state = have.emptiest(true)) {
      ++state->spares;
      out.push_back(RebindAddress{.home_address = pooled->entry.home_address,
                                  .interface = state->uplink->interface,
                                  .care_of_address = state->uplink->care_of_address});
    }
  }

  while (have.spares < limits_.spares && may_allocate()) {
    UplinkState* state = have.emptiest(false);
    allocate(PoolPurpose::Spare, *state->uplink);
    ++state->spares;
    ++have.spares;
  }

  // At the cap an address that flows can use is worth more than one that rests.
  if (have.spares < limits_.spares && addresses >= limits_.cap) {
    const auto oldest = std::min_element(pool_.begin(), pool_.end(), [now](const PooledAddress& a, const PooledAddress& b) {
      return std::pair{a.rests_until <= now, a.rests_until} < std::pair{b.rests_until <= now, b.rests_until};
    });
    if (oldest != pool_.end() && oldest->rests_until > now) out.push_back(ReleaseAddress{.home_address = oldest->entry.home_address});
  }

  for (const PooledAddress* pooled : have.surplus)
    out.push_back(ReleaseAddress{.home_address = pooled->entry.home_address});
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

bool WarmPool::adopt(const HomeAddressEntry& entry, TimePoint now) {
  if (find(entry.home_address) != nullptr) return false;
  const bool rests = limits_.rest > Duration::zero();
  const auto have = static_cast<std::size_t>(
      std::count_if(pool_.begin(), pool_.end(), [](const PooledAddress& p) { return p.purpose == PoolPurpose::Spare; }));
  if (rests ? resting(now) >= limits_.resting : have >= limits_.spares) return false;
  pool_.push_back({.entry = entry,
                   .purpose = PoolPurpose::Spare,
                   .registered = true,
                   .rests_until = rests ? now + limits_.rest : TimePoint::min()});
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
    if (!can_be_given(*pooled, now)) continue;
    if (best == pool_.end() || (pooled->entry.care_of_address == wanted_care_of_address &&
                                best->entry.care_of_address != wanted_care_of_address))
      best = pooled;
  }
  if (best == pool_.end()) return std::nullopt;
  const HomeAddressEntry entry = best->entry;
  pool_.erase(best);
  return entry;
}

std::vector<Address> WarmPool::givable_spares(const Address& wanted_care_of_address, TimePoint now) const {
  std::vector<Address> out;
  for (const bool where_wanted : {true, false})
    for (const auto& pooled : pool_)
      if (can_be_given(pooled, now) && (pooled.entry.care_of_address == wanted_care_of_address) == where_wanted)
        out.push_back(pooled.entry.home_address);
  return out;
}

bool WarmPool::has_spare(TimePoint now) const {
  return std::any_of(pool_.begin(), pool_.end(), [&](const PooledAddress& p) { return can_be_given(p, now); });
}

const PooledAddress* WarmPool::find(const Address& home_address) const {
  const auto found = std::find_if(pool_.begin(), pool_.end(),
                                  [&](const PooledAddress& p) { return p.entry.home_address == home_address; });
  return found == pool_.end() ? nullptr : &*found;
}

std::size_t WarmPool::spares(TimePoint now) const {
  return static_cast<std::size_t>(std::count_if(pool_.begin(), pool_.end(), [now](const PooledAddress& p) {
    return p.purpose == PoolPurpose::Spare && p.registered && p.rests_until <= now;
  }));
}

std::size_t WarmPool::resting(TimePoint now) const {
  return static_cast<std::size_t>(
      std::count_if(pool_.begin(), pool_.end(), [now](const PooledAddress& p) { return p.rests_until > now; }));
}

TimePoint WarmPool::rested_at(TimePoint now) const {
  TimePoint next = kNever;
  for (const PooledAddress& pooled : pool_)
    if (pooled.rests_until > now) next = std::min(next, pooled.rests_until);
  return next;
}

std::vector<PooledAddress>::iterator WarmPool::position(const Address& home_address) {
  return std::find_if(pool_.begin(), pool_.end(),
                      [&](const PooledAddress& p) { return p.entry.home_address == home_address; });
}

}  // namespace mipflow::hoa_alloc
