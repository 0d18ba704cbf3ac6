// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/home-agent/load_sharing.hpp"

namespace mipflow::home_agent {

// Who gets what: a question without memory but for what stands in it. Index 0 of the agents is the primary itself.
struct DivisionAgent {
  // Of its share. 0, at a secondary: it is being drained, and what it has goes elsewhere; at the primary: it delegates all,
  // with Division::Equal, as far as there is somebody who takes it.
  unsigned weight = 1;
  bool takes = true;         // alive, not draining, not full, and it did not refuse lately
  std::size_t room = SIZE_MAX;  // how many more it takes
  std::size_t held = 0;      // home addresses
  double packets_per_second = 0;
};
struct DivisionHomeAddress {
  Address home_address;
  std::size_t agent = 0;       // index of who has it
  double packets_per_second = 0;
  bool may_move = true;        // not by the operator's word, not in an exchange, rested
};
struct DivisionMove {
  Address home_address;
  std::size_t to = 0;
  const char* reason = "";  // "equal", "load", "drained", "agent-dead": a literal
  friend bool operator==(const DivisionMove&, const DivisionMove&) = default;
};

// For a home address that is new, or has lost its agent: who takes it. 0 is the primary, always possible.
std::size_t choose_agent(const LoadSharing& configuration, const std::vector<DivisionAgent>& agents);

// What should move now, at most `most` moves, those that help most first; empty when the division is good enough: when
// agents differ by no more than `load_tolerance`, in home addresses or packets/s by weight, or nothing that may move would
// bring them closer. Moves away from agents that are being drained come first. Of the home addresses of an agent, some are
// enough; `held` and `packets_per_second` of the agents count. A second call with the moves carried out returns nothing, unless
// the first was cut short by `most`: no flapping.
std::vector<DivisionMove> divide(const LoadSharing& configuration, const std::vector<DivisionAgent>& agents,
                                 const std::vector<DivisionHomeAddress>& home_addresses, std::size_t most);

}  // namespace mipflow::home_agent
