// SPDX-License-Identifier: GPL-3.0-or-later
#include "commanded_moves.hpp"

#include <algorithm>

namespace mipflow::mobile_node {

void CommandedMoves::commanded(FlowId flow, FormerCommands former) {
  commanded_.push_back({flow, std::move(former)});
  if (commanded_.size() > kUndone) commanded_.pop_front();
}

std::optional<CommandedMoves::Commanded> CommandedMoves::take_newest(std::optional<FlowId> flow) {
  const auto newest = std::find_if(commanded_.rbegin(), commanded_.rend(), [&](const Commanded& item) { return !flow || item.flow == *flow; });
  if (newest == commanded_.rend()) return std::nullopt;
  auto out = std::move(*newest);
  commanded_.erase(std::next(newest).base());
  return out;
}

Trial* CommandedMoves::find(FlowId flow) {
  const auto found = trials_.find(flow);
  return found == trials_.end() ? nullptr : &found->second;
}

const Trial* CommandedMoves::find(FlowId flow) const {
  const auto found = trials_.find(flow);
  return found == trials_.end() ? nullptr : &found->second;
}

bool CommandedMoves::begin(Trial trial) {
  if (!trials_.contains(trial.flow) && trials_.size() >= kTrials) {
    const auto over = std::find_if(trials_.begin(), trials_.end(), [](const auto& item) { return !item.second.outcome.empty(); });
    if (over == trials_.end()) return false;
    trials_.erase(over);
  }
  trials_[trial.flow] = std::move(trial);
  return true;
}

void CommandedMoves::ended(FlowId flow) {
  trials_.erase(flow);
  std::erase_if(commanded_, [&](const Commanded& item) { return item.flow == flow; });
}

TimePoint CommandedMoves::next_deadline() const {
  TimePoint next = kNever;
  for (const auto& [flow, trial] : trials_)
    if (trial.outcome.empty()) next = std::min(next, trial.ends);
  return next;
}

std::vector<FlowId> CommandedMoves::due(TimePoint now) const {
  std::vector<FlowId> out;
  for (const auto& [flow, trial] : trials_)
    if (trial.outcome.empty() && trial.ends <= now) out.push_back(flow);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace mipflow::mobile_node
