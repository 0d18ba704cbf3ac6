// SPDX-License-Identifier: GPL-3.0-or-later
// The mobile node role: RFC 6275 §11 with the flow handling of WO 2004/057826. It only dispatches; see base/role.hpp.
#pragma once

#include <memory>
#include <optional>
#include <string>
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
  // Moves it for `duration` only, then back, unless keep_flow() was called or, with `keep_if_better`, the measurements say
  // that it was no worse there. Another move of the flow ends the trial.
  Expected<void, CommandError> try_flow(FlowId flow, std::string_view interface_name, Duration duration, bool keep_if_better,
                                        Now now, Outputs& outputs);
  Expected<void, CommandError> keep_flow(FlowId flow, Now now, Outputs& outputs);
  // Takes back the last move by command of the flow, or with nullopt of any flow. Returns the flow.
  Expected<FlowId, CommandError> undo_move(std::optional<FlowId> flow, Now now, Outputs& outputs);
  // Leaves the interface to the policy again.
  Expected<void, CommandError> release_flow(FlowId flow, Now now, Outputs& outputs);

  // Registers one more home address and keeps it, flows or not. It is in the list at once and registered later.
  Expected<Address, CommandError> allocate_home_address(Now now, Outputs& outputs);
  // De-registers one that no flow uses.
  Expected<void, CommandError> free_home_address(const Address& home_address, Now now, Outputs& outputs);
  // Keeps a home address registered when its last flow has ended, or no longer does.
  Expected<void, CommandError> pin_home_address(const Address& home_address, bool pinned, Now now, Outputs& outputs);

  // Takes a new policy; live flows without an operator's choice are moved where it says. Returns the moved flows.
  std::vector<FlowId> set_policy(std::shared_ptr<const flow_separator::Policy> policy, Now now, Outputs& outputs);
  // Sends the de-registrations of a clean stop (Lifetime 0 for every home address). The caller gives the
  // acknowledgements a moment and empties the plan.
  void stop(Now now, Outputs& outputs);
  bool stopped() const;  // every de-registration was answered or given up

  // What set_policy() would do to the live flows that it concerns; changes nothing.
  std::vector<PolicyEffect> effect_of(const flow_separator::Policy& policy, Now now) const;
  // Why this policy must not be used (it would cut the node off from its home agent), as a sentence; empty when it may.
  std::string objection_to(const flow_separator::Policy& policy, Now now) const;

  const std::shared_ptr<const flow_separator::Policy>& policy() const;  // the one in use

  // Whether the treatment of this first packet may depend on who its socket belongs to, so that it is worth to look that up
  // before the packet is handed over. `wishes`: some program or socket is wanted to go its own way.
  bool needs_owner(const FlowPacket& packet, bool wishes) const;

  StatusSnapshot status(Now now) const;
  std::optional<FlowExplanation> explain(FlowId flow, Now now) const;
  std::optional<FlowSnapshot> find_flow(const FlowKey& key, Now now) const;
  MoveStatistics move_statistics() const;
  std::vector<FlowSnapshot> flows(Now now) const;
  std::vector<HomeAddressSnapshot> home_addresses(Now now) const;
  std::vector<InterfaceSnapshot> interfaces(Now now) const;
  std::vector<BindingSnapshot> bindings(Now now) const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace mipflow::mobile_node
