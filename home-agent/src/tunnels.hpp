// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <unordered_map>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/deadline_queue.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"

namespace mipflow::home_agent {

// The tunnels between home agent and mobile nodes in the plan, RFC 6275 §10.4.2 and §10.4.5. Outgoing packets follow a
// new care-of address at once. Incoming ones are accepted from the one before for a moment more: packets that were under
// way when the mobile node moved. That opens no door, as the address was registered with authentication until just now.
class Tunnels {
 public:
  // A mobile node that keeps to MAX_UPDATE_RATE moves six times in two seconds; from whoever moves faster the oldest ones
  // are not accepted any more.
  static constexpr std::size_t kMostPrevious = 8;

  explicit Tunnels(forwarding::ForwardingPlan& plan) : plan_(plan) {}

  // Tunnels to `care_of_address` from now on. `keep_previous_until`: how long the present care-of address, when it is
  // another one, stays a source of reverse-tunnelled packets.
  void set(const Address& home_address, const Address& care_of_address, const Address& home_agent_address,
           TimePoint keep_previous_until);
  // The same for a mobile node whose reverse-tunnelled packets go to another home agent: none of them is accepted here.
  void set_outgoing(const Address& home_address, const Address& care_of_address, const Address& home_agent_address);
  // Ends everything at once, the moment of the care-of addresses before included.
  void remove(const Address& home_address);

  // The prefixes whose home addresses have one route in common to this node, forwarding::ForwardingPlan::home_networks.
  void set_home_networks(const std::vector<Prefix>& prefixes);

  bool contains(const Address& home_address) const { return plan_.tunnels.find(home_address) != nullptr; }
  // Is the care-of address one that packets of the home address may come from, or may still be under way to?
  bool knows(const Address& home_address, const Address& care_of_address) const;

  TimePoint next_deadline() const { return leaving_.next(); }
  void on_deadline(TimePoint now);

 private:
  void accept_nothing(const Address& home_address);
  void forget_previous(const Address& home_address, Address care_of_address);

  forwarding::ForwardingPlan& plan_;
  std::unordered_map<Address, std::vector<Address>> previous_;  // by home address, oldest first; only while there are some
  DeadlineQueue<forwarding::TunnelSource> leaving_;
};

}  // namespace mipflow::home_agent
