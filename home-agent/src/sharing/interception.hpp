// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <unordered_map>

#include "mipflow/base/address.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"
#include "neighbour_defence.hpp"

namespace mipflow::home_agent {

// Draws the packets to a home address to this node (EP 1134991: "interception"), apart from tunnelling them (tunnels.hpp),
// which goes on for a while for what late caches still send here. On a home link by proxy neighbour discovery; on a routed
// (virtual) home network by a host route in a kernel table of its own that a routing daemon announces
// (forwarding::ForwardingPlan::announced_routes), where that is needed: the covering prefix leads to the primary anyway.
class Interception {
 public:
  Interception(forwarding::ForwardingPlan& plan, NeighbourDefence& defence) : plan_(plan), defence_(defence) {}

  // What is intercepted already, as it was restored, is so on this link from now on, and not announced.
  void set_home_link(const HomeLink& link) { settle_on(link, kNever, Duration{}); }
  // Everything that is intercepted is so on another link from now on. The first of them is announced there at `first`, each
  // further one a moment after the one before it, so that a million of them do not flood the link.
  void move_to_home_link(const HomeLink& link, TimePoint first);

  enum class Preference : std::uint8_t {
    CoveringPrefix,  // the primary's own: no host route
    HostRoute,       // a secondary's
    OverHostRoute,   // the primary takes back from a secondary that may still announce its own
  };
  // Starts; `first`: of the announcements on a home link (NeighbourDefence::start), kNever for none until announce_again().
  // For what is intercepted already it changes the preference and whether the link-local address is defended as well, and
  // announces nothing but a link-local address that is new.
  void start(const Address& home_address, bool with_link_local, Preference preference, TimePoint first);
  void stop(const Address& home_address);
  // Announces again on the home link from `first` on: late caches heal. Nothing on a virtual one.
  void announce_again(const Address& home_address, TimePoint first);
  bool intercepts(const Address& home_address) const { return intercepted_.contains(home_address); }

 private:
  struct Intercepted {
    bool with_link_local = false;
    Preference preference = Preference::CoveringPrefix;
  };
  void settle_on(const HomeLink& link, TimePoint first, Duration between);
  // The host route that the preference asks for; on a home link there is none.
  void announce_route(const Address& home_address, Preference preference);

  forwarding::ForwardingPlan& plan_;
  NeighbourDefence& defence_;
  InterfaceIndex home_interface_ = 0;
  std::unordered_map<Address, Intercepted> intercepted_;
};

}  // namespace mipflow::home_agent
