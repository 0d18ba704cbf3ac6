// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of Primary: what home registration, the operator and the clock want of it (primary.cpp), how a home address goes
// from one agent to another (primary_transitions.cpp), what the agents say (primary_messages.cpp), how they live and die
// (primary_agents.cpp), who gets what (primary_division.cpp), what is shown and kept (primary_snapshots.cpp).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "sharing/primary.hpp"
#include "sharing/primary_agent.hpp"
#include "sharing/primary_answers.hpp"
#include "sharing/primary_exchanges.hpp"
#include "sharing/primary_rate.hpp"
#include "sharing/primary_table.hpp"

namespace mipflow::home_agent {

class Primary::Implementation {
 public:
  Implementation(Parts parts, const std::vector<PersistedDelegation>& restored, Now now);

  void bound(const Registered& binding, TimePoint first_announcement, Now now);
  void unbound(const Address& home_address, Now now);
  void answer(const Address& home_address, OutgoingPacket acknowledgement, Now now, Outputs& outputs);
  bool may_be_elsewhere(const Address& home_address) const;

  bool is_secondary(const Address& agent) const { return index_of(agent) != kOwn; }
  void handle(const Address& from, BytesView message, Now now, Outputs& outputs);
  void handle(const TunnelActivity& activity, Now now);

  Expected<void, std::string> delegate(const Address& home_address, const std::string& agent, Now now);
  Expected<void, std::string> recall(const Address& home_address, Now now);
  Expected<void, std::string> release(const Address& home_address);
  Expected<void, std::string> drain(const std::string& agent, bool on, Now now);
  void apply_configuration(Now now);

  // Everything that is due; then the words that the event has brought about leave together.
  void on_deadline(Now now, Outputs& outputs);
  void send(Now now, Outputs& outputs);
  TimePoint next_deadline() const;

  std::vector<AgentSnapshot> agents(Now now) const;
  std::vector<DelegationSnapshot> delegations(Now now) const;
  std::vector<PersistedDelegation> persisted() const;
  bool changed() const { return changed_; }
  void clear_changed() { changed_ = false; }

 private:
  // Of the binding's lifetime; with less left it is not worth while to delegate.
  static constexpr Duration kShortestRemaining = std::chrono::seconds{5};

  // ---- transitions; the state is written here and nowhere else ----

  void take_up(DelegationNode& node, TimePoint first_announcement, Now now);
  // As it was before a restart; false: there is nothing to go by.
  bool take_up_again(DelegationNode& node, Now now);
  void refresh(DelegationNode& node, Now now);
  // Towards `target`, by whatever exchange that needs; kOwn: the primary itself.
  void move(DelegationNode& node, AgentIndex target, const char* reason, Now now);
  void ask(DelegationNode& node, AgentIndex target, Now now);
  // Intercepts it here from now on, and the agent that has it is owed a Stop. Who has been asked stays asked.
  void take_back(DelegationNode& node, const char* reason, TimePoint first_announcement, Now now);
  // Nobody is asked any more.
  void withdraw(DelegationNode& node, Now now);
  void owe_stop(AgentIndex agent, const Address& home_address, TimePoint given_until, Now now);
  void start_accepted(AgentIndex from, const Address& home_address, Now now);
  // Refused, or given up: the home address stays where it is, or comes back.
  void start_failed(AgentIndex from, const Address& home_address, Now now);
  void stop_finished(AgentIndex from, const Address& home_address, Now now);
  void relocate(DelegationNode& node, AgentIndex agent, AgentIndex next, Now now);
  void intercept(DelegationNode& node, TimePoint first_announcement, Now now);
  void watch_end(DelegationNode& node);

  wire::DelegationNumber next_number(Now now);
  wire::StartForwarding start_of(const Address& home_address, wire::DelegationNumber number, Now now) const;
  bool owes_stop(const Address& home_address) const;
  // An acknowledgement that whoever asked for it has to wait for.
  bool waits(const Address& home_address) const;
  void release_answer(const Address& home_address);

  // ---- what the agents say ----

  void heard(AgentIndex from, const std::vector<wire::StartForwardingAcknowledgement>& records, Now now, Outputs& outputs);
  void heard(AgentIndex from, const std::vector<wire::StopForwardingAcknowledgement>& records, Now now);
  void heard(AgentIndex from, const std::vector<wire::HeartbeatAcknowledgement>& records, Now now, Outputs& outputs);
  void heard(AgentIndex from, const std::vector<wire::ForwardingReport>& records, Now now);
  // What only a primary says, and the heartbeat by which an agent tells its session.
  template <class Records>
  void heard(AgentIndex, const Records&, Now, Outputs&) {}
  void start_refused(AgentIndex from, const wire::StartForwardingAcknowledgement& record, Now now, Outputs& outputs);
  // False: that can not be; it is not followed.
  bool renumber(AgentIndex agent, const Address& home_address, wire::DelegationNumber known, Now now);

  // ---- life and death ----

  void beat(AgentIndex index, Now now, Outputs& outputs);
  void died(AgentIndex index, const char* how, Now now, Outputs& outputs);
  void returned(AgentIndex index, Now now, Outputs& outputs);
  // It was away for less time than makes it dead, and its kernel has gone on meanwhile.
  void restarted(AgentIndex index, Outputs& outputs);
  void take_back_all(AgentIndex index, Now now);
  void end_words(AgentIndex index, Now now);
  void tell_emptied(AgentIndex index, Outputs& outputs);
  void remove_if_done(AgentIndex index);
  void stop_what_is_unbound(Now now);
  // The agent is configured again: what it may have from before is owed a Stop.
  void stop_orphans(AgentIndex index, Now now);

  // ---- division ----

  std::vector<DivisionAgent> division_agents(Now now) const;
  void divide_now(Now now);
  void gather(AgentIndex agent, std::vector<DivisionHomeAddress>& out, Now now);
  bool may_move(const DelegationNode& node, Now now) const;
  bool has_refused(AgentIndex agent, const Address& home_address, Now now) const;
  void divide_soon(Now now) { next_division_ = std::min(next_division_, now.monotonic); }

  // kOwn when there is none.
  AgentIndex index_of(const Address& agent) const;
  AgentIndex index_of_name(const std::string& name) const;
  AgentOfPrimary& agent(AgentIndex index) { return *agents_[index]; }
  const AgentOfPrimary& agent(AgentIndex index) const { return *agents_[index]; }
  bool has_agents() const;
  void add_agent(const SecondaryAgent& configured);
  Expected<DelegationNode*, std::string> find_bound(const Address& home_address);
  Expected<AgentIndex, std::string> find_agent(const std::string& name) const;
  std::string name_of(AgentIndex index) const { return index == kOwn ? std::string{} : agent(index).configured.name; }

  struct Refusal {
    AgentIndex agent = kOwn;
    wire::ForwardingStatus status = wire::ForwardingStatus::Accepted;
    TimePoint remembered_until{};
  };

  Parts parts_;
  // By AgentIndex; places 0 and of those who are gone are empty.
  std::vector<std::unique_ptr<AgentOfPrimary>> agents_;
  DelegationTable table_;
  wire::DelegationNumber last_number_ = 0;
  HeldAnswers answers_;
  std::unordered_map<Address, Traffic> traffic_;    // of bound home addresses that had some
  std::unordered_map<Address, Refusal> refusals_;   // the last one of bound home addresses
  std::unordered_set<Address> busy_;                // had traffic since the last division
  DeadlineQueue<Address> ends_;       // while another agent has it: the duration is over soon
  DeadlineQueue<Address> lingering_;  // its host route is announced over another one until then
  std::unordered_map<Address, std::vector<PersistedDelegation>> restored_;  // what bound() has not asked for yet
  // By agent that was not configured any more when we restarted: what it may still have, and nobody can take from it.
  std::unordered_map<Address, std::vector<Address>> orphans_;
  Rate own_load_;
  Address tunnel_source_;  // that the secondaries were told of
  TimePoint next_division_ = kNever;
  bool changed_ = false;
};

}  // namespace mipflow::home_agent
