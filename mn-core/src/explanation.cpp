// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that is known of one flow, for `mipflow flow explain`.
#include <algorithm>
#include <utility>

#include "snapshots.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {
namespace {

MoveSnapshot snapshot_of(const Move& move, Now now) {
  return {.ago = now.monotonic - move.at,
          .from = move.from,
          .to = move.to,
          .cause = to_string(move.cause),
          .gap_out = move.gap_out,
          .gap_in = move.gap_in,
          .retransmissions_out = move.retransmissions_out,
          .retransmissions_in = move.retransmissions_in};
}

TrialSnapshot snapshot_of(const Node& node, const Trial& trial, Now now) {
  return {.from = interface_name(node, trial.from),
          .to = interface_name(node, trial.to),
          .ends_in = trial.outcome.empty() ? std::max(trial.ends - now.monotonic, Duration::zero()) : Duration::zero(),
          .outcome = trial.outcome.empty() ? "running" : trial.outcome,
          .reason = trial.reason};
}

// For the flow that decides: those that move with it have no say.
std::vector<InterfaceVerdict> verdicts(const Node& node, const flow_separator::FlowEntry& flow, Now now) {
  const auto* leader = leader_of(node, flow);
  const auto& deciding = leader == nullptr ? flow : *leader;
  const auto& policy_class = class_of(node, deciding);
  std::vector<InterfaceVerdict> out;
  for (auto& item : explain_choice(node.movement.table(), {.class_name = policy_class.name,
                                                           .wish = policy_class.interfaces,
                                                           .commanded = deciding.commanded_interface,
                                                           .current = flow.interface,
                                                           .now = now.monotonic}))
    out.push_back({.interface = std::move(item.name), .chosen = item.chosen, .reason = std::move(item.reason)});
  return out;
}

}  // namespace

std::optional<FlowExplanation> explanation_of(const Node& node, FlowId id, Now now) {
  const auto* flow = node.flows.find(id);
  if (flow == nullptr) return std::nullopt;
  FlowExplanation out;
  out.flow = snapshot_of(node, *flow, now);
  if (!flow->bypassed) out.interfaces = verdicts(node, *flow, now);
  for (const auto* move : node.moves.of(id)) out.moves.push_back(snapshot_of(*move, now));
  if (const auto* trial = node.commanded_moves.find(id)) out.trial = snapshot_of(node, *trial, now);
  return out;
}

}  // namespace mipflow::mobile_node
