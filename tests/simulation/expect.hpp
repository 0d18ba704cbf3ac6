// SPDX-License-Identifier: GPL-3.0-or-later
// What the simulation tests ask about streams of datagrams.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "simulation/simulator/world.hpp"

template <>
struct Catch::StringMaker<mipflow::Address> {
  static std::string convert(const mipflow::Address& value) { return mipflow::to_string(value); }
};

namespace mipflow::simulation {

// The numbers of the flow's datagrams that reached its correspondent node.
inline std::set<std::uint32_t> reached(const World& world, std::uint16_t local_port) {
  std::set<std::uint32_t> out;
  for (const auto* arrived : {&world.correspondent.arrived, &world.correspondent_node.arrived})
    for (const auto& arrival : *arrived)
      if (arrival.datagram.source_port == local_port) out.insert(arrival.datagram.number);
  return out;
}

// The numbers of the answers that came back.
inline std::set<std::uint32_t> answered(const World& world, std::uint16_t local_port) {
  std::set<std::uint32_t> out;
  for (const auto& passage : world.mobile_node.arrived)
    if (passage.local_port == local_port) out.insert(passage.number);
  return out;
}

// The interfaces that the flow's datagrams used from `since` on, in one direction.
inline std::set<InterfaceIndex> interfaces_of(const std::vector<Passage>& passages, std::uint16_t local_port,
                                              TimePoint since = {}) {
  std::set<InterfaceIndex> out;
  for (const auto& passage : passages)
    if (passage.local_port == local_port && passage.at >= since) out.insert(passage.interface);
  return out;
}

// The longest time between two datagrams of the flow at the correspondent node (or back at the mobile node).
inline Duration longest_gap(const std::vector<Passage>& passages, std::uint16_t local_port) {
  Duration longest{};
  std::optional<TimePoint> before;
  for (const auto& passage : passages) {
    if (passage.local_port != local_port) continue;
    if (before) longest = std::max(longest, passage.at - *before);
    before = passage.at;
  }
  return longest;
}

}  // namespace mipflow::simulation
