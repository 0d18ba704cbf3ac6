// SPDX-License-Identifier: GPL-3.0-or-later
// The address and policy service as the role sees it: hands messages to the part that deals with them.
#pragma once

#include <string>
#include <vector>

#include "address_service.hpp"
#include "agent_address_source.hpp"
#include "dhcpv6_client.hpp"
#include "home_prefixes.hpp"
#include "policy_service.hpp"
#include "service_gate.hpp"

namespace mipflow::home_agent {

struct AgentServiceParts {
  const Configuration& configuration;
  const Authorizations& authorizations;
  const HomePrefixes& prefixes;
  const BindingCache& cache;
  AddressLeases& leases;
  Counters& counters;
  RandomSource& random;
};

class AgentService {
 public:
  AgentService(AgentServiceParts parts, const PersistedServices& kept, Now now);

  void handle(const wire::AgentServiceMessage& message, const wire::PacketView& view, Now now, Outputs& outputs);
  void handle(const Dhcpv6Received& received, Now now, Outputs& outputs);
  void handle(const Dhcpv6Port& port, Now now, Outputs& outputs);

  void mobile_node_registered(const Address& mobile_node, Now now, Outputs& outputs) {
    addresses_.mobile_node_registered(mobile_node, now, outputs);
  }
  void binding_ended(const Address& home_address, TimePoint now) { addresses_.binding_ended(home_address, now); }
  void duplicate_found(const Address& home_address, Now now, Outputs& outputs) {
    addresses_.duplicate_found(home_address, now, outputs);
    addresses_.collect(now, outputs);
  }
  void prefixes_changed(Now now, Outputs& outputs);
  // `before`: the mobile nodes of the configuration that was replaced.
  void apply_configuration(const std::vector<MobileNodeAuthorization>& before, Now now, Outputs& outputs);
  // Home addresses that nobody may use any more, since the last call.
  std::vector<Address> take_lost() { return addresses_.take_lost(); }

  void on_deadline(Now now, Outputs& outputs);
  TimePoint next_deadline() const;

  PersistedServices persisted(Now now) const;
  bool changed() const { return addresses_.changed() || policies_.changed(); }
  void clear_changed();
  std::vector<std::string> troubles() const { return addresses_.troubles(); }

 private:
  // Does somebody use the address as a home address here, or is entitled to?
  bool is_taken(const Address& address) const;

  AgentServiceParts parts_;
  ServiceGate gate_;
  AgentAddressSource agent_source_;
  Dhcpv6AddressSource dhcpv6_source_;
  AddressService addresses_;
  PolicyService policies_;
};

}  // namespace mipflow::home_agent
