// SPDX-License-Identifier: GPL-3.0-or-later
// Dispatches events and deadlines to the parts of the mobile node; decides nothing itself.
#include "mipflow/mn-core/mobile_node.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "flows.hpp"
#include "forwarding.hpp"
#include "home_addresses.hpp"
#include "move_sequence.hpp"
#include "node.hpp"
#include "signalling_input.hpp"
#include "snapshots.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {

class MobileNode::Implementation {
 public:
  Implementation(Configuration configuration, std::shared_ptr<const flow_separator::Policy> policy, RandomSource& random)
      : node(std::move(configuration), std::move(policy), random) {}

  void handle(const PacketReceived& event, Now now, Outputs& outputs) { receive_signalling(node, event, now, outputs); }
  void handle(const InterfaceChanged& event, Now now, Outputs& outputs) { moved(node.movement.handle(event), now, outputs); }
  void handle(const InterfaceRemoved& event, Now now, Outputs& outputs) { moved(node.movement.handle(event), now, outputs); }
  void handle(const AddressChanged& event, Now now, Outputs& outputs) {
    if (node.managed.contains(event.address)) return;
    moved(node.movement.handle(event, now.monotonic), now, outputs);
  }
  void handle(const AddressRemoved& event, Now now, Outputs& outputs) { moved(node.movement.handle(event), now, outputs); }
  void handle(const RouterChanged& event, Now now, Outputs& outputs) { moved(node.movement.handle(event), now, outputs); }
  void handle(const RouterRemoved& event, Now now, Outputs& outputs) { moved(node.movement.handle(event), now, outputs); }
  void handle(const FlowPacket& event, Now now, Outputs& outputs) {
    switch (event.direction) {
      case Direction::Outgoing: return process_outgoing_packet(node, event, now, outputs);
      case Direction::Incoming: return process_incoming_packet(node, event, now, outputs);
    }
  }
  void handle(const FlowActivities& event, Now now, Outputs&) { handle_activities(node, event, now); }
  void handle(const FlowRecovered& event, Now now, Outputs& outputs) { recover_flow(node, event, now, outputs); }
  void handle(const PlanRefused& event, Now, Outputs& outputs) {
    outputs.notices.push_back({Severity::Error, "plan-refused",
                               "The kernel refused " + event.what + " (error " + std::to_string(event.error) + ")."});
  }

  void on_deadline(Now now, Outputs& outputs) {
    if (node.movement.on_deadline(now.monotonic)) moved(true, now, outputs);
    if (node.path_mtu.on_deadline(now.monotonic)) plan_default_route(node);
    registration_deadlines(node, now, outputs);
    prefix_deadlines(node, now, outputs);
    release_overdue_packets(node, now, outputs);
    returning_home_deadline(node, now, outputs);
    if (!node.primary().at_home_on) expire_flows(node, now, outputs);
    if (move_sequence_deadline(node) <= now.monotonic) run_move_sequence(node, now, outputs);
    if (std::min(node.upkeep_due, node.pool_retry) <= now.monotonic) upkeep(now, outputs);
  }

  TimePoint next_deadline() const {
    TimePoint next = std::min({node.movement.next_deadline(), node.path_mtu.next_deadline(),
                               node.prefix_discovery.next_deadline(), node.held.next_deadline(),
                               node.primary().at_home_on ? kNever : node.flows.next_deadline(),
                               node.returning_home.next_deadline(), move_sequence_deadline(node), node.pool_retry, node.upkeep_due});
    for (const auto& [home_address, address] : node.managed) next = std::min(next, address.registration.next_deadline());
    return next;
  }

  void stop(Now now, Outputs& outputs) {
    release_all(node, now, outputs);
    for (const auto& packet : node.held.take_all()) outputs.verdicts.push_back({packet.id, VerdictKind::Accept});
  }
  bool stopped() const {
    return node.stopping && std::all_of(node.managed.begin(), node.managed.end(), [](const auto& item) {
             return !item.second.registration.awaits_release();
           });
  }

  Node node;

 private:
  // Something changed about the interfaces: everything that depends on them is looked at again.
  void moved(bool concerns_flows, Now now, Outputs& outputs) {
    plan_care_of_addresses(node);
    if (!concerns_flows) return;
    tell_usability(node, outputs);
    choose_targets(node, now, outputs);
    reroute_releases(node, now, outputs);
    keep_pool(node, now, outputs);
  }

  void upkeep(Now now, Outputs& outputs) {
    node.upkeep_due = kNever;
    check_returning_home(node, now, outputs);
    run_move_sequence(node, now, outputs);
    keep_pool(node, now, outputs);
    node.pool_retry = node.pool.retry_at(now.monotonic);
  }
};

MobileNode::MobileNode(Configuration configuration, std::shared_ptr<const flow_separator::Policy> policy, RandomSource& random)
    : implementation_(std::make_unique<Implementation>(std::move(configuration), std::move(policy), random)) {}
MobileNode::~MobileNode() = default;

void MobileNode::handle(const Event& event, Now now, Outputs& outputs) {
  std::visit([&](const auto& happened) { implementation_->handle(happened, now, outputs); }, event);
}
void MobileNode::on_deadline(Now now, Outputs& outputs) { implementation_->on_deadline(now, outputs); }
TimePoint MobileNode::next_deadline() const { return implementation_->next_deadline(); }
forwarding::ForwardingPlan& MobileNode::plan() { return implementation_->node.plan; }
const forwarding::ForwardingPlan& MobileNode::plan() const { return implementation_->node.plan; }

Expected<void, CommandError> MobileNode::move_flow(FlowId flow, std::string_view interface_name, Now now, Outputs& outputs) {
  return mobile_node::move_flow(implementation_->node, flow, interface_name, now, outputs);
}
std::vector<FlowId> MobileNode::set_policy(std::shared_ptr<const flow_separator::Policy> policy, Now now, Outputs& outputs) {
  return mobile_node::set_policy(implementation_->node, std::move(policy), now, outputs);
}
void MobileNode::stop(Now now, Outputs& outputs) { implementation_->stop(now, outputs); }
bool MobileNode::stopped() const { return implementation_->stopped(); }

StatusSnapshot MobileNode::status(Now now) const { return status_of(implementation_->node, now); }
std::vector<FlowSnapshot> MobileNode::flows(Now now) const { return flows_of(implementation_->node, now); }
std::vector<HomeAddressSnapshot> MobileNode::home_addresses(Now now) const {
  return home_addresses_of(implementation_->node, now);
}
std::vector<InterfaceSnapshot> MobileNode::interfaces(Now) const { return interfaces_of(implementation_->node); }
std::vector<BindingSnapshot> MobileNode::bindings(Now now) const { return bindings_of(implementation_->node, now); }

}  // namespace mipflow::mobile_node
