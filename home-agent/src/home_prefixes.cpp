// SPDX-License-Identifier: GPL-3.0-or-later
#include "home_prefixes.hpp"

#include <algorithm>
#include <utility>

namespace mipflow::home_agent {

namespace {

// RFC 4861 §4.6.2: all ones mean forever.
constexpr std::uint32_t kForever = 0xffff'ffff;
constexpr Duration kForeverDuration = std::chrono::seconds{kForever};

std::uint32_t seconds_of(Duration lifetime) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(lifetime).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, kForever));
}

std::uint64_t units_of(Duration lifetime) {
  return lifetime <= Duration::zero() ? 0 : static_cast<std::uint64_t>(lifetime / wire::kLifetimeUnit);
}

}  // namespace

HomePrefixes::HomePrefixes(std::vector<HomePrefix> prefixes, TimePoint told_at)
    : prefixes_(std::move(prefixes)), told_at_(told_at) {}

Duration HomePrefixes::remaining(const HomePrefix& prefix, Duration lifetime, TimePoint now) const {
  if (lifetime >= kForeverDuration) return kForeverDuration;
  if (!prefix.lifetimes_count_down) return lifetime;
  return std::max(lifetime - (now - told_at_), Duration::zero());
}

std::optional<PrefixLifetimes> HomePrefixes::find(const Address& home_address, TimePoint now) const {
  const HomePrefix* best = nullptr;
  for (const HomePrefix& candidate : prefixes_) {
    if (!candidate.prefix.contains(home_address)) continue;
    if (remaining(candidate, candidate.valid_lifetime, now) < wire::kLifetimeUnit) continue;
    if (best == nullptr || candidate.prefix.length() > best->prefix.length()) best = &candidate;
  }
  if (best == nullptr) return std::nullopt;
  return PrefixLifetimes{units_of(remaining(*best, best->valid_lifetime, now)),
                         units_of(remaining(*best, best->preferred_lifetime, now))};
}

std::vector<wire::PrefixInformation> HomePrefixes::advertised(const Address& home_agent_address, TimePoint now) const {
  std::vector<wire::PrefixInformation> list;
  for (const HomePrefix& home : prefixes_) {
    wire::PrefixInformation item;
    item.prefix_length = static_cast<std::uint8_t>(home.prefix.length());
    item.on_link = true;
    // RFC 4862 §5.5.3 (d): prefix and interface identifier have to add up to 128 bits.
    item.autonomous = home.prefix.length() == 64;
    item.router_address = home.prefix.contains(home_agent_address);
    item.prefix = item.router_address ? home_agent_address : home.prefix.address();
    const Duration valid = remaining(home, home.valid_lifetime, now);
    item.valid_lifetime = seconds_of(valid);
    item.preferred_lifetime = seconds_of(std::min(valid, remaining(home, home.preferred_lifetime, now)));
    list.push_back(item);
  }
  return list;
}

GrantedLifetime grant_lifetime(std::uint16_t requested_units, const PrefixLifetimes& prefix, Duration longest) {
  const std::uint64_t policy = std::max<std::uint64_t>(units_of(longest), 1);
  const std::uint64_t units = std::min({std::uint64_t{requested_units}, prefix.valid_units, policy});
  const bool deprecated_before_the_end = prefix.preferred_units < units;
  const bool invalid_at_the_end = prefix.valid_units <= units;
  return {static_cast<std::uint16_t>(units), deprecated_before_the_end || invalid_at_the_end
                                                 ? wire::BindingStatus::AcceptedPrefixDiscoveryNecessary
                                                 : wire::BindingStatus::Accepted};
}

}  // namespace mipflow::home_agent
