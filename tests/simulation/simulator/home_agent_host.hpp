// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/wire/packet.hpp"
#include "simulation/simulator/correspondent_data_path.hpp"
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

  // The machine dies, and its kernel state with it; what it persisted stays, and so does what it announced to the network, which
  // does not notice. And starts again.
  void stop();
  void start(bool with_persisted_bindings = true);
  const home_agent::Configuration& configuration() const { return configuration_; }
  void configure(home_agent::Configuration configuration);
  // The network routes the home prefixes to this machine: the other router of the home link is gone.
  void take_home_prefixes();
  // What the operator says.
  void command(const std::function<void(home_agent::HomeAgent&, Now, Outputs&)>& action);

  void receive(const Bytes& packet, Attachment& at) override;
  void receive_on_home_link(const Bytes& packet, const LinkLayerAddress& from);
  // Does this machine answer Neighbor Solicitations for the address?
  bool answers_for(const Address& address) const;

  HomeLink home_link;
  bool writes_to_disk = true;                // false: what changes from now on does not survive stop()
  std::uint64_t tunnelled = 0;               // packets
  std::uint64_t refused_tunnel_packets = 0;  // reverse-tunnelled from an address that is not registered

 private:
  void wake() override;
  void send(const OutgoingPacket& packet) override;
  void add(const platform::PlanChanges& changes, std::vector<platform::Failure>& failures) override;
  void remove(const platform::PlanChanges& changes, std::vector<platform::Failure>& failures) override;
  void carried_out();
  void to_role(const PacketReceived& packet);
  void decapsulate(const Bytes& packet);
  void forward(const Bytes& packet);
  void upper_layer(const Bytes& packet);
  std::optional<Bytes> forwarding_message(const wire::PacketView& view) const;
  void report_activity();

  home_agent::Configuration configuration_;
  SeededRandom random_;
  Attachment& outside_;
  CorrespondentDataPath correspondent_;
  std::unordered_map<Address, home_agent::TunnelActivity::Entry> tunnel_activity_;
  std::vector<Address> left_behind_;  // host routes that the network still has
  std::vector<home_agent::PersistedBinding> persisted_;
  home_agent::PersistedServices persisted_services_;
  std::unique_ptr<home_agent::HomeAgent> role_;
  std::unique_ptr<platform::Runner<home_agent::HomeAgent, home_agent::Event>> runner_;
};

}  // namespace mipflow::simulation
