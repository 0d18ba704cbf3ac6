// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "mipflow/base/random.hpp"
#include "mipflow/home-agent/load_sharing.hpp"
#include "sharing/primary.hpp"
#include "sharing/secondary.hpp"

namespace mipflow::home_agent {

// Both sides of load sharing in one home agent; it only dispatches. Who sent a message is looked up by its source address:
// an agent is a primary or a secondary of ours, not both.
class Sharing {
 public:
  struct Parts {
    const LoadSharing& configuration;
    Address home_agent_address;
    Interception& interception;
    Tunnels& tunnels;
    RandomSource& random;
    std::function<bool(const Address&)> is_bound_here;
    std::function<bool(const Address&)> is_own_address;
  };
  Sharing(Parts parts, const PersistedLoadSharing& restored, Now now);

  void handle(const ForwardingMessageReceived& received, Now now, Outputs& outputs);
  void handle(const TunnelActivity& activity, Now now, Outputs& outputs);
  // After parts.configuration, or the home agent's address, changed.
  void apply_configuration(const Address& home_agent_address, Now now, Outputs& outputs);
  void on_deadline(Now now, Outputs& outputs);
  TimePoint next_deadline() const { return std::min(primary_.next_deadline(), secondary_.next_deadline()); }

  Primary& primary() { return primary_; }
  const Primary& primary() const { return primary_; }
  Secondary& secondary() { return secondary_; }
  const Secondary& secondary() const { return secondary_; }
  PersistedLoadSharing persisted(Now now) const;
  bool changed() const { return primary_.changed() || secondary_.changed(); }
  void clear_changed();
  const LoadSharingCounters& counters() const { return counters_; }

 private:
  const LoadSharing& configuration_;
  LoadSharingCounters counters_;
  OwnEnd own_;
  Primary primary_;
  Secondary secondary_;
};

}  // namespace mipflow::home_agent
