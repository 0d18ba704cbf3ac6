// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <catch2/catch.hpp>

#include "support.hpp"

namespace mipflow::mobile_node::test {

// A node with wlan0 (preferred) and wwan0, registered, with its pool filled.
inline void settle_in(TestNode& test) {
  test.wlan_up();
  test.wwan_up();
  test.serve(10s);
  test.take_updates();
  test.take_verdicts();
  test.take_events();
}

// The care-of address that the data path uses for the flow, `::` when it has none.
inline Address path_of(TestNode& test, const FlowKey& key) {
  const auto* flow = test.node.plan().flows.find(key);
  if (flow == nullptr) return {};
  const auto* binding = test.node.plan().bindings.find(flow->binding);
  return binding == nullptr ? Address{} : binding->care_of_address;
}

inline bool was_accepted(TestNode& test, HeldPacketId id) {
  bool accepted = false;
  for (const auto& verdict : test.take_verdicts()) accepted = accepted || (verdict.packet == id && verdict.kind == VerdictKind::Accept);
  return accepted;
}

// The interfaces and states of the warm pool's home addresses.
inline std::size_t count_state(TestNode& test, const std::string& state, const std::string& interface = "") {
  std::size_t count = 0;
  for (const auto& entry : test.node.home_addresses(test.both()))
    count += entry.state == state && (interface.empty() || entry.interface == interface) ? 1 : 0;
  return count;
}

}  // namespace mipflow::mobile_node::test
