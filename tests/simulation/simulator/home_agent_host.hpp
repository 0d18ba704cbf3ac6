// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <vector>

#include "mipflow/home-agent/home_agent.hpp"
#include "simulation/simulator/home_link.hpp"
#include "simulation/simulator/role_host.hpp"

namespace mipflow::simulation {

// The home agent's machine: the role, a router between the home link and the rest of the world, and what the data path
// would do by the kernel's tables.
class HomeAgentHost final : public RoleHost {
 public:
  HomeAgentHost(EventQueue& clock, Network& network, home_agent::Configuration configuration, std::uint64_t seed);

  home_agent::HomeAgent& role() { return *role_; }
  bool running() const { return role_ != nullptr; }
  std::vector<home_agent::BindingSnapshot> bindings() const { return role_->bindings(time()); }
  // The care-of address that packets to the home address are sent to; `::` when none is.
  Address tunnelled_to(const Address& home_address) const;

  // The daemon dies; its kernel state is taken away, what it persisted stays. And starts again.
  void stop();
  void start(bool with_persisted_bindings = true);

  void receive(const Bytes& packet, Attachment& at) override;
  void receive_on_home_link(const Bytes& packet, const LinkLayerAddress& from);
  // Does this machine answer Neighbor Solicitations for the address?
  bool answers_for(const Address& address) const;

  HomeLink home_link;
  bool writes_to_disk = true;                // false: what changes from now on does not survive stop()
  std::uint64_t refused_tunnel_packets = 0;  // reverse-tunnelled from an address that is not registered

 private:
  void wake() override;
  void send(const OutgoingPacket& packet) override;
  void carried_out();
  void to_role(const PacketReceived& packet);
  void decapsulate(const Bytes& packet);
  void forward(const Bytes& packet);

  home_agent::Configuration configuration_;
  SeededRandom random_;
  Attachment& outside_;
  std::vector<home_agent::PersistedBinding> persisted_;
  std::unique_ptr<home_agent::HomeAgent> role_;
  std::unique_ptr<platform::Runner<home_agent::HomeAgent, home_agent::Event>> runner_;
};

}  // namespace mipflow::simulation
