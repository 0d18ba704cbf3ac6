// SPDX-License-Identifier: GPL-3.0-or-later
#include "move_log.hpp"

#include <algorithm>
#include <utility>

namespace mipflow::mobile_node {
namespace {

// OpenMetrics counts a value in every bucket whose bound it does not exceed.
template <class Bounds, class Counts>
void count(const Bounds& bounds, Counts& counts, double value) {
  for (std::size_t i = 0; i < bounds.size(); ++i)
    if (value <= bounds[i]) ++counts[i];
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

const char* to_string(MoveCause cause) {
  switch (cause) {
    case MoveCause::Policy: return "policy";
    case MoveCause::InterfaceLost: return "interface lost";
    case MoveCause::Command: return "command";
    case MoveCause::Trial: return "trial";
    case MoveCause::Undo: return "undo";
    case MoveCause::RolledBack: return "rolled back";
  }
  return "unknown";
}

void MoveLog::moved(const flow_separator::FlowEntry& flow, std::string from, std::string to, bool lost) {
  ++statistics_.moves;
  const bool commanded = cause_ != MoveCause::Policy;
  moves_[++last_number_] = {.flow = flow.id,
                            .at = now_,
                            .from = std::move(from),
                            .to = std::move(to),
                            .cause = lost && !commanded ? MoveCause::InterfaceLost : cause_};
  auto& numbers = numbers_of_[flow.id];
  numbers.push_back(last_number_);
  if (numbers.size() > kMovesRemembered) forget_oldest_of(flow.id);
  if (moves_.size() > kRemembered) forget_oldest_of(moves_.begin()->second.flow);
  // A flow that moves again before its last move was measured has one measurement, of the later one.
  if (!measured_.contains(flow.id) && measured_.size() >= kMeasuredAtOnce) return;
  measured_[flow.id] = {.number = last_number_,
                        .until = now_ + kMeasuredFor,
                        .packets_out = flow.counters.packets_out,
                        .packets_in = flow.counters.packets_in,
                        .retransmissions_out = flow.counters.retransmissions_out,
                        .retransmissions_in = flow.counters.retransmissions_in};
}

void MoveLog::report(FlowId flow, const FlowActivity& activity) {
  const auto found = measured_.find(flow);
  if (found == measured_.end()) return;
  auto& measuring = found->second;
  measuring.gap_out = std::max(measuring.gap_out, activity.longest_gap_out);
  measuring.gap_in = std::max(measuring.gap_in, activity.longest_gap_in);
  if (now_ < measuring.until) return;
  settle(measuring, activity);
  measured_.erase(found);
}

void MoveLog::settle(const Measuring& measuring, const FlowActivity& activity) {
  // A direction with fewer than two packets has no gap to measure.
  const auto gap = [](Duration longest, std::uint64_t packets) {
    return packets < 2 || longest <= Duration::zero() ? std::nullopt : std::optional(longest);
  };
  const auto gap_out = gap(measuring.gap_out, activity.packets_out - measuring.packets_out);
  const auto gap_in = gap(measuring.gap_in, activity.packets_in - measuring.packets_in);
  if (gap_out || gap_in) {
    const double longest = std::max(seconds(gap_out.value_or(Duration::zero())), seconds(gap_in.value_or(Duration::zero())));
    ++statistics_.measured_gaps;
    statistics_.sum_of_gaps += longest;
    count(MoveStatistics::kGapBounds, statistics_.gaps, longest);
  }
  const std::uint64_t out = activity.retransmissions_out - measuring.retransmissions_out;
  const std::uint64_t in = activity.retransmissions_in - measuring.retransmissions_in;
  const bool tcp = activity.key.protocol == kProtocolTcp;
  if (tcp) {
    ++statistics_.measured_retransmissions;
    statistics_.sum_of_retransmissions += static_cast<double>(out + in);
    count(MoveStatistics::kRetransmissionBounds, statistics_.retransmissions, static_cast<double>(out + in));
  }
  if (const auto found = moves_.find(measuring.number); found != moves_.end()) {
    auto& move = found->second;
    move.gap_out = gap_out;
    move.gap_in = gap_in;
    if (tcp) {
      move.retransmissions_out = out;
      move.retransmissions_in = in;
    }
  }
}

void MoveLog::ended(FlowId flow) {
  measured_.erase(flow);
  while (numbers_of_.contains(flow)) forget_oldest_of(flow);
}

void MoveLog::forget_oldest_of(FlowId flow) {
  const auto numbers = numbers_of_.find(flow);
  moves_.erase(numbers->second.front());
  numbers->second.erase(numbers->second.begin());
  if (numbers->second.empty()) numbers_of_.erase(numbers);
}

std::vector<const Move*> MoveLog::of(FlowId flow) const {
  std::vector<const Move*> out;
  if (const auto numbers = numbers_of_.find(flow); numbers != numbers_of_.end())
    for (auto number = numbers->second.rbegin(); number != numbers->second.rend(); ++number) out.push_back(&moves_.at(*number));
  return out;
}

}  // namespace mipflow::mobile_node
