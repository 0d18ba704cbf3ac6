// SPDX-License-Identifier: GPL-3.0-or-later
#include "policy_index.hpp"

namespace mipflow::flow_separator {
namespace {

std::vector<FlowMatch> matches_of(std::span<const ClassMatch> classes) {
  std::vector<FlowMatch> out;
  out.reserve(classes.size());
  for (const ClassMatch& each : classes) out.push_back(each.match);
  return out;
}

std::vector<FlowMatch> exceptions_of(std::span<const ClassMatch> classes) {
  std::vector<FlowMatch> out;
  for (const ClassMatch& each : classes) out.insert(out.end(), each.exceptions.begin(), each.exceptions.end());
  return out;
}

}  // namespace

PolicyIndex::PolicyIndex(std::span<const ClassMatch> classes)
    : matches_(matches_of(classes)), exceptions_(exceptions_of(classes)), ordinary_(MatchSet::words_for(classes.size()), 0) {
  for (std::size_t c = 0; c < classes.size(); ++c) {
    excepted_from_.insert(excepted_from_.end(), classes[c].exceptions.size(), c);
    if (!classes[c].only_wanted) set_bit(ordinary_, c);
  }
}

std::size_t PolicyIndex::first_match(const FlowAttributes& flow, std::optional<LocalTime> time, UnknownOwner match,
                                     UnknownOwner exception) const {
  MatchSet classes = matches_.accepting(flow, time, match);
  classes.keep(ordinary_.data());
  if (exceptions_.size() != 0)
    exceptions_.accepting(flow, time, exception).for_each([&](std::size_t e) { classes.erase(excepted_from_[e]); });
  return classes.first();
}

std::size_t PolicyIndex::first_match(const FlowAttributes& flow, std::optional<LocalTime> time) const {
  return first_match(flow, time, UnknownOwner::FitsNothing, UnknownOwner::FitsNothing);
}

bool PolicyIndex::depends_on_owner(const FlowAttributes& flow, std::optional<LocalTime> time) const {
  if (flow.owner != nullptr || !asks_for_owner()) return false;
  const std::size_t possible = first_match(flow, time, UnknownOwner::FitsEverything, UnknownOwner::FitsNothing);
  const std::size_t certain = first_match(flow, time, UnknownOwner::FitsNothing, UnknownOwner::FitsEverything);
  return possible != certain;
}

}  // namespace mipflow::flow_separator
