// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <vector>

#include "mipflow/correspondent-node/correspondent_node.hpp"
#include "simulation/simulator/correspondent_data_path.hpp"
#include "simulation/simulator/correspondent_host.hpp"
#include "simulation/simulator/role_host.hpp"

namespace mipflow::simulation {

// A correspondent node that does route optimisation: the role, the data path, and an upper layer that answers every datagram
// with one of the same number and every Echo Request.
class CorrespondentNodeHost final : public RoleHost {
 public:
  CorrespondentNodeHost(EventQueue& clock, Network& network, const correspondent_node::Configuration& configuration,
                        const std::vector<Address>& addresses, std::uint64_t seed);

  correspondent_node::CorrespondentNode& role() { return *role_; }
  std::vector<correspondent_node::BindingSnapshot> bindings() const { return role_->bindings(time()); }
  // The care-of address that packets to the home address go to; `::` when it has no binding.
  Address sends_to(const Address& home_address, const Address& own) const;
  // The daemon starts again: it knows nothing of its bindings, nor its nonces.
  void restart();

  void receive(const Bytes& packet, Attachment& at) override;
  // Both by the data path: with a type 2 routing header when there is a binding.
  void send(const Datagram& datagram) { transmit(encode(datagram)); }
  void transmit(const Bytes& packet) { network_.send(attachment_, data_path_.departing(packet)); }

  bool answers = true;
  std::vector<Arrival> arrived;

 private:
  using Role = correspondent_node::CorrespondentNode;

  void start();
  void wake() override { runner_->on_deadline(); }
  void send(const OutgoingPacket& packet) override { network_.send(attachment_, packet.packet); }
  void report_activity();
  void upper_layer(const Bytes& packet, bool direct);

  correspondent_node::Configuration configuration_;
  SeededRandom random_;
  Attachment& attachment_;
  CorrespondentDataPath data_path_;
  forwarding::ForwardingPlan plan_;
  std::unique_ptr<Role> role_;
  std::unique_ptr<platform::Runner<Role, correspondent_node::Event>> runner_;
};

}  // namespace mipflow::simulation
