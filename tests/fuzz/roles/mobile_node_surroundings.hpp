// SPDX-License-Identifier: GPL-3.0-or-later
// All that happens to a mobile node, as octets decide: cables, addresses and routers, first packets of flows, commands, a home agent
// and a correspondent node that answer as they should, wrongly or not at all, somebody without a key, and time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "fuzz/roles/forger.hpp"
#include "scripted_correspondent.hpp"
#include "support.hpp"

namespace mipflow::fuzz {

// The members are for whoever looks whether the rules hold: what has been seen, and what the node may believe.
class Surroundings {
 public:
  // `kind`: the configuration and the policy. `input` has to live as long.
  Surroundings(std::uint8_t kind, BytesView input);

  // One thing, which the next octets of the input decide.
  void happen();

  Draw draw;
  Forger forger{draw};
  mobile_node::test::TestNode test;
  mobile_node::test::ScriptedCorrespondent correspondent_node{test};
  std::map<HeldPacketId, TimePoint> held;  // packets without a verdict, and when each has to have one
  std::vector<mobile_node::test::SentUpdate> updates, correspondent_updates;
  std::vector<mobile_node::test::SentSolicitation> solicitations;
  std::vector<mobile_node::test::ScriptedCorrespondent::SentInit> home_tests, care_of_tests;
  // Home addresses that the home agent, or the correspondent node, has accepted with its key.
  std::set<Address> accepted, optimized;
  std::uint32_t last_transaction = 0;  // of the address service
  // A data path that says so is believed: its flows go on as they were.
  bool direct_flow_was_recovered = false;

 private:
  static constexpr HeldPacketId kOwnIds = 1'000'000;

  std::optional<Address> tunnel();
  void carrier(InterfaceIndex index, const char* name, InterfaceKind kind, bool running);
  void plug_in(InterfaceIndex index, const char* name, const Address& care_of_address, InterfaceKind kind);
  void network();
  Address some_home_address();
  void first_packet();
  // One of the last eight.
  template <class List>
  auto& recent(List& list) { return list[list.size() - 1 - draw.below(std::min<std::size_t>(list.size(), 8))]; }
  void home_agent_answers();
  void correspondent_answers();
  void agent_service();
  void command();
  void data_path();

  HeldPacketId own_packets_ = 0;
  bool stopped_ = false;
};

}  // namespace mipflow::fuzz
