// SPDX-License-Identifier: GPL-3.0-or-later
// Who may use the address and policy service, and how its messages leave.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "authorizations.hpp"
#include "binding_cache.hpp"
#include "mipflow/base/deadline_queue.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/token_bucket.hpp"
#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/wire/agent_service.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::home_agent {

// A mobile node that the service talks to.
struct ServicePeer {
  Address mobile_node;      // its Primary Home Address
  Address care_of_address;  // where that is bound; the Primary Home Address itself while it is at home
  // nullptr in the laboratory that has to be named insecure.
  const MobileNodeAuthorization* authorization = nullptr;
  std::optional<std::uint64_t> timestamp{};  // of the request, to be returned; else the present time
};

struct ServiceGateParts {
  const Configuration& configuration;
  const Authorizations& authorizations;
  const BindingCache& cache;
  Counters& counters;
};

// A request is let in when it comes from where its sender's primary home address is bound, or from that address itself while it is
// bound nowhere (the mobile node is at home, RFC 6275 §11.5.5), is authenticated by the security
// association of that address like a Binding Update (RFC 4285), has a timestamp later than every one before, and the
// sender does not ask too often. Silence for the others: an answer would tell strangers who is registered.
class ServiceGate {
 public:
  ServiceGate(ServiceGateParts parts, Now started) : parts_(parts), started_(started) {}

  std::optional<ServicePeer> admit(const wire::AgentServiceMessage& message, const wire::PacketView& view, Now now,
                                   Outputs& outputs);
  // For messages that nobody asked for; nullopt while the mobile node's primary home address is not bound.
  std::optional<ServicePeer> find(const Address& mobile_node) const;
  void send(const ServicePeer& to, wire::AgentServiceMessage message, Now now, Outputs& outputs);

  TimePoint next_deadline() const { return quiet_.next(); }
  void on_deadline(TimePoint now);

 private:
  struct Sender {
    std::uint64_t last_timestamp = 0;
    TokenBucket requests{10, 20};
  };
  // For a message that nobody asked for: later than every one before, as the mobile node wants it (RFC 4285 §6).
  std::uint64_t next_timestamp(Now now);
  // Who speaks, from where, to judge by the addresses; false when nobody can.
  bool find_sender(const wire::PacketView& view, ServicePeer& peer) const;
  // Why it is not let in; nullptr: it is.
  const char* objection(const wire::AgentServiceMessage& message, const wire::PacketView& view, ServicePeer& peer, Now now);

  ServiceGateParts parts_;
  Now started_;
  std::uint64_t last_sent_timestamp_ = 0;
  std::unordered_map<Address, Sender> senders_;  // by primary home address: only who was authenticated
  DeadlineQueue<Address> quiet_;                 // when a sender's last timestamp can not be replayed any more
};

}  // namespace mipflow::home_agent
