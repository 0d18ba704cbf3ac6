// SPDX-License-Identifier: GPL-3.0-or-later
// The mobile node's end of the address and policy service, docs/agent-service.md: home addresses that the home agent
// provides, and the policy that it serves.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent_allocation.hpp"
#include "binding_update_list.hpp"
#include "care_of.hpp"
#include "home_agent_signalling.hpp"
#include "mipflow/base/random.hpp"
#include "policy_transfer.hpp"

namespace mipflow::mobile_node {

// One question to the home agent, repeated after 1 s, doubling to 32 s (RFC 6275 §11.8).
struct AgentExchange {
  std::uint32_t transaction = 0;
  bool open = false;
  TimePoint next = kNever;                 // transmission
  unsigned unanswered = 0;                 // transmissions since the home agent last said something about it
  std::vector<std::uint64_t> timestamps;   // of the transmissions, newest last: an answer returns one of them
  Backoff backoff{wire::kInitialBindackTimeout, wire::kMaxBindackTimeout};
  Backoff polls{std::chrono::seconds{4}, wire::kMaxBindackTimeout};  // while the home agent says that it works on it
};

// Speaks only while the primary home address is bound, at most three times a second. A home agent that says it does not
// know the message (Binding Error 2), or never answered and stays silent for three transmissions, does not offer the
// service and is not asked again for kNotOffered.
class AgentService {
 public:
  static constexpr unsigned kTransmissionsToStrangers = 3;   // 1 + 2 + 4 s, to a home agent that never answered
  static constexpr unsigned kTransmissions = 5;              // 1 + 2 + 4 + 8 + 16 s
  static constexpr Duration kNotOffered = std::chrono::minutes{10};
  static constexpr Duration kSilent = std::chrono::minutes{1};  // until the next try when it answered before

  // `configuration`, `signalling` and `random` must outlive the object.
  AgentService(const Configuration& configuration, HomeAgentSignalling& signalling, RandomSource& random);

  // Origin::Agent or Origin::Dhcpv6.
  AgentAllocation& allocation(hoa_alloc::Origin origin);
  const AgentAllocation& allocation(hoa_alloc::Origin origin) const;

  // Asks for nothing more; addresses that arrived and that nobody took are given back.
  void stop();
  // Tells the home agent that these are wanted still, although they are not registered. Ignored while it is told already.
  void refresh(std::vector<Address> addresses, TimePoint now);
  bool has_leases() const;
  // Addresses are to be given back, or the home agent has not yet said that it took them.
  bool has_to_release() const;

  // The primary home address is bound, for the first time or again, or is at home.
  void registered(TimePoint now);
  // What was asked of another home agent is asked of this one, and what that one could not do this one may.
  void home_agent_changed(TimePoint now);
  // Messages of the service that judge() found to be from the home agent.
  void receive(const wire::AgentServiceMessage& message, const CareOf& path, Now now, Outputs& outputs);
  // The home agent sent a Binding Error of status 2. True when a question was open that it can be about.
  bool not_understood(TimePoint now);

  // `path`: where the primary home address is bound, if that works, or that address on the home link; without it everything waits
  // for registered().
  void on_deadline(const std::optional<CareOf>& path, Now now, Outputs& outputs);
  TimePoint next_deadline() const;

  // Addresses whose lifetimes are others now; a `valid_until` that is over: the address is lost.
  std::vector<hoa_alloc::AllocatedHomeAddress> take_changes() { return std::exchange(changes_, {}); }
  // allocate() would say something else now than Pending.
  bool take_news() { return std::exchange(news_, false); }
  // Version of the policy that was taken last, or was known at the start; nullopt: none.
  std::optional<std::uint32_t> policy_version() const;

 private:
  struct Source {
    AgentAllocation allocation;
    AgentExchange exchange{};
  };

  AgentExchange opened(TimePoint now);
  bool answers(const wire::AgentServiceMessage& message, const AgentExchange& exchange) const;
  bool is_fresh(const wire::AgentServiceMessage& message, Now now);
  void transmit(AgentExchange& exchange, wire::AgentServiceBody body, const CareOf& path, Now now, Outputs& outputs);
  bool has_run_out(const AgentExchange& exchange) const;
  void silence(Now now, Outputs& outputs);
  void not_offered(const std::string& reason, TimePoint now);

  void take_lifetimes(const std::vector<wire::HomeAddressLifetimes>& lifetimes, TimePoint now);
  void receive(const wire::HomeAddressRefreshReply& reply, const wire::AgentServiceMessage& message, TimePoint now);
  void receive(const wire::HomeAddressReply& reply, const wire::AgentServiceMessage& message, TimePoint now);
  void receive(const wire::HomeAddressChange& change, const wire::AgentServiceMessage& message, const CareOf& path, Now now,
               Outputs& outputs);
  void receive(const wire::PolicyReply& reply, const wire::AgentServiceMessage& message, Now now, Outputs& outputs);

  void serve(Source& source, const CareOf& path, Now now, Outputs& outputs);
  void release(const CareOf& path, Now now, Outputs& outputs);
  void tell_refresh(const CareOf& path, Now now, Outputs& outputs);
  void fetch_policy(const CareOf& path, Now now, Outputs& outputs);
  bool takes_policy() const;

  const Configuration& configuration_;
  HomeAgentSignalling& signalling_;
  std::uint32_t last_transaction_;
  std::array<Source, 2> sources_;
  AgentExchange releasing_;
  wire::HomeAddressRelease released_;       // what `releasing_` is about
  AgentAllocation::Returned to_release_;
  AgentExchange refreshing_;
  std::vector<Address> refreshed_;          // what `refreshing_` is about and what comes behind it
  PolicyTransfer policy_;
  AgentExchange fetching_;
  UpdateRateLimit rate_;
  bool postponed_ = true;                   // there is no way to the home agent
  bool stopping_ = false;
  bool offered_ = false;                    // it answered once
  TimePoint not_offered_until_ = TimePoint::min();
  std::uint64_t last_unsolicited_ = 0;      // timestamp of the last message that nobody asked for
  std::vector<hoa_alloc::AllocatedHomeAddress> changes_;
  bool news_ = false;
};

}  // namespace mipflow::mobile_node
