// SPDX-License-Identifier: GPL-3.0-or-later
#include "dhcpv6_network.hpp"

#include <algorithm>

namespace mipflow::home_agent::test {

using wire::Dhcpv6Message;
using wire::Dhcpv6StatusCode;
using wire::Dhcpv6Type;

std::optional<Address> FakeServer::free_address(const Association& who, bool keep) {
  if (const auto found = leases.find(who); found != leases.end()) return found->second;
  for (const Address& candidate : pool) {
    const bool is_leased = std::ranges::any_of(leases, [&](const auto& lease) { return lease.second == candidate; });
    if (is_leased || std::ranges::find(declined, candidate) != declined.end()) continue;
    if (keep) leases.emplace(who, candidate);
    return candidate;
  }
  return std::nullopt;
}

// RFC 8415 §18.3, as far as a client of one association per message can see it.
std::optional<Dhcpv6Message> FakeServer::answer(const Dhcpv6Message& asked) {
  if (silent || !asked.client_identifier || asked.associations.size() != 1) return std::nullopt;
  if (asked.server_identifier && *asked.server_identifier != identifier()) return std::nullopt;
  const bool needs_server = asked.type != Dhcpv6Type::Solicit && asked.type != Dhcpv6Type::Rebind;
  if (needs_server != asked.server_identifier.has_value()) return std::nullopt;

  const wire::Dhcpv6Association& question = asked.associations.front();
  const Association who{*asked.client_identifier, question.identifier};
  Dhcpv6Message out{.type = asked.type == Dhcpv6Type::Solicit ? Dhcpv6Type::Advertise : Dhcpv6Type::Reply,
                    .transaction_id = asked.transaction_id,
                    .client_identifier = asked.client_identifier,
                    .server_identifier = identifier()};
  wire::Dhcpv6Association association{.identifier = question.identifier, .t1 = t1, .t2 = t2};
  const auto grant = [&](const Address& address) { association.addresses.push_back({address, preferred, valid, {}}); };
  const auto refuse = [&](Dhcpv6StatusCode code) { association.status = wire::Dhcpv6Status{code, "no\x1b[1m"}; };
  switch (asked.type) {
    case Dhcpv6Type::Solicit:
    case Dhcpv6Type::Request: {
      const auto address = refuses ? std::nullopt : free_address(who, asked.type == Dhcpv6Type::Request);
      if (address) grant(*address);
      else refuse(refuses.value_or(Dhcpv6StatusCode::NoAddrsAvail));
      if (asked.type == Dhcpv6Type::Solicit) out.preference = preference;
      break;
    }
    case Dhcpv6Type::Renew:
    case Dhcpv6Type::Rebind:
      if (refuses) refuse(*refuses);
      else if (leases.contains(who)) grant(leases.at(who));
      else if (asked.type == Dhcpv6Type::Rebind) return std::nullopt;  // another server's business, for all it knows
      else refuse(Dhcpv6StatusCode::NoBinding);
      break;
    case Dhcpv6Type::Release:
    case Dhcpv6Type::Decline:
      for (const auto& address : question.addresses)
        (asked.type == Dhcpv6Type::Release ? released : declined).push_back(address.address);
      leases.erase(who);
      out.status = wire::Dhcpv6Status{};
      break;
    case Dhcpv6Type::Advertise:
    case Dhcpv6Type::Reply: return std::nullopt;
  }
  if (asked.type != Dhcpv6Type::Release && asked.type != Dhcpv6Type::Decline) {
    out.associations.push_back(association);
    if (std::ranges::find(asked.requested_options, wire::kDhcpv6SolMaxRtOption) != asked.requested_options.end())
      out.longest_solicit_timeout = sol_max_rt;
  }
  if (spoil && !out.associations.empty()) spoil(asked, out);
  return out;
}

Dhcpv6Network::Dhcpv6Network()
    : configuration(Fixture::default_configuration()),
      prefixes(configuration.home_prefixes, now.monotonic),
      authorizations(configuration.mobile_nodes) {
  restart();
  open_port();
}

void Dhcpv6Network::restart() {
  client = std::make_unique<Dhcpv6AddressSource>(
      Dhcpv6AddressSource::Parts{configuration, prefixes, authorizations, random,
                                 [this](const Address& address) { return taken.contains(address); }},
      limits);
}

FakeServer& Dhcpv6Network::add_server(std::string name, std::vector<Address> pool) {
  servers.push_back(std::make_unique<FakeServer>(FakeServer{.name = std::move(name), .pool = std::move(pool)}));
  return *servers.back();
}

AddressRequestId Dhcpv6Network::request(const Address& mobile_node) {
  call([&](Outputs& outputs) { client->request(++last_request_, mobile_node, now, outputs); });
  return last_request_;
}

AddressLease Dhcpv6Network::lease(const Address& mobile_node) {
  const AddressRequestId id = request(mobile_node);
  const AddressSourceReport report = next_report();
  INFO(report.reason);
  REQUIRE(report.kind == AddressSourceReport::Kind::Leased);
  REQUIRE(report.request == id);
  REQUIRE(report.mobile_node == mobile_node);
  return report.lease;
}

void Dhcpv6Network::open_port(const Dhcpv6Port& port) {
  call([&](Outputs& outputs) { client->handle(port, now, outputs); });
}
void Dhcpv6Network::release(const Address& home_address) {
  call([&](Outputs& outputs) { client->release(home_address, now, outputs); });
}
void Dhcpv6Network::decline(const Address& home_address) {
  call([&](Outputs& outputs) { client->decline(home_address, now, outputs); });
}
void Dhcpv6Network::adopt(const AddressLease& lease, const Address& mobile_node) {
  call([&](Outputs& outputs) { client->adopt(mobile_node, lease, now, outputs); });
}
void Dhcpv6Network::deliver(Bytes message, InterfaceIndex interface) {
  call([&](Outputs& outputs) {
    client->handle(Dhcpv6Received{std::move(message), kServerAddress, interface}, now, outputs);
  });
}

void Dhcpv6Network::collect(const Outputs& outputs) {
  for (const Notice& notice : outputs.notices) notices_.insert(notice.event);
  for (AddressSourceReport& report : client->take_reports()) reports_.push_back(std::move(report));
  for (const OutgoingPacket& out : outputs.packets) {
    // What every message of a client has in common, RFC 8415 §13 and §16.
    CHECK(out.interface == kHomeInterface);
    const auto view = wire::parse_packet(out.packet);
    REQUIRE(view);
    CHECK(view->source == kLinkLocal);
    CHECK(view->destination == address("ff02::1:2"));
    CHECK(view->hop_limit == 1);
    CHECK(view->protocol == kProtocolUdp);
    const auto message = wire::decode_dhcpv6(view->payload.subspan(8));
    REQUIRE(message);
    CHECK(message->client_identifier);
    CHECK(message->elapsed_time);
    log.push_back({now.monotonic, *message});
    if (lose && lose(*message)) continue;
    for (const auto& server : servers)
      if (const auto answer = server->answer(*message))
        if (!lose || !lose(*answer)) underway_.emplace(now.monotonic + server->delay, wire::encode(*answer));
  }
}

void Dhcpv6Network::advance(Duration by) {
  const TimePoint until = now.monotonic + by;
  for (;;) {
    const TimePoint arrival = underway_.empty() ? kNever : underway_.begin()->first;
    const TimePoint next = std::min(arrival, client->next_deadline());
    if (next > until) break;
    REQUIRE(next >= now.monotonic);  // it would ask for the past for ever
    now.wall += next - now.monotonic;
    now.monotonic = next;
    if (arrival <= next) {
      const Bytes message = underway_.begin()->second;
      underway_.erase(underway_.begin());
      deliver(message);
    } else {
      call([&](Outputs& outputs) { client->on_deadline(now, outputs); });
      REQUIRE(client->next_deadline() > now.monotonic);
    }
  }
  now.wall += until - now.monotonic;
  now.monotonic = until;
}

AddressSourceReport Dhcpv6Network::next_report(Duration within) {
  const TimePoint until = now.monotonic + within;
  while (reports_.empty() && now.monotonic < until) {
    const TimePoint arrival = underway_.empty() ? kNever : underway_.begin()->first;
    advance(std::min(std::min(arrival, client->next_deadline()), until) - now.monotonic);
  }
  REQUIRE(!reports_.empty());
  AddressSourceReport out = reports_.front();
  reports_.erase(reports_.begin());
  return out;
}

std::vector<Asked> Dhcpv6Network::asked(Dhcpv6Type type) const {
  std::vector<Asked> out;
  std::ranges::copy_if(log, std::back_inserter(out), [&](const Asked& one) { return one.message.type == type; });
  return out;
}

}  // namespace mipflow::home_agent::test
