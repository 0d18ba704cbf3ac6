// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "interception.hpp"
#include "mipflow/home-agent/load_sharing.hpp"
#include "sharing/association.hpp"
#include "tunnels.hpp"

namespace mipflow::home_agent {

// The secondary's side: intercepts and tunnels for home addresses that a primary delegated (EP 1134991, Figure 3, 302-304).
// Per home address:
//
//   (none) ── Start ──► Forwarding ── Stop, end of the duration ──► Lingering ── `linger` is over ──► (none)
//                        ▲  │ Start: other care-of address,            │ Start with a higher number
//                        └──┘ later duration                           │
//                        ▲─────────────────────────────────────────────┘
// Lingering: no longer intercepted, still tunnelled, for what late caches and slow routes send here. A home address that is
// gone leaves its number behind for as long as an older word may be under way.
//
// A primary that falls silent changes nothing: its secondaries go on until the durations end. One that begins a new conversation,
// as it was restarted (or this agent was), says again what it wants; what it has not said again a moment later is stopped, as a
// primary that has forgotten a delegation would never stop it.
class Secondary {
 public:
  struct Parts {
    const LoadSharing& configuration;
    const OwnEnd& own;
    Interception& interception;
    Tunnels& tunnels;
    LoadSharingCounters& counters;
    // True: this home agent has a binding of its own for the home address, which nobody else can delegate to it.
    std::function<bool(const Address& home_address)> is_bound_here;
    // True: an address of this node. No care-of address can be.
    std::function<bool(const Address& address)> is_own_address;
  };
  Secondary(Parts parts, const std::vector<PersistedForwarding>& restored, Now now);
  ~Secondary();

  // `from` is one of our primaries; nothing else comes here.
  void handle(const Address& from, BytesView message, Now now, Outputs& outputs);
  void handle(const TunnelActivity& activity, Now now, Outputs& outputs);
  // After parts.configuration changed: what a primary may not delegate any more stops.
  void apply_configuration(Now now, Outputs& outputs);
  // Before the daemon stops: tells the primaries to take everything back; true when they have, or there is nothing.
  bool retire(Now now, Outputs& outputs);

  void on_deadline(Now now, Outputs& outputs);
  TimePoint next_deadline() const;

  // Is it a packet from the tunnel of a home address that is delegated to us, for tunnel errors: see TunnelErrors.
  bool forwards(const Address& home_address) const;
  std::vector<AgentSnapshot> agents(Now now) const;
  std::vector<DelegationSnapshot> forwardings(Now now) const;
  std::vector<PersistedForwarding> persisted(Now now) const;
  bool changed() const;
  void clear_changed();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace mipflow::home_agent
