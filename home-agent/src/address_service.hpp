// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "address_leases.hpp"
#include "address_source.hpp"
#include "binding_cache.hpp"
#include "mipflow/base/backoff.hpp"
#include "mipflow/base/deadline_queue.hpp"
#include "mipflow/home-agent/home_agent.hpp"
#include "service_gate.hpp"

namespace mipflow::home_agent {

struct AddressServiceParts {
  const Configuration& configuration;
  const Authorizations& authorizations;
  const BindingCache& cache;
  ServiceGate& gate;
  AddressLeases& leases;
  Counters& counters;
  AddressSource& agent;
  AddressSource& dhcpv6;
};

// Gives home addresses to mobile nodes that ask, and takes them back: docs/agent-service.md. A lease lives
//
//   asked for ──► Leased ──► bound by a Binding Update ──► unbound for longer than AddressService::unbound_lease ──► ended
//                   │  released by the mobile node · somebody else uses it (134) · the source lost it                  ▲
//                   └──────────────────────────────────────────────────────────────────────────────────────────────────┘
//
// The same request, repeated with its transaction, gets the same addresses.
class AddressService {
 public:
  static constexpr std::size_t kMostTransactions = 8;               // remembered per mobile node
  static constexpr Duration kTransactionMemory = std::chrono::minutes{2};
  // A lease that is not bound that long may be taken back early, to stay below the mobile node's cap.
  static constexpr Duration kShortestUnbound = std::chrono::minutes{1};
  static constexpr unsigned kChangeTransmissions = 6;               // 1 + 2 + 4 + 8 + 16 + 32 s; again at its next registration

  explicit AddressService(AddressServiceParts parts) : parts_(parts) {}

  void handle(const wire::HomeAddressRequest& request, std::uint32_t transaction, const ServicePeer& peer, Now now,
              Outputs& outputs);
  void handle(const wire::HomeAddressRelease& release, std::uint32_t transaction, const ServicePeer& peer, Now now,
              Outputs& outputs);
  void handle(const wire::HomeAddressRefresh& refresh, std::uint32_t transaction, const ServicePeer& peer, Now now, Outputs& outputs);
  void handle_change_acknowledgement(std::uint32_t transaction, const ServicePeer& peer, TimePoint now);

  void mobile_node_registered(const Address& mobile_node, Now now, Outputs& outputs);
  void binding_ended(const Address& home_address, TimePoint now);
  // Duplicate address detection found another node with the address.
  void duplicate_found(const Address& home_address, Now now, Outputs& outputs);
  // Leases that the present configuration does not allow any more end.
  void apply_configuration(Now now, Outputs& outputs);

  // A lease of before a restart: authorised from now on, and told to its source at the next on_deadline().
  void restore(const GivenLease& lease, TimePoint now);

  // What the sources had to say. To be called when one of them was called.
  void collect(Now now, Outputs& outputs);
  void on_deadline(Now now, Outputs& outputs);
  TimePoint next_deadline() const;

  // Addresses whose lease ended although they may still be bound, since the last call.
  std::vector<Address> take_lost() { return std::exchange(lost_, {}); }
  bool changed() const { return changed_; }
  void clear_changed() { changed_ = false; }
  // What is wrong with the sources, for the operator.
  std::vector<std::string> troubles() const;

 private:
  struct Transaction {
    std::uint32_t id = 0;
    wire::HomeAddressSource source = wire::HomeAddressSource::Agent;
    unsigned outstanding = 0;                // requests that the source has not answered
    std::vector<Address> addresses{};
    std::string reason{};                    // of the last refusal
    std::optional<std::uint64_t> timestamp{};  // of the newest repetition
    TimePoint forgotten_at{};
  };
  // A change that the mobile node has not acknowledged.
  struct Delivery {
    std::set<Address> owed;
    std::vector<Address> sent;     // what the present transaction tells
    std::uint32_t transaction = 0;
    Backoff backoff{std::chrono::seconds{1}, std::chrono::seconds{32}};
    TimePoint next = kNever;
  };
  struct Client {
    std::deque<Transaction> transactions;  // newest last
    Delivery delivery;
  };
  struct Asked {
    Address mobile_node;
    std::uint32_t transaction = 0;
  };

  AddressSource* source_of(wire::HomeAddressSource source) const;
  bool is_offered(wire::HomeAddressSource source) const;
  unsigned room_for(const ServicePeer& peer, unsigned wanted, Now now, Outputs& outputs);
  std::size_t addresses_of(const Address& mobile_node) const;
  void refuse(const ServicePeer& peer, std::uint32_t transaction, wire::HomeAddressSource source,
              wire::HomeAddressStatus status, std::string reason, Now now, Outputs& outputs) const;
  void answer(const ServicePeer& peer, const Transaction& transaction, Now now, Outputs& outputs) const;
  Transaction* find(const Address& mobile_node, std::uint32_t transaction);

  void take_up_restored(Now now, Outputs& outputs);
  void take(const AddressSourceReport& report, wire::HomeAddressSource source, Now now, Outputs& outputs);
  void take_answer(const AddressSourceReport& report, wire::HomeAddressSource source, Now now, Outputs& outputs);
  void end(const Address& home_address);
  void give_back(const Address& home_address, Now now, Outputs& outputs);
  void review_unbound(const Address& home_address, Now now, Outputs& outputs);

  void owe(const Address& mobile_node, const Address& home_address, Now now);
  void deliver(const Address& mobile_node, Client& client, Now now, Outputs& outputs);
  void arm(const Address& mobile_node);

  AddressServiceParts parts_;
  std::unordered_map<Address, Client> clients_;               // by primary home address
  std::unordered_map<AddressRequestId, Asked> asked_;
  AddressRequestId next_request_ = 1;
  std::uint32_t next_transaction_ = 1;
  DeadlineQueue<Address> due_;                                // of clients
  DeadlineQueue<Address> unbound_;                            // by home address: when the lease ends unless it is bound
  std::vector<GivenLease> restored_;
  TimePoint take_up_at_ = kNever;                             // the restored ones, to their sources
  std::vector<Address> lost_;
  bool changed_ = false;
};

}  // namespace mipflow::home_agent
