// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <unordered_map>
#include <vector>

#include "mipflow/base/deadline_queue.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"

namespace mipflow::home_agent {

// The home link as the home agent stands on it; interface 0 is a virtual home link, where nobody has to be told anything.
struct HomeLink {
  InterfaceIndex interface = 0;
  LinkLayerAddress link_layer_address{};
  Address home_agent_address;
};

// Attracts the packets to home addresses on the home link, RFC 6275 §10.4.1: answers Neighbor Solicitations (the kernel
// does, from the plan) and tells all nodes once when the service starts, up to three times a second apart because
// multicast gets lost.
class NeighbourDefence {
 public:
  explicit NeighbourDefence(forwarding::ForwardingPlan& plan) : plan_(plan) {}

  // Only while nothing is defended.
  void set_home_link(const HomeLink& link) { link_ = link; }

  // Starts to defend; the first advertisement goes out at `first`, that is on_deadline() at the earliest.
  void start(const Address& home_address, bool with_link_local, TimePoint first);
  // What is defended is told to all nodes again, as often as at the start, the first time at `first`; that replaces what is
  // still to come. For when somebody else may have told them otherwise meanwhile. Nothing for what is not defended.
  void announce_again(const Address& home_address, TimePoint first);
  void stop(const Address& home_address);
  // L was taken back by a later Binding Update.
  void stop_link_local(const Address& home_address);

  // The home addresses that this link-local address is defended for: several when they have the interface identifier in
  // common below different prefixes.
  std::vector<Address> home_addresses_with(const Address& link_local) const;

  TimePoint next_deadline() const { return announcements_.next(); }
  void on_deadline(TimePoint now, Outputs& outputs);

 private:
  // The entry of `link_locals_` that stands for this home address, end() when there is none.
  std::unordered_multimap<Address, Address>::const_iterator find_link_local(const Address& home_address) const;
  void advertise(const Address& target, Outputs& outputs) const;

  forwarding::ForwardingPlan& plan_;
  HomeLink link_;
  std::unordered_multimap<Address, Address> link_locals_;  // link-local address -> home address it is defended for
  DeadlineQueue<Address> announcements_;                   // by home address
  std::unordered_map<Address, unsigned> announced_;        // how often; only while there is something left to announce
};

}  // namespace mipflow::home_agent
