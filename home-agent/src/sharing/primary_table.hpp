// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/time.hpp"
#include "sharing/primary.hpp"

namespace mipflow::home_agent {

// Among the home agents that share the load: 0 is the primary itself, the others are places in its list of secondaries.
using AgentIndex = std::uint16_t;
inline constexpr AgentIndex kOwn = 0;

// See the diagram of Primary; Recalling is Own with a Stop that was not acknowledged yet.
enum class DelegationState : std::uint8_t { Own, Starting, Delegated, HandingOver };

struct Delegation;
using DelegationNode = std::pair<const Address, Delegation>;  // of a home address

// A bound home address and who has it. A home agent may have a million of these.
struct Delegation {
  Address care_of_address;
  TimePoint ends{};         // of the binding
  TimePoint given_until{};  // end of the duration that `agent` acknowledged
  TimePoint rests_until{};  // not moved by division before
  TimePoint over_until{};   // its host route is announced over that of whoever had it until just now
  const char* reason = "";  // a literal: why it is where it is
  DelegationNode *before = nullptr, *behind = nullptr;  // among those that `agent` has
  AgentIndex agent = kOwn;  // who intercepts
  AgentIndex next = kOwn;   // who has been asked to; kOwn: nobody
  bool link_local_address_compatibility = false;
  bool by_operator = false;

  DelegationState state() const {
    if (next == kOwn) return agent == kOwn ? DelegationState::Own : DelegationState::Delegated;
    return agent == kOwn ? DelegationState::Starting : DelegationState::HandingOver;
  }
  // Where it is, or will be when the exchange has succeeded.
  AgentIndex destination() const { return next != kOwn ? next : agent; }
};

// All bound home addresses, and how many each agent has, kept as they move, so that nothing has to look at all of them.
class DelegationTable {
 public:
  struct Counts {
    std::size_t held = 0;      // it intercepts
    std::size_t leaving = 0;   // of those, another one has been asked to
    std::size_t arriving = 0;  // it has been asked to
    // When all exchanges have succeeded.
    std::size_t settled() const { return held - leaving + arriving; }
  };

  DelegationNode* find(const Address& home_address);
  const DelegationNode* find(const Address& home_address) const;
  // The primary's own.
  DelegationNode& insert(const Address& home_address);
  void erase(DelegationNode& node);
  void relocate(DelegationNode& node, AgentIndex agent, AgentIndex next);

  const Counts& counts(AgentIndex agent) const;
  // What the agent has, in order; the first one may be put last, so that all get their turn.
  DelegationNode* first_of(AgentIndex agent) const;
  void put_last(DelegationNode& node);
  std::vector<DelegationNode*> all_of(AgentIndex agent) const;

  const std::unordered_map<Address, Delegation>& all() const { return delegations_; }

 private:
  struct Agent {
    Counts counts;
    DelegationNode *first = nullptr, *last = nullptr;
  };
  Agent& agent(AgentIndex index);
  void link(DelegationNode& node);
  void unlink(DelegationNode& node);
  void count(const Delegation& delegation, bool more);

  std::unordered_map<Address, Delegation> delegations_;
  std::vector<Agent> agents_;
};

}  // namespace mipflow::home_agent
