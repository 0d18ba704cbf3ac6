// SPDX-License-Identifier: GPL-3.0-or-later
// Dhcpv6AddressSource: requests and leases, and when which message leaves. What servers say is in dhcpv6_answers.cpp.
#include "dhcpv6_client.hpp"

#include <algorithm>
#include <utility>

namespace mipflow::home_agent {

namespace {

using std::chrono::seconds;

constexpr std::uint32_t kTransactionIds = 1 << 24;
// Leases of before a restart are asked for again within this time, not all at once; of many a hundred in a second.
constexpr Duration kAdoptionSpread = seconds{10};
constexpr Duration kAdoptionPace = std::chrono::milliseconds{10};
// How long a server is looked for that takes an address of before a restart back.
constexpr Duration kGiveBackPatience = seconds{60};

const std::string kNoServer =
    "no DHCPv6 server answers on the home link: is one running there, for the home prefix, and does nothing filter UDP "
    "ports 546 and 547?";

Duration random_below(Duration limit, RandomSource& random) {
  return limit <= Duration{0}
             ? Duration{0}
             : Duration{static_cast<std::int64_t>(random.next_u64() % static_cast<std::uint64_t>(limit.count()))};
}

// When there is something to do for the lease.
TimePoint due(const Dhcpv6Lease& lease) {
  TimePoint out = lease.patience_until;
  if (lease.is_leased()) out = std::min(out, lease.lease.valid_until);
  switch (lease.phase) {
    case Dhcpv6Phase::Bound: return std::min({out, lease.t1, lease.t2});
    case Dhcpv6Phase::Renewing: return std::min({out, lease.t2, lease.next_transmission});
    case Dhcpv6Phase::Soliciting:
    case Dhcpv6Phase::Requesting:
    case Dhcpv6Phase::Rebinding:
    case Dhcpv6Phase::Releasing:
    case Dhcpv6Phase::Declining: break;
  }
  return std::min(out, lease.next_transmission);
}

}  // namespace

// ---- AddressSource ----

void Dhcpv6AddressSource::request(AddressRequestId id, const Address& mobile_node, Now now, Outputs& outputs) {
  const auto refuse_at_once = [&](std::string reason) {
    reports_.push_back({.kind = AddressSourceReport::Kind::Refused,
                        .request = id,
                        .mobile_node = mobile_node,
                        .reason = std::move(reason)});
  };
  if (parts_.configuration.home_interface == 0)
    return refuse_at_once("the home link is virtual: there is no DHCPv6 server on it");
  if (!port_.trouble.empty()) return refuse_at_once(port_.trouble);
  if (requests_ >= limits_.requests)
    return refuse_at_once("the home agent asks DHCPv6 servers for " + std::to_string(requests_) +
                          " addresses already; try again later");
  if (leases_.size() >= limits_.leases)
    return refuse_at_once("the home agent has " + std::to_string(leases_.size()) +
                          " addresses of DHCPv6 servers, as many as it may");

  const Key key = next_key_;
  Dhcpv6Lease& lease = add(mobile_node, free_identity(mobile_node, now), now);
  lease.request = id;
  lease.patience_until = now.monotonic + kDhcpv6Patience;
  ++requests_;
  enter(key, Dhcpv6Phase::Soliciting, std::max(now.monotonic, client_of(mobile_node, now).first_solicit));
  on_deadline(now, outputs);
}

void Dhcpv6AddressSource::release(const Address& home_address, Now now, Outputs& outputs) {
  const auto found = by_address_.find(home_address);
  if (found == by_address_.end()) return;
  give_back(found->second, Dhcpv6Phase::Releasing, {home_address}, now);
  on_deadline(now, outputs);
}

void Dhcpv6AddressSource::decline(const Address& home_address, Now now, Outputs& outputs) {
  const auto found = by_address_.find(home_address);
  if (found == by_address_.end()) return;
  declined_.add(home_address);
  give_back(found->second, Dhcpv6Phase::Declining, {home_address}, now);
  on_deadline(now, outputs);
}

void Dhcpv6AddressSource::adopt(const Address& mobile_node, const AddressLease& adopted, Now now, Outputs& outputs) {
  if (by_address_.contains(adopted.home_address) || leases_.size() >= limits_.leases) return;
  const bool is_known = adopted.identity != 0 && !client_of(mobile_node, now).identities.contains(adopted.identity);
  const Key key = next_key_;
  Dhcpv6Lease& lease = add(mobile_node, is_known ? adopted.identity : 0, now);
  lease.lease = adopted;
  lease.phase = Dhcpv6Phase::Bound;
  const Duration at = static_cast<std::int64_t>(leases_.size()) * kAdoptionPace + random_below(kAdoptionSpread, parts_.random);
  const Duration remaining = adopted.valid_until == kNever ? Duration::max() : adopted.valid_until - now.monotonic;
  if (is_known) lease.t1 = now.monotonic + (at < remaining / 2 ? at : random_below(remaining / 2, parts_.random));
  by_address_.emplace(adopted.home_address, key);
  arm(key, lease);
  on_deadline(now, outputs);
}

void Dhcpv6AddressSource::on_deadline(Now now, Outputs& outputs) {
  while (const auto key = timers_.take_due(now.monotonic)) step(*key, now, outputs);
}

std::string Dhcpv6AddressSource::trouble() const {
  if (parts_.configuration.home_interface == 0) return "the home link is virtual: there is no DHCPv6 server on it";
  if (!port_.trouble.empty()) return port_.trouble;
  return silent_ ? kNoServer : last_refusal_;
}

void Dhcpv6AddressSource::handle(const Dhcpv6Port& port, Now now, Outputs& outputs) {
  const bool opened = port_.link_local_address.is_unspecified() && !port.link_local_address.is_unspecified();
  port_ = port;
  // What should have left by now has waited long enough.
  for (auto& [key, lease] : leases_) {
    if (!opened || lease.phase == Dhcpv6Phase::Bound || lease.retransmission.transmissions() == 0) continue;
    enter(key, lease.phase, now.monotonic);
  }
  on_deadline(now, outputs);
}

// ---- life of a lease ----

Dhcpv6AddressSource::Client& Dhcpv6AddressSource::client_of(const Address& mobile_node, Now now) {
  const auto [found, is_new] = clients_.try_emplace(mobile_node);
  if (is_new) {
    found->second.identifier = dhcpv6_client_identifier(parts_.configuration.home_agent_address, mobile_node);
    // RFC 8415 §18.2.1: the first Solicit of a client on the link.
    found->second.first_solicit = now.monotonic + random_below(wire::kSolMaxDelay, parts_.random);
  }
  return found->second;
}

std::uint32_t Dhcpv6AddressSource::free_identity(const Address& mobile_node, Now now) {
  // The smallest one: what a server may still hold for it, because a message got lost, is found again.
  const Client& client = client_of(mobile_node, now);
  std::uint32_t identity = client.first_identity;
  while (client.identities.contains(identity)) ++identity;
  return identity;
}

Dhcpv6Lease& Dhcpv6AddressSource::add(const Address& mobile_node, std::uint32_t identity, Now now) {
  Dhcpv6Lease& lease = leases_[next_key_++];
  lease.mobile_node = mobile_node;
  lease.identity = identity;
  client_of(mobile_node, now).identities.insert(identity);
  return lease;
}

void Dhcpv6AddressSource::remove(Key key) {
  const auto found = leases_.find(key);
  Dhcpv6Lease& lease = found->second;
  if (lease.request) --requests_;
  by_transaction_.erase(lease.transaction_id);
  if (const auto leased = by_address_.find(lease.lease.home_address); leased != by_address_.end() && leased->second == key)
    by_address_.erase(leased);
  if (const auto client = clients_.find(lease.mobile_node); client != clients_.end()) {
    client->second.identities.erase(lease.identity);
    if (client->second.identities.empty()) clients_.erase(client);
  }
  if (probe_ == key) probe_.reset();
  timers_.cancel(key);
  leases_.erase(found);
}

void Dhcpv6AddressSource::enter(Key key, Dhcpv6Phase phase, TimePoint at) {
  Dhcpv6Lease& lease = leases_.at(key);
  lease.phase = phase;
  by_transaction_.erase(lease.transaction_id);
  do lease.transaction_id = parts_.random.next_u32() % kTransactionIds;
  while (lease.transaction_id == 0 || !by_transaction_.emplace(lease.transaction_id, key).second);
  lease.retransmission = Dhcpv6Retransmission(retransmission_parameters(phase, longest_solicit_timeout_));
  lease.next_transmission = at;
  arm(key, lease);
}

void Dhcpv6AddressSource::arm(Key key, const Dhcpv6Lease& lease) { timers_.set(key, due(lease)); }

// Does the one thing that comes first; what is due behind that is found by the next look at the timers.
void Dhcpv6AddressSource::step(Key key, Now now, Outputs& outputs) {
  Dhcpv6Lease& lease = leases_.at(key);
  if (lease.is_leased() && now.monotonic >= lease.lease.valid_until)
    return lose(key, lease, "its valid lifetime is over and no DHCPv6 server extended it");
  if (now.monotonic >= lease.patience_until) return run_out_of_patience(key, lease, now, outputs);
  if (lease.phase == Dhcpv6Phase::Renewing && now.monotonic >= lease.t2) {
    servers_are_silent(outputs);
    return enter(key, Dhcpv6Phase::Rebinding, now.monotonic);
  }
  if (lease.phase == Dhcpv6Phase::Bound)
    return enter(key, lease.server.empty() || now.monotonic >= lease.t2 ? Dhcpv6Phase::Rebinding : Dhcpv6Phase::Renewing,
                 now.monotonic);
  retransmit(key, lease, now, outputs);
}

void Dhcpv6AddressSource::retransmit(Key key, Dhcpv6Lease& lease, Now now, Outputs& outputs) {
  const bool waited = lease.retransmission.transmissions() > 0;
  if (lease.phase == Dhcpv6Phase::Soliciting && waited) {
    if (!lease.offers.empty()) return request_best_offer(key, lease, now);
    // Those who are there have nothing. Another one may come later, but the mobile node has better things to do than wait.
    if (lease.request && !lease.complaint.empty()) return refuse(key, lease, lease.complaint);
  }
  if (lease.retransmission.exhausted()) {
    if (lease.phase != Dhcpv6Phase::Requesting) return remove(key);
    return lease.is_leased() ? enter(key, Dhcpv6Phase::Rebinding, now.monotonic) : try_next_offer(key, lease, now);
  }
  transmit(lease, now, outputs);
  arm(key, lease);
}

void Dhcpv6AddressSource::transmit(Dhcpv6Lease& lease, Now now, Outputs& outputs) {
  const wire::Dhcpv6Message message = message_of(lease, clients_.at(lease.mobile_node).identifier, now.monotonic);
  lease.next_transmission = lease.retransmission.sent_at(now.monotonic, parts_.random);
  // While it can not leave, it is as if it was lost on the link.
  if (port_.link_local_address.is_unspecified() || !may_send_for(lease.mobile_node, now.monotonic)) return;
  outputs.packets.push_back({.packet = wire::build_dhcpv6_packet(port_.link_local_address, message),
                             .interface = parts_.configuration.home_interface});
}

bool Dhcpv6AddressSource::may_send_for(const Address& mobile_node, TimePoint now) {
  while (const auto filled = quiet_.take_due(now)) messages_.erase(*filled);
  auto& messages = messages_.try_emplace(mobile_node, limits_.messages_per_second, limits_.messages_at_once).first->second;
  quiet_.set(mobile_node, now + seconds{limits_.messages_at_once} / limits_.messages_per_second);
  return messages.take(now);
}

void Dhcpv6AddressSource::run_out_of_patience(Key key, Dhcpv6Lease& lease, Now now, Outputs& outputs) {
  if (!lease.request) return remove(key);  // no server takes it back
  const bool is_open = !port_.link_local_address.is_unspecified();
  std::string reason = lease.complaint;
  if (reason.empty() && !is_open) reason = "the DHCPv6 client's port on the home link was not open within 10 s";
  if (reason.empty()) reason = "no DHCPv6 server on the home link answered within 10 s";
  if (lease.complaint.empty() && is_open) servers_are_silent(outputs);
  answer(lease, AddressSourceReport::Kind::Refused, std::move(reason));
  if (lease.phase == Dhcpv6Phase::Requesting)
    return give_back(key, Dhcpv6Phase::Releasing, {lease.offers.front().address}, now);
  if (probe_ || !is_open) return remove(key);
  probe_ = key;
  arm(key, lease);
}

void Dhcpv6AddressSource::answer(Dhcpv6Lease& lease, AddressSourceReport::Kind kind, std::string reason) {
  if (!lease.request) return;
  reports_.push_back({.kind = kind,
                      .request = *lease.request,
                      .mobile_node = lease.mobile_node,
                      .lease = lease.lease,
                      .reason = std::move(reason)});
  lease.request.reset();
  lease.patience_until = kNever;
  --requests_;
}

void Dhcpv6AddressSource::refuse(Key key, Dhcpv6Lease& lease, std::string reason) {
  last_refusal_ = reason;
  answer(lease, AddressSourceReport::Kind::Refused, std::move(reason));
  remove(key);
}

void Dhcpv6AddressSource::lose(Key key, Dhcpv6Lease& lease, std::string reason) {
  if (!lease.then)
    reports_.push_back({.kind = AddressSourceReport::Kind::Lost,
                        .mobile_node = lease.mobile_node,
                        .lease = lease.lease,
                        .reason = std::move(reason)});
  remove(key);
}

void Dhcpv6AddressSource::give_back(Key key, Dhcpv6Phase phase, std::vector<Address> addresses, Now now) {
  Dhcpv6Lease& lease = leases_.at(key);
  if (const auto leased = by_address_.find(lease.lease.home_address); leased != by_address_.end() && leased->second == key)
    by_address_.erase(leased);
  lease.given_back = std::move(addresses);
  if (!lease.server.empty()) {
    lease.lease.home_address = Address{};
    lease.then.reset();
    lease.patience_until = kNever;
    return enter(key, phase, now.monotonic);
  }
  if (lease.identity == 0) return remove(key);
  lease.then = phase;
  lease.patience_until = now.monotonic + kGiveBackPatience;
  enter(key, Dhcpv6Phase::Rebinding, now.monotonic);
}

void Dhcpv6AddressSource::servers_are_silent(Outputs& outputs) {
  last_refusal_.clear();  // of a server that is not there any more
  if (!std::exchange(silent_, true)) outputs.notices.push_back({Severity::Warning, "dhcpv6-server-silent", kNoServer});
}

void Dhcpv6AddressSource::server_answered() {
  silent_ = false;
  if (probe_) remove(*probe_);
}

}  // namespace mipflow::home_agent
