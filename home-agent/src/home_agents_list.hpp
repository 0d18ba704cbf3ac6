// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/wire/icmpv6.hpp"

namespace mipflow::home_agent {

// The other home agents of the home link, RFC 6275 §10.1: heard by their Router Advertisements, or named by the operator where
// there is no link to hear them on.
class HomeAgentsList {
 public:
  // On a link where anybody can advertise anything.
  static constexpr std::size_t kMostAgents = 256;
  static constexpr std::size_t kMostAddresses = 16;  // of one agent

  // RFC 6275 §10.5.1. `from`: the advertisement's source; one that is not link-local is no advertisement (RFC 4861 §6.1.2).
  void handle(const wire::RouterAdvertisement& advertisement, const Address& from, TimePoint now);
  // Behind a change of the home link.
  void clear() { heard_.clear(); }

  // All global addresses of all home agents, this one with them, by decreasing preference; agents of equal preference, and the
  // addresses of one, in a new random order each time.
  std::vector<Address> in_order(const Configuration& configuration, RandomSource& random, TimePoint now);

 private:
  struct Agent {
    std::uint16_t preference = 0;
    TimePoint ends{};
    std::map<Address, TimePoint> addresses;  // an address lives no longer than its prefix
  };
  void remove_ended(TimePoint now);

  std::map<Address, Agent> heard_;  // by link-local address
};

}  // namespace mipflow::home_agent
