// SPDX-License-Identifier: GPL-3.0-or-later
// Dispatches events and deadlines to the parts of the mobile node; decides nothing itself.
#include "mipflow/mn-core/mobile_node.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "correspondent_registration.hpp"
#include "flow_commands.hpp"
#include "flows.hpp"
#include "forwarding.hpp"
#include "goodbye.hpp"
#include "home_address_commands.hpp"
#include "home_addresses.hpp"
#include "home_agent_search.hpp"
#include "interface_quality.hpp"
#include "move_sequence.hpp"
#include "node.hpp"
#include "pins.hpp"
#include "service_input.hpp"
#include "policy_change.hpp"
#include "route_optimization.hpp"
#include "signalling_input.hpp"
#include "snapshots.hpp"
#include "socket_addresses.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {

class MobileNode::Implementation {
 public:
  Implementation(Configuration configuration, std::shared_ptr<const flow_separator::Policy> policy, RandomSource& random)
      : node(std::move(configuration), std::move(policy), random) {}

  void handle(const PacketReceived& event, Now now, Outputs& outputs) {
    if (!node.reachability.receive(event, now.monotonic)) receive_signalling(node, event, now, outputs);
    look_at_quality(now, outputs);
  }
  void handle(const InterfaceChanged& event, Now now, Outputs& outputs) { moved(node.movement.handle(event, now.monotonic), now, outputs); }
  void handle(const InterfaceRemoved& event, Now now, Outputs& outputs) { moved(node.movement.handle(event), now, outputs); }
  void handle(const AddressChanged& event, Now now, Outputs& outputs) {
    if (node.managed.contains(event.address)) return;
    moved(node.movement.handle(event, now.monotonic), now, outputs);
  }
  void handle(const AddressRemoved& event, Now now, Outputs& outputs) { moved(node.movement.handle(event, now.monotonic), now, outputs); }
  void handle(const RouterChanged& event, Now now, Outputs& outputs) { moved(node.movement.handle(event, now.monotonic), now, outputs); }
  void handle(const RouterRemoved& event, Now now, Outputs& outputs) { moved(node.movement.handle(event, now.monotonic), now, outputs); }
  void handle(const FlowPacket& event, Now now, Outputs& outputs) {
    switch (event.direction) {
      case Direction::Outgoing: return process_outgoing_packet(node, event, now, outputs);
      case Direction::Incoming: return process_incoming_packet(node, event, now, outputs);
    }
  }
  void handle(const FlowOwnerFound& event, Now now, Outputs& outputs) { owner_found(node, event, now, outputs); }
  void handle(const TimeOfDay& event, Now now, Outputs& outputs) { time_of_day_changed(node, event, now, outputs); }
  void handle(const FlowActivities& event, Now now, Outputs& outputs) { handle_activities(node, event, now, outputs); }
  void handle(const HomeAgentRecovered& event, Now now, Outputs&) { home_agent_recovered(node, event, now.monotonic); }
  void handle(const FlowRecovered& event, Now now, Outputs& outputs) { recover_flow(node, event, now, outputs); }
  void handle(const HomeAddressRecovered& event, Now now, Outputs&) { recover_binding(node, event, now.monotonic); }
  void handle(const CorrespondentRecovered& event, Now now, Outputs&) { recover_correspondent(node, event, now); }
  void handle(const PlanRefused& event, Now, Outputs& outputs) {
    outputs.notices.push_back({Severity::Error, "plan-refused",
                               "The kernel refused " + event.what + " (error " + std::to_string(event.error) + ")."});
  }

  void on_deadline(Now now, Outputs& outputs) {
    node.moves.happens(MoveCause::Policy, now.monotonic);
    // First: packets follow what the call before sent.
    correspondent_deadlines(node, now, outputs);
    if (node.movement.on_deadline(now.monotonic)) moved(true, now, outputs);
    if (node.reachability.next_deadline() <= now.monotonic) {
      node.reachability.on_deadline(now.monotonic, outputs);
      look_at_quality(now, outputs);
    }
    if (node.choose_again_at <= now.monotonic) {
      node.choose_again_at = kNever;
      moved(true, now, outputs);
    }
    if (node.path_mtu.on_deadline(now.monotonic)) plan_default_route(node);
    home_agent_deadlines(node, now, outputs);
    registration_deadlines(node, now, outputs);
    prefix_deadlines(node, now, outputs);
    refresh_leases(node, now);
    agent_service_deadline(node, now, outputs);
    release_overdue_packets(node, now, outputs);
    end_trials(node, now, outputs);
    returning_home_deadline(node, now, outputs);
    if (!node.primary().at_home_on) expire_flows(node, now, outputs);
    if (move_sequence_deadline(node) <= now.monotonic) run_move_sequence(node, now, outputs);
    if (std::min(node.upkeep_due, node.pool_retry) <= now.monotonic) upkeep(now, outputs);
    continue_goodbye(node, now, outputs);
    keep_pins(node, now, outputs);
  }

  TimePoint next_deadline() const {
    TimePoint next = std::min({node.movement.next_deadline(), next_home_agent_deadline(node), node.reachability.next_deadline(), node.choose_again_at,
                               node.path_mtu.next_deadline(), node.agent_service.next_deadline(),
                               node.prefix_discovery.next_deadline(), node.held.next_deadline(),
                               node.primary().at_home_on ? kNever : node.flows.next_deadline(),
                               node.returning_home.next_deadline(), node.correspondents.next_due(), move_sequence_deadline(node),
                               trials_deadline(node), node.pool_retry, node.upkeep_due,
                               node.primary_leaves_at, node.leases_refreshed_at});
    for (const auto& [home_address, address] : node.managed) next = std::min(next, address.registration.next_deadline());
    return next;
  }

  void stop(Now now, Outputs& outputs) {
    begin_goodbye(node, now, outputs);
    for (const auto& packet : node.held.take_all()) outputs.verdicts.push_back({packet.id, VerdictKind::Accept});
  }
  bool stopped() const { return goodbye_is_over(node); }

  Node node;

 private:
  // Something changed about the interfaces: everything that depends on them is looked at again.
  void moved(bool concerns_flows, Now now, Outputs& outputs) {
    plan_care_of_addresses(node);
    if (!concerns_flows) return;
    ways_changed(node, now);
    update_interface_quality(node, now, outputs);
    tell_usability(node, outputs);
    choose_targets(node, now, outputs);
    reroute_releases(node, now, outputs);
    keep_pool(node, now, outputs);
  }

  void look_at_quality(Now now, Outputs& outputs) {
    if (update_interface_quality(node, now, outputs)) moved(true, now, outputs);
    doubt_home_agent(node, now, outputs);
  }

  void upkeep(Now now, Outputs& outputs) {
    node.upkeep_due = kNever;
    check_returning_home(node, now, outputs);
    run_move_sequence(node, now, outputs);
    take_up_pins(node, now, outputs);
    keep_reserved_addresses(node, now, outputs);
    keep_pool(node, now, outputs);
    node.pool_retry = std::min(node.pool.retry_at(now.monotonic), node.pool.rested_at(now.monotonic));
  }
};

MobileNode::MobileNode(Configuration configuration, std::shared_ptr<const flow_separator::Policy> policy, RandomSource& random)
    : implementation_(std::make_unique<Implementation>(std::move(configuration), std::move(policy), random)) {}
MobileNode::~MobileNode() = default;

void MobileNode::handle(const Event& event, Now now, Outputs& outputs) {
  implementation_->node.moves.happens(MoveCause::Policy, now.monotonic);
  std::visit([&](const auto& happened) { implementation_->handle(happened, now, outputs); }, event);
  continue_goodbye(implementation_->node, now, outputs);
  keep_pins(implementation_->node, now, outputs);
  plan_socket_addresses(implementation_->node, now);
}
void MobileNode::on_deadline(Now now, Outputs& outputs) {
  implementation_->on_deadline(now, outputs);
  plan_socket_addresses(implementation_->node, now);
}
TimePoint MobileNode::next_deadline() const { return implementation_->next_deadline(); }
forwarding::ForwardingPlan& MobileNode::plan() { return implementation_->node.plan; }
const forwarding::ForwardingPlan& MobileNode::plan() const { return implementation_->node.plan; }

Expected<void, CommandError> MobileNode::move_flow(FlowId flow, std::string_view interface_name, Now now, Outputs& outputs) {
  implementation_->node.moves.happens(MoveCause::Command, now.monotonic);
  return mobile_node::move_flow(implementation_->node, flow, interface_name, now, outputs);
}
Expected<void, CommandError> MobileNode::try_flow(FlowId flow, std::string_view interface_name, Duration duration,
                                                  bool keep_if_better, Now now, Outputs& outputs) {
  implementation_->node.moves.happens(MoveCause::Trial, now.monotonic);
  return mobile_node::try_flow(implementation_->node, flow, interface_name, duration, keep_if_better, now, outputs);
}
Expected<void, CommandError> MobileNode::keep_flow(FlowId flow, Now now, Outputs&) {
  return mobile_node::keep_flow(implementation_->node, flow, now);
}
Expected<FlowId, CommandError> MobileNode::undo_move(std::optional<FlowId> flow, Now now, Outputs& outputs) {
  implementation_->node.moves.happens(MoveCause::Undo, now.monotonic);
  return mobile_node::undo_move(implementation_->node, flow, now, outputs);
}
Expected<void, CommandError> MobileNode::release_flow(FlowId flow, Now now, Outputs& outputs) {
  implementation_->node.moves.happens(MoveCause::Policy, now.monotonic);
  return mobile_node::release_flow(implementation_->node, flow, now, outputs);
}
Expected<Address, CommandError> MobileNode::allocate_home_address(Now now, Outputs& outputs) {
  auto allocated = mobile_node::allocate_home_address(implementation_->node, now, outputs);
  keep_pins(implementation_->node, now, outputs);
  return allocated;
}
Expected<void, CommandError> MobileNode::free_home_address(const Address& home_address, Now now, Outputs& outputs) {
  auto freed = free_home_address_by_command(implementation_->node, home_address, now, outputs);
  keep_pins(implementation_->node, now, outputs);
  return freed;
}
Expected<void, CommandError> MobileNode::pin_home_address(const Address& home_address, bool pinned, Now now, Outputs& outputs) {
  auto done = mobile_node::pin_home_address(implementation_->node, home_address, pinned, now, outputs);
  keep_pins(implementation_->node, now, outputs);
  return done;
}
std::vector<FlowId> MobileNode::set_policy(std::shared_ptr<const flow_separator::Policy> policy, Now now, Outputs& outputs) {
  implementation_->node.moves.happens(MoveCause::Policy, now.monotonic);
  return mobile_node::set_policy(implementation_->node, std::move(policy), now, outputs);
}
void MobileNode::stop(Now now, Outputs& outputs) {
  implementation_->stop(now, outputs);
  plan_socket_addresses(implementation_->node, now);
}
bool MobileNode::stopped() const { return implementation_->stopped(); }

std::vector<PolicyEffect> MobileNode::effect_of(const flow_separator::Policy& policy, Now now) const {
  return mobile_node::effect_of(implementation_->node, policy, now);
}
std::string MobileNode::objection_to(const flow_separator::Policy& policy, Now now) const {
  return mobile_node::objection_to(implementation_->node, policy, now);
}

std::optional<FlowExplanation> MobileNode::explain(FlowId flow, Now now) const {
  return explanation_of(implementation_->node, flow, now);
}
std::optional<FlowSnapshot> MobileNode::find_flow(const FlowKey& key, Now now) const {
  const auto* flow = implementation_->node.flows.find(key);
  if (flow == nullptr) return std::nullopt;
  return snapshot_of(implementation_->node, *flow, now);
}
MoveStatistics MobileNode::move_statistics() const { return implementation_->node.moves.statistics(); }
const std::shared_ptr<const flow_separator::Policy>& MobileNode::policy() const { return implementation_->node.policy; }
bool MobileNode::needs_owner(const FlowPacket& packet, bool wishes) const {
  return mobile_node::needs_owner(implementation_->node, packet, wishes);
}

StatusSnapshot MobileNode::status(Now now) const { return status_of(implementation_->node, now); }
std::vector<FlowSnapshot> MobileNode::flows(Now now) const { return flows_of(implementation_->node, now); }
std::vector<HomeAddressSnapshot> MobileNode::home_addresses(Now now) const {
  return home_addresses_of(implementation_->node, now);
}
std::vector<InterfaceSnapshot> MobileNode::interfaces(Now) const { return interfaces_of(implementation_->node); }
std::vector<BindingSnapshot> MobileNode::bindings(Now now) const { return bindings_of(implementation_->node, now); }

}  // namespace mipflow::mobile_node
