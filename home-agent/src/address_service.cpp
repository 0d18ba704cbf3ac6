// SPDX-License-Identifier: GPL-3.0-or-later
// Requests and releases; how leases live is in lease_life.cpp.
#include "address_service.hpp"

#include <algorithm>
#include <utility>

namespace mipflow::home_agent {

using wire::HomeAddressSource;
using wire::HomeAddressStatus;

AddressSource* AddressService::source_of(HomeAddressSource source) const {
  switch (source) {
    case HomeAddressSource::Agent: return &parts_.agent;
    case HomeAddressSource::Dhcpv6: return &parts_.dhcpv6;
  }
  return nullptr;
}

bool AddressService::is_offered(HomeAddressSource source) const {
  return source_of(source) != nullptr &&
         std::ranges::find(parts_.configuration.address_service.sources, source) !=
             parts_.configuration.address_service.sources.end();
}

AddressService::Transaction* AddressService::find(const Address& mobile_node, std::uint32_t transaction) {
  const auto client = clients_.find(mobile_node);
  if (client == clients_.end()) return nullptr;
  const auto found = std::ranges::find(client->second.transactions, transaction, &Transaction::id);
  return found == client->second.transactions.end() ? nullptr : &*found;
}

void AddressService::handle(const wire::HomeAddressRequest& request, std::uint32_t transaction, const ServicePeer& peer,
                            Now now, Outputs& outputs) {
  ++parts_.counters.home_address_requests;
  if (Transaction* known = find(peer.mobile_node, transaction)) {
    known->timestamp = peer.timestamp;
    return answer(peer, *known, now, outputs);
  }
  const auto refuse_with = [&](HomeAddressStatus status, std::string reason) {
    refuse(peer, transaction, request.source, status, std::move(reason), now, outputs);
  };
  if (!is_offered(request.source))
    return refuse_with(HomeAddressStatus::SourceNotOffered, "this home agent does not offer the source " + to_string(request.source));
  if (peer.authorization != nullptr && !peer.authorization->may_allocate_home_addresses)
    return refuse_with(HomeAddressStatus::Prohibited, "this mobile node may use its primary home address only");

  Client& client = clients_[peer.mobile_node];
  auto& transactions = client.transactions;
  if (transactions.size() >= kMostTransactions) {
    const auto answered = std::ranges::find(transactions, 0u, &Transaction::outstanding);
    if (answered == transactions.end())
      return refuse_with(HomeAddressStatus::LimitReached, "too many requests wait for their answer already");
    transactions.erase(answered);
  }
  const unsigned wanted = std::clamp<unsigned>(request.count, 1, wire::kMostAddressesPerMessage);
  const unsigned granted = room_for(peer, wanted, now, outputs);
  if (granted == 0) {
    arm(peer.mobile_node);
    return refuse_with(HomeAddressStatus::LimitReached, "the mobile node has as many home addresses as it may");
  }
  transactions.push_back({.id = transaction,
                          .source = request.source,
                          .outstanding = granted,
                          .timestamp = peer.timestamp,
                          .forgotten_at = now.monotonic + kTransactionMemory});
  arm(peer.mobile_node);
  for (unsigned i = 0; i < granted; ++i) {
    const AddressRequestId id = next_request_++;
    asked_.emplace(id, Asked{peer.mobile_node, transaction});
    source_of(request.source)->request(id, peer.mobile_node, now, outputs);
  }
  // A source that answers at once has its answer sent here; of one that does not the mobile node should know that it works.
  collect(now, outputs);
  if (const Transaction* made = find(peer.mobile_node, transaction); made != nullptr && made->outstanding > 0)
    answer(peer, *made, now, outputs);
}

std::size_t AddressService::addresses_of(const Address& mobile_node) const {
  std::size_t count = parts_.cache.live_count(mobile_node);
  for (const Address& home_address : parts_.leases.of(mobile_node)) {
    const Binding* binding = parts_.cache.find(home_address);
    if (binding == nullptr || binding->state == BindingState::Deleted) ++count;
  }
  if (const auto client = clients_.find(mobile_node); client != clients_.end())
    for (const Transaction& transaction : client->second.transactions) count += transaction.outstanding;
  return count;
}

// A mobile node that was restarted asks anew and knows nothing of what it was given before.
unsigned AddressService::room_for(const ServicePeer& peer, unsigned wanted, Now now, Outputs& outputs) {
  const std::size_t cap =
      peer.authorization != nullptr ? peer.authorization->home_address_cap : MobileNodeAuthorization{}.home_address_cap;
  std::size_t have = addresses_of(peer.mobile_node);
  if (have + wanted > cap) {
    std::vector<std::pair<TimePoint, Address>> unbound;
    for (const Address& home_address : parts_.leases.of(peer.mobile_node)) {
      if (parts_.cache.find_bound(home_address) != nullptr) continue;
      const TimePoint ends = unbound_.find(home_address).value_or(kNever);
      const TimePoint since = ends == kNever ? now.monotonic : ends - parts_.configuration.address_service.unbound_lease;
      if (now.monotonic - since >= kShortestUnbound) unbound.emplace_back(since, home_address);
    }
    std::ranges::sort(unbound);
    for (const auto& [since, home_address] : unbound) {
      if (have + wanted <= cap) break;
      give_back(home_address, now, outputs);
      --have;
    }
  }
  return have >= cap ? 0 : static_cast<unsigned>(std::min<std::size_t>(wanted, cap - have));
}

void AddressService::refuse(const ServicePeer& peer, std::uint32_t transaction, HomeAddressSource source,
                            HomeAddressStatus status, std::string reason, Now now, Outputs& outputs) const {
  outputs.notices.push_back({Severity::Info, "home-address-refused",
                             "gave " + to_string(peer.mobile_node) + " no home address (" + to_string(status) + "): " + reason});
  parts_.gate.send(peer, {.transaction = transaction, .body = wire::HomeAddressReply{source, status, {}, std::move(reason)}}, now,
                   outputs);
}

void AddressService::answer(const ServicePeer& peer, const Transaction& transaction, Now now, Outputs& outputs) const {
  wire::HomeAddressReply reply{.source = transaction.source};
  if (transaction.outstanding > 0) {
    reply.status = HomeAddressStatus::Pending;
  } else {
    for (const Address& home_address : transaction.addresses) {
      const GivenLease* lease = parts_.leases.find(home_address);
      if (lease != nullptr && lease->mobile_node == peer.mobile_node)
        reply.addresses.push_back(lifetimes_of(lease->terms, now.monotonic));
    }
    if (reply.addresses.empty()) {
      reply.status = HomeAddressStatus::SourceRefused;
      reply.reason = transaction.reason.empty() ? "the address was given back meanwhile" : transaction.reason;
    }
  }
  ServicePeer to = peer;
  to.timestamp = transaction.timestamp;
  parts_.gate.send(to, {.transaction = transaction.id, .body = std::move(reply)}, now, outputs);
}

void AddressService::handle(const wire::HomeAddressRelease& release, std::uint32_t transaction, const ServicePeer& peer,
                            Now now, Outputs& outputs) {
  for (const Address& home_address : release.addresses) {
    const GivenLease* lease = parts_.leases.find(home_address);
    if (lease == nullptr || lease->mobile_node != peer.mobile_node) continue;
    if (release.reason == wire::HomeAddressReleaseReason::Duplicate)
      duplicate_found(home_address, now, outputs);
    else
      give_back(home_address, now, outputs);
  }
  collect(now, outputs);
  parts_.gate.send(peer, {.transaction = transaction, .body = wire::HomeAddressReleaseAcknowledgement{}}, now, outputs);
}

// What is not bound is wanted nevertheless: its time begins anew.
void AddressService::handle(const wire::HomeAddressRefresh& refresh, std::uint32_t transaction, const ServicePeer& peer, Now now,
                            Outputs& outputs) {
  wire::HomeAddressRefreshReply reply;
  for (const Address& home_address : refresh.addresses) {
    const GivenLease* lease = parts_.leases.find(home_address);
    const bool holds = lease != nullptr && lease->mobile_node == peer.mobile_node;
    if (holds) unbound_.set(home_address, now.monotonic + parts_.configuration.address_service.unbound_lease);
    reply.addresses.push_back(holds ? lifetimes_of(lease->terms, now.monotonic) : wire::HomeAddressLifetimes{home_address, 0, 0});
  }
  parts_.gate.send(peer, {.transaction = transaction, .body = std::move(reply)}, now, outputs);
}

std::vector<std::string> AddressService::troubles() const {
  std::vector<std::string> out;
  for (const auto source : parts_.configuration.address_service.sources)
    if (std::string trouble = source_of(source)->trouble(); !trouble.empty())
      out.push_back("home addresses from the source " + to_string(source) + ": " + trouble);
  return out;
}

}  // namespace mipflow::home_agent
