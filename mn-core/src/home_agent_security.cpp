// SPDX-License-Identifier: GPL-3.0-or-later
#include "home_agent_security.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "mipflow/wire/authentication.hpp"

namespace mipflow::mobile_node {

HomeAgentSecurity::HomeAgentSecurity(const Configuration& configuration)
    : required_(configuration.authentication == Authentication::Rfc4285),
      association_(configuration.security_association),
      primary_home_address_(configuration.primary_home_address) {}

BytesView HomeAgentSecurity::key_for(const Address& home_address) {
  if (home_address == primary_home_address_) return association_.key;
  const auto found = derived_.find(home_address);
  if (found != derived_.end()) return found->second;
  return derived_.emplace(home_address, wire::derived_key(association_, primary_home_address_, home_address)).first->second;
}

std::uint64_t HomeAgentSecurity::next_timestamp(Now now) {
  last_timestamp_ = std::max(wire::ntp_timestamp(now.wall + clock_offset_), last_timestamp_ + 1);
  return last_timestamp_;
}

void HomeAgentSecurity::forget_clock() {
  clock_offset_ = {};
  last_timestamp_ = 0;
}

void HomeAgentSecurity::learn_clock(std::uint64_t returned, Now now) {
  // The answer tells whole seconds only, so anything up to two of them may be rounding and the way there.
  constexpr Duration kNoDifference = std::chrono::seconds{2};
  const Duration home_agent = wire::wall_of_ntp(returned & 0xffff'ffff'0000'0000ULL);
  const Duration difference = home_agent - (now.wall + clock_offset_);
  if (difference >= -kNoDifference && difference <= kNoDifference) return;
  clock_offset_ += difference;
  last_timestamp_ = 0;
}

}  // namespace mipflow::mobile_node
