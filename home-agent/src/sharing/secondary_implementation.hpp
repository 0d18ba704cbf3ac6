// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of Secondary: whom it serves, and when what it has ends (secondary.cpp), what the primaries say
// (secondary_messages.cpp), what is shown and kept (secondary_snapshots.cpp).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "mipflow/wire/constants.hpp"
#include "sharing/forwardings.hpp"
#include "sharing/gone_numbers.hpp"
#include "sharing/secondary.hpp"

namespace mipflow::home_agent {

// A primary, and what there is to know about it.
struct ServedPrimary {
  ServedPrimary(const OwnEnd& own, const PrimaryAgent& agent) : configuration(agent), association(own, agent.address, agent.key) {}

  PrimaryAgent configuration;
  Association association;
  GoneNumbers gone;
  std::uint64_t conversation = 0;      // counts its sessions
  TimePoint confirmed_until = kNever;  // what was not said again in this conversation by then ends
  std::uint64_t packets = 0;           // tunnelled for its home addresses
  double packets_per_second = 0;
  std::optional<TimePoint> heard;
};

class Secondary::Implementation {
 public:
  // Of a Binding Update (RFC 6275 §6.1.7); no duration can be longer.
  static constexpr Duration kLongestForwarding = 65'535 * wire::kLifetimeUnit;

  Implementation(Parts parts, const std::vector<PersistedForwarding>& restored, Now now);

  void handle(const Address& from, BytesView message, Now now, Outputs& outputs);
  void handle(const TunnelActivity& activity, Outputs& outputs);
  void apply_configuration(Now now, Outputs& outputs);
  bool retire(Now now);
  void on_deadline(Now now, Outputs& outputs);
  TimePoint next_deadline() const;

  bool forwards(const Address& home_address) const { return forwardings_.find(home_address) != nullptr; }
  std::vector<AgentSnapshot> agents(Now now) const;
  std::vector<DelegationSnapshot> forwardings(Now now) const;
  std::vector<PersistedForwarding> persisted(Now now) const;
  bool changed() const { return changed_; }
  void clear_changed() { changed_ = false; }

 private:
  // ---- what the primaries say ----

  void heard(const std::vector<wire::StartForwarding>& starts, ServedPrimary& primary, Now now, Outputs& outputs);
  void heard(const std::vector<wire::StopForwarding>& stops, ServedPrimary& primary, Now now, Outputs& outputs);
  void heard(const std::vector<wire::Heartbeat>& heartbeats, ServedPrimary& primary, Now now, Outputs& outputs);
  // Everything else goes from secondaries to primaries.
  template <class Record>
  void heard(const std::vector<Record>&, ServedPrimary&, Now, Outputs&) {}
  wire::StartForwardingAcknowledgement take(const wire::StartForwarding& start, ServedPrimary& primary, Now now, Outputs& outputs);
  wire::StopForwardingAcknowledgement take(const wire::StopForwarding& stop_request, ServedPrimary& primary, Now now);
  void begin_conversation(ServedPrimary& primary, TimePoint now);

  const Forwarding* forwarding_for(const ServedPrimary& primary, const Address& home_address) const;
  wire::DelegationNumber known_number(const ServedPrimary& primary, const Address& home_address) const;

  // ---- beginning and end ----

  // Serves what was delegated before the restart. Nothing is announced: the home link's caches are right, unless the primary
  // has taken the home address back meanwhile. Its next Start tells that it has not.
  void restore(const PersistedForwarding& persisted, Now now);
  // A primary that would have more lingering here than it may have at all moves them faster than anybody needs: what it stops
  // then ends at once.
  void stop(const Address& home_address, Now now);
  void stop_unconfirmed(ServedPrimary& primary, Now now, Outputs& outputs);
  void forget(const Forwarding& forwarding);
  bool may_go_on(const Forwarding& forwarding) const;

  bool silent(const ServedPrimary& primary, TimePoint now) const;
  AgentState state_of(const ServedPrimary& primary, TimePoint now) const;

  Parts parts_;
  std::map<Address, ServedPrimary> primaries_;
  Forwardings forwardings_;
  std::uint64_t reports_ = 0;
  bool retiring_ = false;
  bool changed_ = false;
};

}  // namespace mipflow::home_agent
