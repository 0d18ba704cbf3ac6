// SPDX-License-Identifier: GPL-3.0-or-later
// Moves by command that can be taken back: undone by another command, or by themselves when they were a trial.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mipflow/base/flow_key.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/flow-separator/flow_mapping_table.hpp"
#include "mipflow/mn-core/snapshot.hpp"

namespace mipflow::mobile_node {

// What decided about the interface of each flow that a command moved, before it did. nullopt: the policy.
using FormerCommands = std::vector<std::pair<FlowId, std::optional<InterfaceIndex>>>;

// What a flow went through during a stretch of time.
struct Experience {
  Duration duration{};
  std::uint64_t packets_out = 0, packets_in = 0;
  std::uint64_t retransmissions = 0;  // both directions
};

struct Trial {
  FlowId flow = 0;
  InterfaceIndex from = 0, to = 0;
  bool keep_if_better = false;
  TimePoint begun{}, ends{};
  flow_separator::FlowCounters at_begin{};
  Experience before{};  // from the begin of the flow to that of the trial
  FormerCommands former{};
  // What became of it: empty while it runs.
  std::string outcome{};
  std::string reason{};
};

class CommandedMoves {
 public:
  static constexpr std::size_t kUndone = 64;    // moves that can be taken back, the newest
  static constexpr std::size_t kTrials = 256;   // at the same time, those that are over and still to be asked for included

  struct Commanded {
    FlowId flow = 0;
    FormerCommands former{};
  };

  void commanded(FlowId flow, FormerCommands former);
  // Takes the newest move of the flow, or of any flow, out of the memory.
  std::optional<Commanded> take_newest(std::optional<FlowId> flow);

  Trial* find(FlowId flow);
  const Trial* find(FlowId flow) const;
  // False when there are too many at once. Replaces one of the same flow that is over.
  bool begin(Trial trial);
  void ended(FlowId flow);
  TimePoint next_deadline() const;
  // Trials that run and whose time is over.
  std::vector<FlowId> due(TimePoint now) const;

 private:
  std::deque<Commanded> commanded_;
  std::unordered_map<FlowId, Trial> trials_;
};

}  // namespace mipflow::mobile_node
