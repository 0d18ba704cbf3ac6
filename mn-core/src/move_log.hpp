// SPDX-License-Identifier: GPL-3.0-or-later
// What happened to flows: which went from one interface to another, why, and what it cost them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "mipflow/base/flow_key.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/flow-separator/flow_mapping_table.hpp"
#include "mipflow/mn-core/events.hpp"
#include "mipflow/mn-core/snapshot.hpp"

namespace mipflow::mobile_node {

enum class MoveCause : std::uint8_t { Policy, InterfaceLost, Command, Trial, Undo, RolledBack };
const char* to_string(MoveCause cause);

struct Move {
  FlowId flow = 0;
  TimePoint at{};
  std::string from, to;  // names of interfaces; empty: none
  MoveCause cause = MoveCause::Policy;
  std::optional<Duration> gap_out = std::nullopt, gap_in = std::nullopt;
  std::optional<std::uint64_t> retransmissions_out = std::nullopt, retransmissions_in = std::nullopt;  // TCP
};

class MoveLog {
 public:
  static constexpr std::size_t kRemembered = 4096;       // moves of all flows together, the newest; of one, kMovesRemembered
  static constexpr std::size_t kMeasuredAtOnce = 4096;   // of the moves of one moment; further ones are counted only
  // The data path reports once a second: two reports show everything that the first round trips after a move cost.
  static constexpr Duration kMeasuredFor = std::chrono::seconds{2};

  // What is going on now, for the moves that come of it. The role says so at the begin of each call.
  void happens(MoveCause cause, TimePoint now) {
    cause_ = cause;
    now_ = now;
  }
  // The flow goes from one interface to another; `lost`: the former can not carry flows any more.
  void moved(const flow_separator::FlowEntry& flow, std::string from, std::string to, bool lost);
  // What the data path counted for a flow since the report before this one.
  void report(FlowId flow, const FlowActivity& activity);
  // Nobody asks for its moves any more.
  void ended(FlowId flow);

  std::vector<const Move*> of(FlowId flow) const;  // newest first, at most kMovesRemembered
  const MoveStatistics& statistics() const { return statistics_; }

 private:
  struct Measuring {
    std::uint64_t number = 0;
    TimePoint until{};
    std::uint64_t packets_out = 0, packets_in = 0;                  // counted before the move
    std::uint64_t retransmissions_out = 0, retransmissions_in = 0;  // likewise
    Duration gap_out{}, gap_in{};
  };
  void settle(const Measuring& measuring, const FlowActivity& activity);
  void forget_oldest_of(FlowId flow);

  MoveCause cause_ = MoveCause::Policy;
  TimePoint now_{};
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, Move> moves_;                                // by number
  std::unordered_map<FlowId, std::vector<std::uint64_t>> numbers_of_;  // oldest first
  std::unordered_map<FlowId, Measuring> measured_;
  MoveStatistics statistics_;
};

}  // namespace mipflow::mobile_node
