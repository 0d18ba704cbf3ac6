// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "address_source.hpp"
#include "authorizations.hpp"
#include "declined_addresses.hpp"
#include "dhcpv6_lease.hpp"
#include "home_prefixes.hpp"
#include "mipflow/base/deadline_queue.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/token_bucket.hpp"
#include "mipflow/home-agent/dhcpv6_events.hpp"
#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/wire/dhcpv6.hpp"

namespace mipflow::home_agent {

// What a home agent asks of DHCPv6 servers at most.
struct Dhcpv6Limits {
  std::size_t leases = 65'536;   // with those that are being asked for or given back
  std::size_t requests = 1'024;  // being asked for
  // RFC 8415 §14.1 wants a limit of every client, and to servers each mobile node is one: nobody uses up what others need.
  unsigned messages_per_second = 10;  // of one mobile node
  unsigned messages_at_once = 40;
};

// Home addresses from the DHCPv6 servers of the home link (WO 2004/057826: the home agent asks for a new address on behalf
// of the mobile node). To a server every mobile node is a client with a DUID of its own (dhcpv6_client_identifier), and
// every home address one of its associations. RFC 8415 with Solicit, Advertise, Request and Reply, Renew and Rebind,
// Release and Decline; always multicast, no Rapid Commit, no Reconfigure. dhcpv6_lease.hpp has the table of phases.
//
// A server's answer is believed when it has the transaction, the client and, where one was asked, the server of the
// question. That protects against everybody but a neighbour on the home link; the link's switch has to (RFC 7610).
class Dhcpv6AddressSource final : public AddressSource {
 public:
  struct Parts {
    const Configuration& configuration;  // the home agent's address and its home link
    const HomePrefixes& prefixes;        // of the home link: other addresses would not be routed to this home agent
    const Authorizations& authorizations;
    RandomSource& random;
    // Has a mobile node the address, registered or given to it, wherever it got it from?
    std::function<bool(const Address&)> taken;
  };
  explicit Dhcpv6AddressSource(Parts parts, Dhcpv6Limits limits = {}) : parts_(std::move(parts)), limits_(limits) {}

  // AddressSource
  void request(AddressRequestId id, const Address& mobile_node, Now now, Outputs& outputs) override;
  void release(const Address& home_address, Now now, Outputs& outputs) override;
  void decline(const Address& home_address, Now now, Outputs& outputs) override;
  // Asks the servers soon (Rebind) whether the lease still holds. One without an `identity` can not be renewed and lasts
  // as long as it says.
  void adopt(const Address& mobile_node, const AddressLease& lease, Now now, Outputs& outputs) override;
  void on_deadline(Now now, Outputs& outputs) override;
  TimePoint next_deadline() const override { return timers_.next(); }
  std::vector<AddressSourceReport> take_reports() override { return std::exchange(reports_, {}); }
  std::string trouble() const override;

  // Until the port is open requests wait, unless something is wrong with it.
  void handle(const Dhcpv6Port& port, Now now, Outputs& outputs);
  void handle(const Dhcpv6Received& received, Now now, Outputs& outputs);

 private:
  using Key = std::uint64_t;
  // A mobile node as DHCPv6 servers know it; exists while it has a lease.
  struct Client {
    Bytes identifier;
    std::set<std::uint32_t> identities;  // IAIDs in use
    std::uint32_t first_identity = 1;    // smaller ones are not used again: a server gives nothing good for them
    TimePoint first_solicit{};
  };

  // ---- life of a lease: dhcpv6_client.cpp ----
  Dhcpv6Lease& add(const Address& mobile_node, std::uint32_t identity, Now now);
  std::uint32_t free_identity(const Address& mobile_node, Now now);
  Client& client_of(const Address& mobile_node, Now now);
  void remove(Key key);
  // Begins the phase's exchange of messages; the first one leaves at `at`.
  void enter(Key key, Dhcpv6Phase phase, TimePoint at);
  void transmit(Dhcpv6Lease& lease, Now now, Outputs& outputs);
  bool may_send_for(const Address& mobile_node, TimePoint now);
  void step(Key key, Now now, Outputs& outputs);
  void retransmit(Key key, Dhcpv6Lease& lease, Now now, Outputs& outputs);
  void arm(Key key, const Dhcpv6Lease& lease);
  void run_out_of_patience(Key key, Dhcpv6Lease& lease, Now now, Outputs& outputs);
  // The one report that the lease's request gets.
  void answer(Dhcpv6Lease& lease, AddressSourceReport::Kind kind, std::string reason);
  void refuse(Key key, Dhcpv6Lease& lease, std::string reason);
  void lose(Key key, Dhcpv6Lease& lease, std::string reason);
  // Gives addresses back in the phase Releasing or Declining, or remembers to, when it is not known to which server.
  void give_back(Key key, Dhcpv6Phase phase, std::vector<Address> addresses, Now now);
  void servers_are_silent(Outputs& outputs);
  void server_answered();

  // ---- answers of servers: dhcpv6_answers.cpp ----
  void handle_advertise(Key key, Dhcpv6Lease& lease, const wire::Dhcpv6Message& message, Now now, Outputs& outputs);
  void handle_reply(Key key, Dhcpv6Lease& lease, const wire::Dhcpv6Message& message, Now now, Outputs& outputs);
  void handle_first_reply(Key key, Dhcpv6Lease& lease, const wire::Dhcpv6Message& message, Now now, Outputs& outputs);
  void handle_renewal(Key key, Dhcpv6Lease& lease, const wire::Dhcpv6Message& message, Now now, Outputs& outputs);
  void request_best_offer(Key key, Dhcpv6Lease& lease, Now now);
  void try_next_offer(Key key, Dhcpv6Lease& lease, Now now);
  void take_lifetimes(Key key, Dhcpv6Lease& lease, const wire::Dhcpv6Association& association,
                      const wire::Dhcpv6Address& granted, Now now);
  void refuse_addresses(Key key, const wire::Dhcpv6Association& association, Now now);
  // Why the address can not be a home address here; empty when it can.
  std::string objection(const Address& address, TimePoint now) const;
  bool is_taken(const Address& address) const;
  bool is_answer_to(const Dhcpv6Lease& lease, const wire::Dhcpv6Message& message) const;

  Parts parts_;
  Dhcpv6Limits limits_;
  Dhcpv6Port port_;
  std::unordered_map<Key, Dhcpv6Lease> leases_;
  std::unordered_map<Address, Key> by_address_;  // leased ones
  std::unordered_map<std::uint32_t, Key> by_transaction_;
  std::unordered_map<Address, Client> clients_;  // by Primary Home Address
  DeadlineQueue<Key> timers_;
  Key next_key_ = 1;
  std::size_t requests_ = 0;  // leases that have one
  std::vector<AddressSourceReport> reports_;
  // The lease whose request was refused because no server answers, and which goes on soliciting, so that it is known when
  // one is back.
  std::optional<Key> probe_;
  DeclinedAddresses declined_;
  Duration longest_solicit_timeout_ = wire::kSolMaxRt;
  // Of mobile nodes that had a message of late, with or without a lease since; until the bucket is full again.
  std::unordered_map<Address, TokenBucket> messages_;
  DeadlineQueue<Address> quiet_;
  bool silent_ = false;
  std::string last_refusal_;
};

}  // namespace mipflow::home_agent
