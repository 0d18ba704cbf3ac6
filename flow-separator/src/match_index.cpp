// SPDX-License-Identifier: GPL-3.0-or-later
#include "match_index.hpp"

#include <algorithm>

namespace mipflow::flow_separator {

bool has_ports(std::uint8_t protocol) {
  return protocol == kProtocolTcp || protocol == kProtocolUdp || protocol == kProtocolSctp;
}

Address successor(const Address& value) {
  Address next = value;
  for (auto octet = next.octets.rbegin(); octet != next.octets.rend(); ++octet)
    if (++*octet != 0) break;
  return next;
}

bool is_largest(const Address& value) {
  return std::all_of(value.octets.begin(), value.octets.end(), [](std::uint8_t octet) { return octet == 0xff; });
}

MatchIndex::MatchIndex(std::span<const FlowMatch> matches)
    : size_(matches.size()),
      asks_for_owner_(std::any_of(matches.begin(), matches.end(), [](const FlowMatch& match) { return match.asks_for_owner(); })),
      asks_for_time_(std::any_of(matches.begin(), matches.end(), [](const FlowMatch& match) { return !match.times.empty(); })),
      protocols_(matches, &FlowMatch::protocols),
      peers_(matches, &FlowMatch::peers),
      ports_(matches, &FlowMatch::ports),
      local_ports_(matches, &FlowMatch::local_ports),
      dscps_(matches, &FlowMatch::dscps),
      flow_labels_(matches, &FlowMatch::flow_labels),
      icmp_types_(matches, &FlowMatch::icmp_types),
      extension_headers_(matches, &FlowMatch::extension_headers),
      users_(matches, &FlowMatch::users),
      groups_(matches, &FlowMatch::groups),
      times_(matches, &FlowMatch::times),
      programs_(matches, &FlowMatch::programs, TextDimension::Fits::Whole),
      cgroups_(matches, &FlowMatch::cgroups, TextDimension::Fits::AndBelow),
      units_(matches, &FlowMatch::units, TextDimension::Fits::Whole) {}

namespace {

template <class Dimension, class Value>
void keep(const Dimension& dimension, const std::optional<Value>& value, MatchSet& set) {
  if (value)
    dimension.keep_accepting(*value, set);
  else
    dimension.keep_not_asking(set);
}

}  // namespace

MatchSet MatchIndex::accepting(const FlowAttributes& flow, std::optional<LocalTime> time, UnknownOwner unknown) const {
  MatchSet set = MatchSet::all(size_);
  const auto port = [&](std::uint16_t number) { return has_ports(flow.key.protocol) ? std::optional(number) : std::nullopt; };
  protocols_.keep_accepting(flow.key.protocol, set);
  peers_.keep_accepting(flow.key.correspondent, set);
  keep(ports_, port(flow.key.correspondent_port), set);
  keep(local_ports_, port(flow.key.source_port), set);
  dscps_.keep_accepting(flow.dscp, set);
  flow_labels_.keep_accepting(flow.flow_label, set);
  keep(icmp_types_, flow.icmp_type, set);
  extension_headers_.keep_accepting(flow.extension_headers, set);
  std::optional<std::uint16_t> minute;
  if (time) minute = static_cast<std::uint16_t>(time->weekday * kMinutesPerDay + time->minute);
  keep(times_, minute, set);
  if (asks_for_owner_) keep_owners(flow, unknown, set);
  return set;
}

// The texts come last: patterns of matches that are out already are not tried.
void MatchIndex::keep_owners(const FlowAttributes& flow, UnknownOwner unknown, MatchSet& set) const {
  const FlowOwner* owner = flow.owner.get();
  const bool open = owner == nullptr && unknown == UnknownOwner::FitsEverything;
  const auto user = flow.user || owner == nullptr ? flow.user : owner->user;
  if (user || !open) keep(users_, user, set);
  if (open) return;
  const auto text = [&](const std::string FlowOwner::*which) {
    return owner != nullptr && !(owner->*which).empty() ? std::optional<std::string_view>(owner->*which) : std::nullopt;
  };
  keep(groups_, owner != nullptr ? owner->group : std::nullopt, set);
  keep(programs_, text(&FlowOwner::program), set);
  keep(cgroups_, text(&FlowOwner::cgroup), set);
  keep(units_, text(&FlowOwner::unit), set);
}

}  // namespace mipflow::flow_separator
