// SPDX-License-Identifier: GPL-3.0-or-later
#include "sharing/interception.hpp"

#include <chrono>

namespace mipflow::home_agent {

namespace {

// Lower is better, docs/operations.md. What a secondary announces has to give way to the primary's own for the moment in
// which both are there.
constexpr std::uint32_t kMetricOfHostRoute = 100;
constexpr std::uint32_t kMetricOverHostRoute = 10;
constexpr Duration kBetweenAnnouncements = std::chrono::milliseconds{10};

}  // namespace

void Interception::move_to_home_link(const HomeLink& link, TimePoint first) { settle_on(link, first, kBetweenAnnouncements); }

void Interception::settle_on(const HomeLink& link, TimePoint first, Duration between) {
  for (const auto& [home_address, intercepted] : intercepted_) {
    defence_.stop(home_address);
    plan_.announced_routes.erase(home_address);
  }
  home_interface_ = link.interface;
  defence_.set_home_link(link);
  for (const auto& [home_address, intercepted] : intercepted_) {
    announce_route(home_address, intercepted.preference);
    defence_.start(home_address, intercepted.with_link_local, first);
    first += between;
  }
}

void Interception::start(const Address& home_address, bool with_link_local, Preference preference, TimePoint first) {
  const auto [found, inserted] = intercepted_.try_emplace(home_address);
  Intercepted& intercepted = found->second;
  if (inserted || (with_link_local && !intercepted.with_link_local))
    defence_.start(home_address, with_link_local, first);
  else if (!with_link_local && intercepted.with_link_local)
    defence_.stop_link_local(home_address);
  intercepted = {with_link_local, preference};
  announce_route(home_address, preference);
}

void Interception::stop(const Address& home_address) {
  if (intercepted_.erase(home_address) == 0) return;
  plan_.announced_routes.erase(home_address);
  defence_.stop(home_address);
}

void Interception::announce_again(const Address& home_address, TimePoint first) {
  if (intercepts(home_address)) defence_.announce_again(home_address, first);
}

void Interception::announce_route(const Address& home_address, Preference preference) {
  if (home_interface_ != 0) return;
  switch (preference) {
    case Preference::CoveringPrefix:
      plan_.announced_routes.erase(home_address);
      return;
    case Preference::HostRoute:
      plan_.announced_routes.set(home_address, {kMetricOfHostRoute});
      return;
    case Preference::OverHostRoute:
      plan_.announced_routes.set(home_address, {kMetricOverHostRoute});
      return;
  }
}

}  // namespace mipflow::home_agent
