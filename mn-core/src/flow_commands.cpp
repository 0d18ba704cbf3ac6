// SPDX-License-Identifier: GPL-3.0-or-later
// What an operator may ask for about a live flow.
#include "flow_commands.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "command_refusal.hpp"
#include "flows.hpp"
#include "in_words.hpp"
#include "move_sequence.hpp"
#include "route_optimization.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {
namespace {

using Kind = CommandError::Kind;

constexpr Duration kShortestTrial = std::chrono::seconds{1};
constexpr Duration kLongestTrial = std::chrono::hours{1};

Unexpected<CommandError> no_such_flow(FlowId id) {
  return refuse(Kind::UnknownFlow, "There is no flow " + std::to_string(id) + "; 'mipflow flow list' shows the live ones.");
}

Unexpected<CommandError> too_late() { return refuse(Kind::NotPossible, "The daemon is stopping; no flow can be moved any more."); }

// The flow and the interface that it is to go to, or why it can not.
struct Destination {
  InterfaceIndex interface = 0;
};
Expected<Destination, CommandError> destination_of(const Node& node, FlowId id, std::string_view interface_name) {
  if (node.stopping) return too_late();
  const auto* flow = node.flows.find(id);
  if (flow == nullptr) return no_such_flow(id);
  const auto* interface = node.movement.table().find(interface_name);
  if (interface == nullptr)
    return refuse(Kind::UnknownInterface, "There is no interface '" + std::string(interface_name) +
                                              "'; 'mipflow interface list' shows the known ones.");
  if (!node.movement.care_of(interface->index))
    return refuse(Kind::InterfaceNotUsable,
                  "Interface '" + interface->name + "' can not carry flows now: it " + interface->why_not() + ".");
  if (class_of(node, *flow).bypass)
    return refuse(Kind::NotPossible, "Flow " + std::to_string(id) + " has the interface's own address, as policy class '" +
                                         flow->class_name + "' bypasses mipflow; it can not be moved.");
  const auto* address = node.find(flow->home_address);
  if (address == nullptr || address->leaving)
    return refuse(Kind::NotPossible, "Flow " + std::to_string(id) + " has no home address that could be moved.");
  return Destination{interface->index};
}

FormerCommands commands_of(const Node& node, FlowId id) {
  FormerCommands out{{id, node.flows.find(id)->commanded_interface}};
  for (const auto other : node.flows.moves_with(id)) out.emplace_back(other, node.flows.find(other)->commanded_interface);
  return out;
}

// The flows' interfaces are chosen anew after their commands have changed.
void follow_commands(Node& node, FlowId id, Now now, Outputs& outputs) {
  const auto& flow = *node.flows.find(id);
  auto* address = node.find(flow.home_address);
  if (address == nullptr) return;
  // First what the command is about: the Binding Update that moves a route-optimised flow.
  choose_registration_target(node, {flow.home_address, flow.correspondent()}, now, outputs);
  choose_target(node, *address, now);
  check_returning_home(node, now, outputs);
  run_move_sequence(node, now, outputs);
  show_progress(node, *address, now.monotonic);
}

void command(Node& node, FlowId id, InterfaceIndex interface, Now now, Outputs& outputs) {
  for (const auto other : node.flows.moves_with(id)) node.flows.set_commanded_interface(other, interface);
  node.flows.set_commanded_interface(id, interface);
  follow_commands(node, id, now, outputs);
}

// What decided before decides again. Flows that have ended meanwhile are left out.
void restore(Node& node, FlowId id, const FormerCommands& former, Now now, Outputs& outputs) {
  for (const auto& [flow, interface] : former) node.flows.set_commanded_interface(flow, interface);
  if (node.flows.find(id) != nullptr) follow_commands(node, id, now, outputs);
}

void end_trial(Trial& trial, std::string outcome, std::string reason) {
  trial.outcome = std::move(outcome);
  trial.reason = std::move(reason);
}

void end_running_trial(Node& node, FlowId id, const char* outcome) {
  if (auto* trial = node.commanded_moves.find(id); trial != nullptr && trial->outcome.empty()) end_trial(*trial, outcome, {});
}

Experience experience(const flow_separator::FlowCounters& from, const flow_separator::FlowCounters& to, Duration duration) {
  return {.duration = duration,
          .packets_out = to.packets_out - from.packets_out,
          .packets_in = to.packets_in - from.packets_in,
          .retransmissions = to.retransmissions_out + to.retransmissions_in - from.retransmissions_out - from.retransmissions_in};
}

// Per mille of the packets of both directions; nullopt while there are too few to say anything.
std::optional<double> retransmission_rate(const Experience& experience) {
  const auto packets = experience.packets_out + experience.packets_in;
  if (packets < 20) return std::nullopt;
  return 1000.0 * static_cast<double>(experience.retransmissions) / static_cast<double>(packets);
}

// Worse: nothing came back although it did before, or clearly more was sent twice. Empty when it was no worse.
std::string why_worse(const Experience& before, const Experience& trial) {
  if (before.packets_in > 0 && trial.packets_out > 0 && trial.packets_in == 0) return "nothing came back there";
  const auto rate_before = retransmission_rate(before);
  const auto rate = retransmission_rate(trial);
  constexpr double kTolerated = 10;  // per mille: a handful of segments in a second is no news
  if (rate && *rate > rate_before.value_or(0) + kTolerated)
    return std::to_string(trial.retransmissions) + " segments were sent twice there";
  return {};
}

std::string in_words(const Experience& experience) {
  return std::to_string(experience.packets_out) + " packets out, " + std::to_string(experience.packets_in) + " in, " +
         std::to_string(experience.retransmissions) + " segments sent twice";
}

}  // namespace

Expected<void, CommandError> move_flow(Node& node, FlowId id, std::string_view interface_name, Now now, Outputs& outputs) {
  const auto destination = destination_of(node, id, interface_name);
  if (!destination) return Unexpected{destination.error()};
  end_running_trial(node, id, "ended by another move");
  node.commanded_moves.commanded(id, commands_of(node, id));
  command(node, id, destination->interface, now, outputs);
  return {};
}

Expected<void, CommandError> try_flow(Node& node, FlowId id, std::string_view interface_name, Duration duration, bool keep_if_better,
                                      Now now, Outputs& outputs) {
  if (duration < kShortestTrial || duration > kLongestTrial)
    return refuse(Kind::NotPossible, "A trial lasts 1 s to 1 h.");
  const auto destination = destination_of(node, id, interface_name);
  if (!destination) return Unexpected{destination.error()};
  const auto& flow = *node.flows.find(id);
  if (flow.interface == destination->interface)
    return refuse(Kind::NotPossible, "Flow " + std::to_string(id) + " is on " + std::string(interface_name) + " already.");
  if (const auto* running = node.commanded_moves.find(id); running != nullptr && running->outcome.empty())
    return refuse(Kind::NotPossible, "A trial of flow " + std::to_string(id) + " is under way; 'mipflow flow keep " + std::to_string(id) +
                                         "' or 'mipflow flow undo " + std::to_string(id) + "' ends it.");
  const bool begun = node.commanded_moves.begin({.flow = id,
                                                 .from = flow.interface,
                                                 .to = destination->interface,
                                                 .keep_if_better = keep_if_better,
                                                 .begun = now.monotonic,
                                                 .ends = now.monotonic + duration,
                                                 .at_begin = flow.counters,
                                                 .before = experience({}, flow.counters, now.monotonic - flow.created),
                                                 .former = commands_of(node, id)});
  if (!begun) return refuse(Kind::NotPossible, "There are too many trials at the same time.");
  command(node, id, destination->interface, now, outputs);
  return {};
}

Expected<void, CommandError> keep_flow(Node& node, FlowId id, Now) {
  if (node.stopping) return too_late();
  if (node.flows.find(id) == nullptr) return no_such_flow(id);
  auto* trial = node.commanded_moves.find(id);
  if (trial == nullptr || !trial->outcome.empty())
    return refuse(Kind::NotPossible, "There is no trial of flow " + std::to_string(id) + " under way; 'mipflow flow try' begins one.");
  node.commanded_moves.commanded(id, trial->former);
  end_trial(*trial, "kept", "by command");
  return {};
}

Expected<FlowId, CommandError> undo_move(Node& node, std::optional<FlowId> id, Now now, Outputs& outputs) {
  if (node.stopping) return too_late();
  if (id && node.flows.find(*id) == nullptr) return no_such_flow(*id);
  if (id) {
    if (auto* trial = node.commanded_moves.find(*id); trial != nullptr && trial->outcome.empty()) {
      end_trial(*trial, "rolled back", "by command");
      restore(node, *id, trial->former, now, outputs);
      return *id;
    }
  }
  const auto newest = node.commanded_moves.take_newest(id);
  if (!newest)
    return refuse(Kind::NotPossible, id ? "Flow " + std::to_string(*id) + " was not moved by a command, or that was taken back already."
                                        : "There is no move by command that could be taken back.");
  restore(node, newest->flow, newest->former, now, outputs);
  return newest->flow;
}

Expected<void, CommandError> release_flow(Node& node, FlowId id, Now now, Outputs& outputs) {
  if (node.stopping) return too_late();
  if (node.flows.find(id) == nullptr) return no_such_flow(id);
  end_running_trial(node, id, "ended by another move");
  node.commanded_moves.commanded(id, commands_of(node, id));
  for (const auto other : node.flows.moves_with(id)) node.flows.set_commanded_interface(other, std::nullopt);
  node.flows.set_commanded_interface(id, std::nullopt);
  follow_commands(node, id, now, outputs);
  return {};
}

TimePoint trials_deadline(const Node& node) { return node.stopping ? kNever : node.commanded_moves.next_deadline(); }

void end_trials(Node& node, Now now, Outputs& outputs) {
  if (node.stopping) return;
  for (const auto id : node.commanded_moves.due(now.monotonic)) {
    auto& trial = *node.commanded_moves.find(id);
    const auto* flow = node.flows.find(id);
    if (flow == nullptr) {
      node.commanded_moves.ended(id);
      continue;
    }
    const auto there = experience(trial.at_begin, flow->counters, trial.ends - trial.begun);
    const std::string worse = why_worse(trial.before, there);
    if (trial.keep_if_better && worse.empty()) {
      node.commanded_moves.commanded(id, trial.former);
      end_trial(trial, "kept", "it was no worse there: " + in_words(there));
      continue;
    }
    end_trial(trial, "rolled back", (worse.empty() ? "nobody asked to keep it" : worse) + ": " + in_words(there));
    node.moves.happens(MoveCause::RolledBack, now.monotonic);
    restore(node, id, trial.former, now, outputs);
    outputs.notices.push_back({Severity::Info, "trial-rolled-back",
                               "Flow " + std::to_string(id) + " is back where it was before the trial on " +
                                   interface_name(node, trial.to) + ": " + trial.reason + "."});
  }
  node.moves.happens(MoveCause::Policy, now.monotonic);
}

}  // namespace mipflow::mobile_node
