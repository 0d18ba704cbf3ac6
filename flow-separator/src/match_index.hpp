// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "flow_match.hpp"
#include "match_set.hpp"
#include "range_dimension.hpp"
#include "text_dimension.hpp"

namespace mipflow::flow_separator {

// What is made of questions about a flow's owner while nobody knows it.
enum class UnknownOwner { FitsNothing, FitsEverything };

// Finds all matches that a flow fits without trying one after the other: the conjunction of one row of bits per quality.
class MatchIndex {
 public:
  // At most MatchSet::kCapacity.
  explicit MatchIndex(std::span<const FlowMatch> matches);

  MatchSet accepting(const FlowAttributes& flow, std::optional<LocalTime> time, UnknownOwner unknown) const;

  std::size_t size() const { return size_; }
  bool asks_for_owner() const { return asks_for_owner_; }
  bool asks_for_time() const { return asks_for_time_; }

 private:
  void keep_owners(const FlowAttributes& flow, UnknownOwner unknown, MatchSet& set) const;

  std::size_t size_;
  bool asks_for_owner_;
  bool asks_for_time_;
  RangeDimension<std::uint8_t> protocols_;
  RangeDimension<Address> peers_;
  RangeDimension<std::uint16_t> ports_;
  RangeDimension<std::uint16_t> local_ports_;
  RangeDimension<std::uint8_t> dscps_;
  RangeDimension<std::uint32_t> flow_labels_;
  RangeDimension<std::uint8_t> icmp_types_;
  RangeDimension<std::uint8_t> extension_headers_;
  RangeDimension<std::uint32_t> users_;
  RangeDimension<std::uint32_t> groups_;
  RangeDimension<std::uint16_t> times_;
  TextDimension programs_;
  TextDimension cgroups_;
  TextDimension units_;
};

}  // namespace mipflow::flow_separator
