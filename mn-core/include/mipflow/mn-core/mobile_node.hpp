// SPDX-License-Identifier: GPL-3.0-or-later
// The mobile node role: RFC 6275 §11 with the flow handling of WO 2004/057826. It only dispatches; see base/role.hpp.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "mipflow/base/expected.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"
#include "mipflow/mn-core/configuration.hpp"
#include "mipflow/mn-core/events.hpp"
#include "mipflow/mn-core/snapshot.hpp"

namespace mipflow::flow_separator {
class Policy;
}

namespace mipflow::mobile_node {

class MobileNode {
 public:
  // `random` must outlive the node.
  MobileNode(Configuration configuration, std::shared_ptr<const flow_separator::Policy> policy, RandomSource& random);
  ~MobileNode();
  MobileNode(const MobileNode&) = delete;
  MobileNode& operator=(const MobileNode&) = delete;

  void handle(const Event& event, Now now, Outputs& outputs);
  void on_deadline(Now now, Outputs& outputs);
  TimePoint next_deadline() const;
  forwarding::ForwardingPlan& plan();
  const forwarding::ForwardingPlan& plan() const;

  // Commands. A refused command changes nothing.
  // Moves a flow, and with it the flows that `moves_with` names, to the interface; the choice stays until the
  // interface becomes unusable or the flow is moved again.
  Expected<void, CommandError> move_flow(FlowId flow, std::string_view interface_name, Now now, Outputs& outputs);
  // Takes a new policy; live flows without an operator's choice are moved where it says. Returns the moved flows.
  std::vector<FlowId> set_policy(std::shared_ptr<const flow_separator::Policy> policy, Now now, Outputs& outputs);
  // Sends the de-registrations of a clean stop (Lifetime 0 for every home address). The caller gives the
  // acknowledgements a moment and empties the plan.
  void stop(Now now, Outputs& outputs);
  bool stopped() const;  // every de-registration was answered or given up

  StatusSnapshot status(Now now) const;
  std::vector<FlowSnapshot> flows(Now now) const;
  std::vector<HomeAddressSnapshot> home_addresses(Now now) const;
  std::vector<InterfaceSnapshot> interfaces(Now now) const;
  std::vector<BindingSnapshot> bindings(Now now) const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace mipflow::mobile_node
