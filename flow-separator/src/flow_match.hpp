// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/flow-separator/policy.hpp"

namespace mipflow::flow_separator {

template <class Value>
struct Range {
  Value first{};
  Value last{};  // included
  friend bool operator==(const Range&, const Range&) = default;
};

inline constexpr std::uint16_t kMinutesPerDay = 24 * 60;
inline constexpr std::uint16_t kMinutesPerWeek = 7 * kMinutesPerDay;

// Sets of extension headers (ExtensionHeader) are values below this.
inline constexpr std::uint8_t kExtensionHeaderSets = 32;

// What a flow has to be to belong to a class, or to be excepted from it. An empty list accepts everything.
struct FlowMatch {
  std::vector<Range<std::uint8_t>> protocols;
  std::vector<Range<Address>> peers;
  std::vector<Range<std::uint16_t>> ports;
  std::vector<Range<std::uint16_t>> local_ports;
  std::vector<Range<std::uint8_t>> dscps;
  std::vector<Range<std::uint32_t>> flow_labels;
  std::vector<Range<std::uint8_t>> icmp_types;
  std::vector<Range<std::uint8_t>> extension_headers;  // sets of headers, as numbers
  std::vector<Range<std::uint32_t>> users;
  std::vector<Range<std::uint32_t>> groups;
  std::vector<Range<std::uint16_t>> times;             // minutes since the week began
  std::vector<std::string> programs;                   // texts or shell patterns
  std::vector<std::string> cgroups;                    // likewise, without "/" at the end
  std::vector<std::string> units;                      // likewise

  bool of_user = false;                                // written by a user, whose patterns have a ration of steps

  bool asks_for_owner() const {
    return !users.empty() || !groups.empty() || !programs.empty() || !cgroups.empty() || !units.empty();
  }
  bool asks_for_anything_but_peers() const {
    return asks_for_owner() || !protocols.empty() || !ports.empty() || !local_ports.empty() || !dscps.empty() ||
           !flow_labels.empty() || !icmp_types.empty() || !extension_headers.empty() || !times.empty();
  }
};

// TCP, UDP and SCTP: the protocols whose flow keys carry ports.
bool has_ports(std::uint8_t protocol);

}  // namespace mipflow::flow_separator
