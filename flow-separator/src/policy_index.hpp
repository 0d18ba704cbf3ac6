// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "flow_match.hpp"
#include "match_index.hpp"

namespace mipflow::flow_separator {

// What decides whether a flow belongs to a class.
struct ClassMatch {
  FlowMatch match;
  std::vector<FlowMatch> exceptions;  // flows that fit one do not belong
  bool only_wanted = false;           // no flow belongs, see Selectable::Only
};

// Finds the first class that a flow belongs to.
class PolicyIndex {
 public:
  explicit PolicyIndex(std::span<const ClassMatch> classes);

  // The number of the class; the number of classes when there is none.
  std::size_t first_match(const FlowAttributes& flow, std::optional<LocalTime> time) const;

  bool asks_for_owner() const { return matches_.asks_for_owner() || exceptions_.asks_for_owner(); }
  bool asks_for_time() const { return matches_.asks_for_time() || exceptions_.asks_for_time(); }
  // first_match() could be another one once the flow's owner is known.
  bool depends_on_owner(const FlowAttributes& flow, std::optional<LocalTime> time) const;

 private:
  std::size_t first_match(const FlowAttributes& flow, std::optional<LocalTime> time, UnknownOwner match,
                          UnknownOwner exception) const;

  MatchIndex matches_;
  MatchIndex exceptions_;
  std::vector<std::size_t> excepted_from_;  // the class of an exception
  MatchRow ordinary_;                       // classes that a flow can belong to without wanting one
};

}  // namespace mipflow::flow_separator
