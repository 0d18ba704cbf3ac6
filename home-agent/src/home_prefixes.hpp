// SPDX-License-Identifier: GPL-3.0-or-later
// The prefixes of the home link and how long they and the bindings below them live.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mipflow/base/time.hpp"
#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/wire/constants.hpp"
#include "mipflow/wire/icmpv6.hpp"

namespace mipflow::home_agent {

// What is left of a prefix's lifetimes, in whole units of 4 s (RFC 6275 §10.3.1: the two low bits of the seconds do not
// count).
struct PrefixLifetimes {
  std::uint64_t valid_units = 0;
  std::uint64_t preferred_units = 0;
};

class HomePrefixes {
 public:
  HomePrefixes() = default;
  HomePrefixes(std::vector<HomePrefix> prefixes, TimePoint told_at);

  // Of the longest valid prefix that contains the address; nullopt when there is none ("not home subnet").
  std::optional<PrefixLifetimes> find(const Address& home_address, TimePoint now) const;
  // The whole list as a Mobile Prefix Advertisement tells it; R is set where the prefix holds the home agent's address.
  std::vector<wire::PrefixInformation> advertised(const Address& home_agent_address, TimePoint now) const;
  const std::vector<HomePrefix>& configured() const { return prefixes_; }

 private:
  Duration remaining(const HomePrefix& prefix, Duration lifetime, TimePoint now) const;

  std::vector<HomePrefix> prefixes_;
  TimePoint told_at_{};
};

struct GrantedLifetime {
  std::uint16_t units = 0;  // of 4 s
  wire::BindingStatus status = wire::BindingStatus::Accepted;
};

// RFC 6275 §10.3.1: the shortest of what was asked for, the prefix's valid lifetime, and `longest`, with the status that
// goes with it.
GrantedLifetime grant_lifetime(std::uint16_t requested_units, const PrefixLifetimes& prefix, Duration longest);

}  // namespace mipflow::home_agent
