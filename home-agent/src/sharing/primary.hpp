// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "interception.hpp"
#include "mipflow/base/deadline_queue.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/home-agent/load_sharing.hpp"
#include "sharing/association.hpp"
#include "sharing/division.hpp"

namespace mipflow::home_agent {

// The primary's side: who has which home address, and the exchanges that change it (EP 1134991, Figures 3 and 4).
//
//                delegate                Start acknowledged
//        Own ─────────────► Starting ───────────────────────► Delegated ─┐ delegate to another
//         ▲  ◄───────────── (we intercept)                       ▲  │    ▼
//         │     refused,                    Start acknowledged   │  │  HandingOver (the old one intercepts; Start to the new
//         │     given up                    by the new one,      │  │    │ one; Stop to the old one behind its acknowledgement)
//         │                                 Stop to the old one  └──┼────┘
//         │     Stop acknowledged                                   │ recall, drain, agent dead
//         └──────────────────────────────  Recalling ◄──────────────┘ (we intercept again, first; then Stop)
//
// At every moment of every path the one who has the home address goes on until the next one has said that it does: never
// neither. Both do for one exchange. A Stop that nobody acknowledges stays owed (`owed stops`) and is sent again until it is
// acknowledged, the duration that the agent was given is over, or the agent comes back with a new session and no memory of
// it: so split brain ends by this rule, the primary's later number wins.
//
// The registrations do not wait for any of this, but for the answers (AnswerMoment).
class Primary {
 public:
  struct Parts {
    const LoadSharing& configuration;
    const OwnEnd& own;
    Interception& interception;
    LoadSharingCounters& counters;
  };
  // `restored`: what persisted() said before a restart. Who had a home address is taken to have it still when bound() comes
  // for it; what is not bound until the first on_deadline() is owed a Stop.
  Primary(Parts parts, const std::vector<PersistedDelegation>& restored, Now now);
  ~Primary();

  // ---- from home registration ----

  struct Registered {
    Address home_address;
    Address care_of_address;
    TimePoint ends;                     // of the binding
    bool link_local_address_compatibility = false;
  };
  // A binding began, moved, was refreshed, or was restored. Intercepts it, here or there. `first_announcement` as for
  // NeighbourDefence::start.
  void bound(const Registered& binding, TimePoint first_announcement, Now now, Outputs& outputs);
  // The binding ended; its agent stops. Home registration stops to tunnel by itself.
  void unbound(const Address& home_address, Now now, Outputs& outputs);
  // The answer to the mobile node's Binding Update (behind bound() or unbound() for it): goes out now, or behind the
  // exchange that this registration began, at the latest after kLongestHold (then the home address has been taken back, or
  // its agent was given up).
  void answer(const Address& home_address, OutgoingPacket acknowledgement, Now now, Outputs& outputs);
  static constexpr Duration kLongestHold = std::chrono::milliseconds{700};  // below InitialBindackTimeoutFirstReg, RFC 6275 §12
  // A secondary may still defend the home address: it has it, or was not heard to have stopped. So it is ours, and duplicate
  // address detection would find nobody else but that one.
  bool may_be_elsewhere(const Address& home_address) const;

  // ---- from the other agents ----

  // A secondary of the configuration, or one that was removed from it and still has to give back what it has.
  bool is_secondary(const Address& agent) const;
  // `from` is one of those; nothing else comes here.
  void handle(const Address& from, BytesView message, Now now, Outputs& outputs);
  void handle(const TunnelActivity& activity, Now now, Outputs& outputs);

  // ---- from the operator ----

  // The error says what is wrong and what to do. A home address that the operator delegated, or recalled, stays so until
  // release(), its binding ends, or its agent is dead or draining.
  Expected<void, std::string> delegate(const Address& home_address, const std::string& agent, Now now, Outputs& outputs);
  Expected<void, std::string> recall(const Address& home_address, Now now, Outputs& outputs);
  Expected<void, std::string> release(const Address& home_address, Now now, Outputs& outputs);
  // Empties the agent, or ends that. Not persisted: `weight = 0` in the configuration is.
  Expected<void, std::string> drain(const std::string& agent, bool on, Now now, Outputs& outputs);
  // After parts.configuration changed.
  void apply_configuration(Now now, Outputs& outputs);

  void on_deadline(Now now, Outputs& outputs);
  TimePoint next_deadline() const;

  std::vector<AgentSnapshot> agents(Now now) const;
  std::vector<DelegationSnapshot> delegations(Now now) const;  // of every bound home address
  std::vector<PersistedDelegation> persisted() const;          // with what is owed
  bool changed() const;
  void clear_changed();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace mipflow::home_agent
