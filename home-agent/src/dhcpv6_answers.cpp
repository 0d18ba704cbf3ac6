// SPDX-License-Identifier: GPL-3.0-or-later
// Dhcpv6AddressSource: what servers say.
#include <algorithm>
#include <tuple>
#include <utility>

#include "dhcpv6_client.hpp"

namespace mipflow::home_agent {

namespace {

using std::chrono::seconds;
using wire::Dhcpv6StatusCode;

constexpr std::size_t kMostOffers = 8;
constexpr unsigned kChooseMe = 255;  // the preference with which a server ends the waiting for others, RFC 8415 §21.8

// RFC 8415 §7.7
TimePoint after(TimePoint now, std::uint32_t lifetime) {
  return lifetime == wire::kDhcpv6Infinity ? kNever : now + seconds{lifetime};
}

bool failed(const std::optional<wire::Dhcpv6Status>& status, Dhcpv6StatusCode code) {
  return status && status->code == code;
}
bool failed(const std::optional<wire::Dhcpv6Status>& status) { return status && status->code != Dhcpv6StatusCode::Success; }

// The lease's own association; nullptr when the server does not speak of it, or when its times contradict each other
// (§21.4).
const wire::Dhcpv6Association* association_of(const Dhcpv6Lease& lease, const wire::Dhcpv6Message& message) {
  const auto found = std::ranges::find(message.associations, lease.identity, &wire::Dhcpv6Association::identifier);
  if (found == message.associations.end() || (found->t2 > 0 && found->t1 > found->t2)) return nullptr;
  return &*found;
}

// §21.6: other addresses are to be discarded; one that must not be used for anything new is no new home address.
bool can_be_new(const wire::Dhcpv6Address& granted) {
  return granted.preferred_lifetime > 0 && granted.preferred_lifetime <= granted.valid_lifetime && !failed(granted.status);
}

// What the server says is wrong; "" when it says nothing.
std::string refusal_of(const wire::Dhcpv6Message& message, const wire::Dhcpv6Association* association) {
  if (failed(message.status)) return shown(*message.status);
  if (association != nullptr && failed(association->status)) return shown(*association->status);
  if (association != nullptr)
    for (const wire::Dhcpv6Address& granted : association->addresses)
      if (failed(granted.status)) return shown(*granted.status);
  return {};
}

std::string no_address(const std::string& refusal) {
  return refusal.empty() ? "the DHCPv6 server answered without an address"
                         : "the DHCPv6 server gives no address (" + refusal + ")";
}

// T1 and T2 as the server says, or as §21.4 recommends where it leaves that to the client or says what can not be kept.
std::pair<TimePoint, TimePoint> renewal_times(const wire::Dhcpv6Association& association, const wire::Dhcpv6Address& granted,
                                              TimePoint now) {
  constexpr Duration kSoonest = seconds{1};  // whatever a server says, it is not asked more often
  const std::uint32_t lifetime = granted.preferred_lifetime > 0 ? granted.preferred_lifetime : granted.valid_lifetime;
  const auto choose = [&](std::uint32_t said, std::int64_t tenths) {
    if (said > 0 && (said < granted.valid_lifetime || said == wire::kDhcpv6Infinity)) return after(now, said);
    return lifetime == wire::kDhcpv6Infinity ? kNever : now + seconds{lifetime} * tenths / 10;
  };
  const TimePoint t2 = std::max(choose(association.t2, 8), now + kSoonest);
  return {std::min(std::max(choose(association.t1, 5), now + kSoonest), t2), t2};
}

}  // namespace

void Dhcpv6AddressSource::handle(const Dhcpv6Received& received, Now now, Outputs& outputs) {
  on_deadline(now, outputs);
  if (parts_.configuration.home_interface == 0 || received.interface != parts_.configuration.home_interface) return;
  const auto message = wire::decode_dhcpv6(received.message);
  if (!message) {
    outputs.notices.push_back({Severity::Debug, "dhcpv6-malformed",
                               "dropped a DHCPv6 message from " + to_string(received.source) + ": " +
                                   wire::to_string(message.error().kind) + " at octet " +
                                   std::to_string(message.error().offset)});
    return;
  }
  const auto key_of = [&] { return by_transaction_.find(message->transaction_id); };
  if (key_of() == by_transaction_.end() || !is_answer_to(leases_.at(key_of()->second), *message)) return;

  const std::uint32_t longest = message->longest_solicit_timeout.value_or(0);
  if (longest >= wire::kSmallestSolMaxRt && longest <= wire::kLargestSolMaxRt) longest_solicit_timeout_ = seconds{longest};
  server_answered();
  const auto found = key_of();
  if (found == by_transaction_.end()) return;  // it was the probe's
  const Key key = found->second;
  Dhcpv6Lease& lease = leases_.at(key);
  if (message->type == wire::Dhcpv6Type::Advertise) handle_advertise(key, lease, *message, now, outputs);
  else handle_reply(key, lease, *message, now, outputs);
  on_deadline(now, outputs);
}

// RFC 8415 §16.3, §16.10, and that it is from who was asked.
bool Dhcpv6AddressSource::is_answer_to(const Dhcpv6Lease& lease, const wire::Dhcpv6Message& message) const {
  const wire::Dhcpv6Type expected =
      lease.phase == Dhcpv6Phase::Soliciting ? wire::Dhcpv6Type::Advertise : wire::Dhcpv6Type::Reply;
  if (message.type != expected || !message.server_identifier) return false;
  if (message.client_identifier != clients_.at(lease.mobile_node).identifier) return false;
  const bool any_server = lease.phase == Dhcpv6Phase::Soliciting || lease.phase == Dhcpv6Phase::Rebinding;
  return any_server || *message.server_identifier == lease.server;
}

std::string Dhcpv6AddressSource::objection(const Address& address, TimePoint now) const {
  if (!address.is_unicast_routable() || !parts_.prefixes.find(address, now)) return "is below no home prefix";
  if (address == parts_.configuration.home_agent_address) return "is the home agent's own address";
  if (by_address_.contains(address)) return "is leased already";
  if (declined_.contains(address)) return "was in use by somebody else on the home link";
  if (parts_.authorizations.is_primary(address)) return "is the Primary Home Address of a mobile node";
  if (parts_.taken(address)) return "a mobile node has already";
  return {};
}

// A lease of our own is not meant: to decline it would take it from who has it.
bool Dhcpv6AddressSource::is_taken(const Address& address) const {
  return !by_address_.contains(address) && (parts_.authorizations.is_primary(address) || parts_.taken(address));
}

// ---- Advertise ----

// RFC 8415 §18.2.9
void Dhcpv6AddressSource::handle_advertise(Key key, Dhcpv6Lease& lease, const wire::Dhcpv6Message& message, Now now,
                                           Outputs& outputs) {
  const wire::Dhcpv6Association* association = association_of(lease, message);
  const wire::Dhcpv6Address* offered = nullptr;
  const wire::Dhcpv6Address* taken = nullptr;
  lease.complaint = no_address(refusal_of(message, association));
  if (association != nullptr && !failed(message.status) && !failed(association->status)) {
    for (const wire::Dhcpv6Address& candidate : association->addresses) {
      if (!can_be_new(candidate)) continue;
      const std::string wrong = objection(candidate.address, now.monotonic);
      if (wrong.empty()) {
        offered = &candidate;
        break;
      }
      if (taken == nullptr && is_taken(candidate.address)) taken = &candidate;
      lease.complaint = "the DHCPv6 server offered " + to_string(candidate.address) + ", which " + wrong;
      outputs.notices.push_back({Severity::Warning, "dhcpv6-offer-refused", lease.complaint});
    }
  }
  if (offered == nullptr) offered = taken;
  const bool is_repeated =
      std::ranges::find(lease.offers, *message.server_identifier, &Dhcpv6Offer::server) != lease.offers.end();
  if (offered == nullptr || is_repeated || lease.offers.size() >= kMostOffers) return;

  const Dhcpv6Offer offer{*message.server_identifier, message.preference.value_or(0), offered->address, offered == taken};
  const auto less_preferred = [&](const Dhcpv6Offer& other) {
    return std::pair{!other.is_taken, other.preference} < std::pair{!offer.is_taken, offer.preference};
  };
  lease.offers.insert(std::ranges::find_if(lease.offers, less_preferred), offer);
  // §18.2.1: others are waited for during the first wait only.
  const bool ends_the_wait = offer.preference == kChooseMe && !offer.is_taken;
  if (ends_the_wait || lease.retransmission.transmissions() > 1) request_best_offer(key, lease, now);
}

void Dhcpv6AddressSource::request_best_offer(Key key, Dhcpv6Lease& lease, Now now) {
  lease.server = lease.offers.front().server;
  lease.complaint.clear();
  enter(key, Dhcpv6Phase::Requesting, now.monotonic);
}

void Dhcpv6AddressSource::try_next_offer(Key key, Dhcpv6Lease& lease, Now now) {
  if (lease.is_leased()) return lose(key, lease, lease.complaint);
  lease.offers.erase(lease.offers.begin());
  if (!lease.offers.empty()) return request_best_offer(key, lease, now);
  refuse(key, lease,
         lease.complaint.empty() ? "the DHCPv6 server made an offer, but does not answer the Request" : lease.complaint);
}

// ---- Reply ----

// RFC 8415 §18.2.10
void Dhcpv6AddressSource::handle_reply(Key key, Dhcpv6Lease& lease, const wire::Dhcpv6Message& message, Now now,
                                       Outputs& outputs) {
  // Whatever its status (§18.2.10.2).
  if (lease.phase == Dhcpv6Phase::Releasing || lease.phase == Dhcpv6Phase::Declining) return remove(key);
  if (failed(message.status, Dhcpv6StatusCode::UnspecFail) || failed(message.status, Dhcpv6StatusCode::UseMulticast)) {
    // The message is repeated in its time, which is the limit that the RFC asks for. (We never send unicast.)
    lease.complaint = no_address(shown(*message.status));
    return;
  }
  if (lease.phase == Dhcpv6Phase::Requesting) handle_first_reply(key, lease, message, now, outputs);
  else handle_renewal(key, lease, message, now, outputs);
}

void Dhcpv6AddressSource::handle_first_reply(Key key, Dhcpv6Lease& lease, const wire::Dhcpv6Message& message, Now now,
                                             Outputs& outputs) {
  const wire::Dhcpv6Association* association = association_of(lease, message);
  lease.complaint = no_address(refusal_of(message, association));
  if (association == nullptr || failed(message.status) || failed(association->status))
    return try_next_offer(key, lease, now);

  for (const wire::Dhcpv6Address& granted : association->addresses) {
    if (!can_be_new(granted)) continue;
    // Asked for again because the server had forgotten it.
    if (lease.is_leased() && granted.address == lease.lease.home_address)
      return take_lifetimes(key, lease, *association, granted, now);
    const std::string wrong = lease.is_leased() ? "is another one than before" : objection(granted.address, now.monotonic);
    if (wrong.empty()) {
      lease.lease.home_address = granted.address;
      by_address_.emplace(granted.address, key);
      return take_lifetimes(key, lease, *association, granted, now);
    }
    lease.complaint = "the DHCPv6 server gave " + to_string(granted.address) + ", which " + wrong;
    outputs.notices.push_back({Severity::Warning, "dhcpv6-address-refused", lease.complaint});
  }
  refuse_addresses(key, *association, now);
}

// The server believes that we have them.
void Dhcpv6AddressSource::refuse_addresses(Key key, const wire::Dhcpv6Association& association, Now now) {
  Dhcpv6Lease& lease = leases_.at(key);
  std::vector<Address> not_wanted, in_use;
  bool given_twice = false;
  for (const wire::Dhcpv6Address& granted : association.addresses) {
    if (granted.valid_lifetime == 0) continue;
    const auto holder = by_address_.find(granted.address);
    if (holder != by_address_.end()) {
      given_twice |= holder->second != key;
    } else if (granted.address == parts_.configuration.home_agent_address || declined_.contains(granted.address) ||
               is_taken(granted.address)) {
      in_use.push_back(granted.address);
    } else {
      not_wanted.push_back(granted.address);
    }
  }
  if (given_twice) {
    // Giving it back would take it from who has it. This association is not used again: the server would go on like that.
    Client& client = clients_.at(lease.mobile_node);
    client.first_identity = std::max(client.first_identity, lease.identity + 1);
  }
  if (in_use.empty() && not_wanted.empty()) return try_next_offer(key, lease, now);

  if (lease.request) {
    last_refusal_ = lease.complaint;
    answer(lease, AddressSourceReport::Kind::Refused, lease.complaint);
  } else {
    reports_.push_back({.kind = AddressSourceReport::Kind::Lost,
                        .mobile_node = lease.mobile_node,
                        .lease = lease.lease,
                        .reason = lease.complaint});
  }
  if (in_use.empty()) give_back(key, Dhcpv6Phase::Releasing, std::move(not_wanted), now);
  else give_back(key, Dhcpv6Phase::Declining, std::move(in_use), now);
}

void Dhcpv6AddressSource::handle_renewal(Key key, Dhcpv6Lease& lease, const wire::Dhcpv6Message& message, Now now,
                                         Outputs&) {
  const wire::Dhcpv6Association* association = association_of(lease, message);
  if (failed(message.status, Dhcpv6StatusCode::NoBinding) ||
      (association != nullptr && failed(association->status, Dhcpv6StatusCode::NoBinding))) {
    if (lease.then) return;
    // §18.2.10.1: the server has forgotten it, but may still give it.
    lease.offers = {{*message.server_identifier, 0, lease.lease.home_address}};
    return request_best_offer(key, lease, now);
  }
  if (association == nullptr) return;  // as if nothing had come: the message is repeated in its time
  const auto granted = std::ranges::find(association->addresses, lease.lease.home_address, &wire::Dhcpv6Address::address);
  if (granted == association->addresses.end() || granted->preferred_lifetime > granted->valid_lifetime) return;
  lease.server = *message.server_identifier;
  if (lease.then) return give_back(key, *lease.then, lease.given_back, now);

  if (granted->valid_lifetime == 0 || !parts_.prefixes.find(granted->address, now.monotonic)) {
    reports_.push_back({.kind = AddressSourceReport::Kind::Lost,
                        .mobile_node = lease.mobile_node,
                        .lease = lease.lease,
                        .reason = granted->valid_lifetime == 0 ? "the DHCPv6 server took it back"
                                                               : "its prefix is no home prefix any more"});
    // A server that renumbers gives another address at the same time, which nobody asked for.
    std::vector<Address> others;
    for (const wire::Dhcpv6Address& other : association->addresses)
      if (other.valid_lifetime > 0 && !(by_address_.contains(other.address) && other.address != granted->address))
        others.push_back(other.address);
    return others.empty() ? remove(key) : give_back(key, Dhcpv6Phase::Releasing, std::move(others), now);
  }
  take_lifetimes(key, lease, *association, *granted, now);
}

void Dhcpv6AddressSource::take_lifetimes(Key key, Dhcpv6Lease& lease, const wire::Dhcpv6Association& association,
                                         const wire::Dhcpv6Address& granted, Now now) {
  lease.lease.preferred_until = after(now.monotonic, granted.preferred_lifetime);
  lease.lease.valid_until = after(now.monotonic, granted.valid_lifetime);
  lease.lease.identity = lease.identity;
  std::tie(lease.t1, lease.t2) = renewal_times(association, granted, now.monotonic);
  lease.phase = Dhcpv6Phase::Bound;
  lease.offers.clear();
  lease.complaint.clear();
  by_transaction_.erase(lease.transaction_id);
  lease.transaction_id = 0;

  if (lease.request) {
    last_refusal_.clear();
    answer(lease, AddressSourceReport::Kind::Leased, {});
  } else {
    reports_.push_back({.kind = AddressSourceReport::Kind::Changed, .mobile_node = lease.mobile_node, .lease = lease.lease});
  }
  arm(key, lease);
}

}  // namespace mipflow::home_agent
