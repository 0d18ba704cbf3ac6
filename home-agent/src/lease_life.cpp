// SPDX-License-Identifier: GPL-3.0-or-later
// How the leases of the address service begin, change and end, and how their owners are told.
#include <algorithm>
#include <utility>

#include "address_service.hpp"

namespace mipflow::home_agent {

using wire::HomeAddressSource;

void AddressService::collect(Now now, Outputs& outputs) {
  // What a report brings about may make a source report again.
  for (bool more = true; more;) {
    more = false;
    for (const HomeAddressSource source : {HomeAddressSource::Agent, HomeAddressSource::Dhcpv6})
      for (const AddressSourceReport& report : source_of(source)->take_reports()) {
        take(report, source, now, outputs);
        more = true;
      }
  }
}

void AddressService::take(const AddressSourceReport& report, HomeAddressSource source, Now now, Outputs& outputs) {
  switch (report.kind) {
    case AddressSourceReport::Kind::Leased:
    case AddressSourceReport::Kind::Refused: return take_answer(report, source, now, outputs);
    case AddressSourceReport::Kind::Changed: {
      const GivenLease* lease = parts_.leases.find(report.lease.home_address);
      if (lease == nullptr || lease->source != source) return;
      const Address mobile_node = lease->mobile_node;
      parts_.leases.set_terms(report.lease.home_address, report.lease);
      changed_ = true;
      return owe(mobile_node, report.lease.home_address, now);
    }
    case AddressSourceReport::Kind::Lost: {
      const GivenLease* lease = parts_.leases.find(report.lease.home_address);
      if (lease == nullptr || lease->source != source) return;
      const Address mobile_node = lease->mobile_node;
      outputs.notices.push_back({Severity::Warning, "home-address-lost",
                                 to_string(report.lease.home_address) + " can not be used by " + to_string(mobile_node) +
                                     " any more: " + report.reason});
      end(report.lease.home_address);
      lost_.push_back(report.lease.home_address);
      return owe(mobile_node, report.lease.home_address, now);
    }
  }
}

void AddressService::take_answer(const AddressSourceReport& report, HomeAddressSource source, Now now, Outputs& outputs) {
  const auto asked = asked_.find(report.request);
  const bool leased = report.kind == AddressSourceReport::Kind::Leased;
  Transaction* transaction = asked == asked_.end() ? nullptr : find(asked->second.mobile_node, asked->second.transaction);
  if (transaction == nullptr) {
    // Whoever asked is gone.
    if (asked != asked_.end()) asked_.erase(asked);
    if (leased) source_of(source)->release(report.lease.home_address, now, outputs);
    return;
  }
  const Address mobile_node = asked->second.mobile_node;
  asked_.erase(asked);
  --transaction->outstanding;
  if (leased && parts_.leases.add({mobile_node, source, report.lease})) {
    transaction->addresses.push_back(report.lease.home_address);
    unbound_.set(report.lease.home_address, now.monotonic + parts_.configuration.address_service.unbound_lease);
    ++parts_.counters.home_addresses_given;
    changed_ = true;
    outputs.notices.push_back({Severity::Info, "home-address-given",
                               to_string(mobile_node) + " was given the home address " +
                                   to_string(report.lease.home_address) + " (" + to_string(source) + ")"});
  } else if (leased) {
    transaction->reason = "the source named an address that is given out already";
    source_of(source)->decline(report.lease.home_address, now, outputs);
  } else {
    transaction->reason = report.reason;
  }
  if (transaction->outstanding > 0) return;
  if (transaction->addresses.empty())
    outputs.notices.push_back({Severity::Warning, "home-address-refused",
                               "gave " + to_string(mobile_node) + " no home address (" + to_string(source) + "): " + transaction->reason});
  transaction->forgotten_at = now.monotonic + kTransactionMemory;
  arm(mobile_node);
  if (const auto peer = parts_.gate.find(mobile_node)) answer(*peer, *transaction, now, outputs);
}

void AddressService::end(const Address& home_address) {
  parts_.leases.erase(home_address);
  unbound_.cancel(home_address);
  changed_ = true;
}

void AddressService::give_back(const Address& home_address, Now now, Outputs& outputs) {
  const GivenLease* lease = parts_.leases.find(home_address);
  if (lease == nullptr) return;
  AddressSource* source = source_of(lease->source);
  end(home_address);
  source->release(home_address, now, outputs);
}

void AddressService::duplicate_found(const Address& home_address, Now now, Outputs& outputs) {
  const GivenLease* lease = parts_.leases.find(home_address);
  if (lease == nullptr) return;
  AddressSource* source = source_of(lease->source);
  end(home_address);
  source->decline(home_address, now, outputs);
  outputs.notices.push_back({Severity::Warning, "home-address-duplicate",
                             "somebody else uses " + to_string(home_address) + "; it is not given out again"});
}

void AddressService::review_unbound(const Address& home_address, Now now, Outputs& outputs) {
  const GivenLease* lease = parts_.leases.find(home_address);
  if (lease == nullptr) return;
  const Binding* binding = parts_.cache.find_bound(home_address);
  if (binding != nullptr && binding->primary_home_address == lease->mobile_node) {
    unbound_.set(home_address, binding->ends + parts_.configuration.address_service.unbound_lease);
    return;
  }
  outputs.notices.push_back({Severity::Info, "home-address-abandoned",
                             to_string(home_address) + " was not bound for long; it is taken back from " + to_string(lease->mobile_node)});
  give_back(home_address, now, outputs);
}

void AddressService::binding_ended(const Address& home_address, TimePoint now) {
  if (parts_.leases.find(home_address) != nullptr)
    unbound_.set(home_address, now + parts_.configuration.address_service.unbound_lease);
}

void AddressService::mobile_node_registered(const Address& mobile_node, Now now, Outputs& outputs) {
  const auto client = clients_.find(mobile_node);
  if (client == clients_.end() || client->second.delivery.owed.empty() || client->second.delivery.next != kNever) return;
  client->second.delivery.backoff.reset();
  deliver(mobile_node, client->second, now, outputs);
  arm(mobile_node);
}

void AddressService::apply_configuration(Now now, Outputs& outputs) {
  std::vector<Address> forbidden;
  for (const auto& [home_address, lease] : parts_.leases.all())
    if (!parts_.authorizations.is_primary(lease.mobile_node) && !parts_.configuration.accept_unauthenticated_insecure)
      forbidden.push_back(home_address);
  for (const Address& home_address : forbidden) give_back(home_address, now, outputs);
}

void AddressService::restore(const GivenLease& lease, TimePoint now) {
  if (lease.terms.valid_until <= now || !lease.terms.home_address.is_unicast_routable()) return;
  if (source_of(lease.source) == nullptr) return;
  if (!parts_.authorizations.is_primary(lease.mobile_node) && !parts_.configuration.accept_unauthenticated_insecure) return;
  if (!parts_.leases.add(lease)) return;
  unbound_.set(lease.terms.home_address, now + parts_.configuration.address_service.unbound_lease);
  restored_.push_back(lease);
  take_up_at_ = now;
}

void AddressService::take_up_restored(Now now, Outputs& outputs) {
  take_up_at_ = kNever;
  for (const GivenLease& lease : std::exchange(restored_, {}))
    source_of(lease.source)->adopt(lease.mobile_node, lease.terms, now, outputs);
  collect(now, outputs);
}

// ---- changes ----

void AddressService::owe(const Address& mobile_node, const Address& home_address, Now now) {
  Delivery& delivery = clients_[mobile_node].delivery;
  delivery.owed.insert(home_address);
  // What is being told is out of date: told anew, with another transaction.
  const bool is_told = std::ranges::find(delivery.sent, home_address) != delivery.sent.end();
  if (delivery.sent.empty() || is_told) {
    delivery.sent.clear();
    delivery.backoff.reset();
    delivery.next = now.monotonic;
  }
  arm(mobile_node);
}

void AddressService::deliver(const Address& mobile_node, Client& client, Now now, Outputs& outputs) {
  Delivery& delivery = client.delivery;
  const auto peer = parts_.gate.find(mobile_node);
  if (!peer || delivery.backoff.transmissions() >= kChangeTransmissions) {
    // When it registers again.
    delivery.sent.clear();
    delivery.next = kNever;
    return;
  }
  if (delivery.sent.empty()) {
    delivery.transaction = next_transaction_++;
    for (const Address& home_address : delivery.owed) {
      if (delivery.sent.size() >= wire::kMostAddressesPerMessage) break;
      delivery.sent.push_back(home_address);
    }
  }
  wire::HomeAddressChange change;
  for (const Address& home_address : delivery.sent) {
    const GivenLease* lease = parts_.leases.find(home_address);
    const bool holds = lease != nullptr && lease->mobile_node == mobile_node;
    change.addresses.push_back(holds ? lifetimes_of(lease->terms, now.monotonic) : wire::HomeAddressLifetimes{home_address, 0, 0});
  }
  delivery.next = delivery.backoff.sent_at(now.monotonic);
  parts_.gate.send(*peer, {.transaction = delivery.transaction, .body = std::move(change)}, now, outputs);
}

void AddressService::handle_change_acknowledgement(std::uint32_t transaction, const ServicePeer& peer, TimePoint now) {
  const auto client = clients_.find(peer.mobile_node);
  if (client == clients_.end()) return;
  Delivery& delivery = client->second.delivery;
  if (delivery.sent.empty() || delivery.transaction != transaction) return;
  for (const Address& home_address : std::exchange(delivery.sent, {})) delivery.owed.erase(home_address);
  delivery.backoff.reset();
  delivery.next = delivery.owed.empty() ? kNever : now;
  arm(peer.mobile_node);
}

// ---- timers ----

void AddressService::arm(const Address& mobile_node) {
  const auto client = clients_.find(mobile_node);
  if (client == clients_.end()) return;
  TimePoint next = client->second.delivery.next;
  for (const Transaction& transaction : client->second.transactions)
    if (transaction.outstanding == 0) next = std::min(next, transaction.forgotten_at);
  if (next != kNever) return due_.set(mobile_node, next);
  due_.cancel(mobile_node);
  const bool waits = !client->second.transactions.empty();
  // What is owed to somebody who has neither a binding nor a lease left is owed to nobody.
  const bool is_gone = parts_.cache.live_count(mobile_node) == 0 && parts_.leases.of(mobile_node).empty();
  if (!waits && (client->second.delivery.owed.empty() || is_gone)) clients_.erase(client);
}

TimePoint AddressService::next_deadline() const {
  return std::min({take_up_at_, due_.next(), unbound_.next(), parts_.agent.next_deadline(), parts_.dhcpv6.next_deadline()});
}

void AddressService::on_deadline(Now now, Outputs& outputs) {
  if (take_up_at_ <= now.monotonic) take_up_restored(now, outputs);
  parts_.agent.on_deadline(now, outputs);
  parts_.dhcpv6.on_deadline(now, outputs);
  while (const auto home_address = unbound_.take_due(now.monotonic)) review_unbound(*home_address, now, outputs);
  collect(now, outputs);
  while (const auto mobile_node = due_.take_due(now.monotonic)) {
    const auto client = clients_.find(*mobile_node);
    if (client == clients_.end()) continue;
    std::erase_if(client->second.transactions, [&](const Transaction& transaction) {
      return transaction.outstanding == 0 && transaction.forgotten_at <= now.monotonic;
    });
    if (client->second.delivery.next <= now.monotonic) deliver(*mobile_node, client->second, now, outputs);
    arm(*mobile_node);
  }
}

}  // namespace mipflow::home_agent
