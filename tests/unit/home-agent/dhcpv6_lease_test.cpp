// SPDX-License-Identifier: GPL-3.0-or-later
// An address from a DHCPv6 server: asked for, kept, given back.
#include "dhcpv6_network.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;
using wire::Dhcpv6StatusCode;
using wire::Dhcpv6Type;
using Kind = AddressSourceReport::Kind;

namespace {

const Address kFirst = address("2001:db8:100::d1");
const Address kSecond = address("2001:db8:100::d2");
const Address kThird = address("2001:db8:100::d3");

Duration between(const Asked& earlier, const Asked& later) { return later.at - earlier.at; }
bool is_about(Duration wait, Duration wanted) { return wait >= wanted * 9 / 10 && wait <= wanted * 11 / 10; }

}  // namespace

TEST_CASE("DHCPv6: four messages, and the home address is leased") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {kFirst});
  const TimePoint begin = network.now.monotonic;
  const AddressLease lease = network.lease();
  CHECK(lease.home_address == kFirst);
  CHECK(lease.preferred_until == network.now.monotonic + 200s);
  CHECK(lease.valid_until == network.now.monotonic + 300s);
  CHECK(lease.identity == 1);

  REQUIRE(network.log.size() == 2);
  const wire::Dhcpv6Message& solicit = network.log[0].message;
  const wire::Dhcpv6Message& request = network.log[1].message;
  CHECK(solicit.type == Dhcpv6Type::Solicit);
  CHECK(network.log[0].at - begin <= wire::kSolMaxDelay);
  CHECK(solicit.elapsed_time == 0);
  CHECK_FALSE(solicit.server_identifier);
  CHECK(solicit.associations == std::vector<wire::Dhcpv6Association>{{.identifier = 1}});
  CHECK(solicit.requested_options == std::vector<std::uint16_t>{82});

  CHECK(request.type == Dhcpv6Type::Request);
  CHECK(request.server_identifier == server.identifier());
  CHECK(request.transaction_id != solicit.transaction_id);
  CHECK(request.associations.front().addresses == std::vector<wire::Dhcpv6Address>{{kFirst, 0, 0, {}}});
  // RFC 8415 §18.2.1: other servers may answer for longer than SOL_TIMEOUT, not for much longer.
  const Duration waited = between(network.log[0], network.log[1]);
  CHECK(waited > wire::kSolTimeout);
  CHECK(waited <= wire::kSolTimeout * 11 / 10);
  CHECK(network.client->trouble().empty());
  CHECK(network.client->next_deadline() == network.now.monotonic + 100s);
}

TEST_CASE("DHCPv6: a client for each mobile node, an association for each address, the same after a restart") {
  Dhcpv6Network network;
  network.add_server("one", {kFirst, kSecond, kThird}).preference = 255;
  const AddressLease first = network.lease(), second = network.lease();
  network.lease(kOtherPrimary);
  CHECK(first.home_address != second.home_address);
  CHECK(second.identity == 2);
  const auto solicits = network.asked(Dhcpv6Type::Solicit);
  REQUIRE(solicits.size() == 3);
  CHECK(solicits[0].message.client_identifier == solicits[1].message.client_identifier);
  CHECK(solicits[0].message.client_identifier != solicits[2].message.client_identifier);
  // A UUID made of a name (RFC 4122 §4.3) behind the type DUID-UUID.
  const Bytes duid = *solicits[0].message.client_identifier;
  REQUIRE(duid.size() == 18);
  CHECK((duid[0] == 0 && duid[1] == 4));
  CHECK(duid[2 + 6] >> 4 == 5);
  CHECK(duid[2 + 8] >> 6 == 2);
  CHECK(dhcpv6_client_identifier(kHomeAgent, kPrimary) == duid);
  CHECK(dhcpv6_client_identifier(kCorrespondent, kPrimary) != duid);

  network.restart();
  network.open_port();
  network.lease();
  CHECK(network.log.back().message.client_identifier == duid);
}

TEST_CASE("DHCPv6: only the first Solicit of a client waits") {
  Dhcpv6Network network;
  network.add_server("one", {kFirst, kSecond}).preference = 255;
  network.lease();
  const TimePoint begin = network.now.monotonic;
  network.lease();
  CHECK(network.asked(Dhcpv6Type::Solicit).back().at == begin);
}

TEST_CASE("DHCPv6: of several servers the most preferred one, and the next when it does not keep its word") {
  Dhcpv6Network network;
  network.add_server("low", {kFirst}).preference = 1;
  FakeServer& high = network.add_server("high", {kSecond});
  high.preference = 200;
  high.delay = 900ms;
  network.add_server("none", {kThird});
  SECTION("the preferred one") {
    CHECK(network.lease().home_address == kSecond);
    CHECK(network.asked(Dhcpv6Type::Request).size() == 1);
  }
  SECTION("preference 255 ends the waiting") {
    high.preference = 255;
    CHECK(network.lease().home_address == kSecond);
    CHECK(between(network.log[0], network.log[1]) == 900ms);
  }
  SECTION("the preferred one has nothing when it is asked") {
    high.spoil = [](const auto& asked, auto& answer) {
      if (asked.type != Dhcpv6Type::Request) return;
      answer.associations.front().addresses.clear();
      answer.associations.front().status = wire::Dhcpv6Status{Dhcpv6StatusCode::NoAddrsAvail, {}};
    };
    CHECK(network.lease().home_address == kFirst);
  }
  SECTION("the preferred one offers nothing") {
    high.refuses = Dhcpv6StatusCode::NoAddrsAvail;
    CHECK(network.lease().home_address == kFirst);
  }
}

TEST_CASE("DHCPv6: a Solicit that is lost is sent again after 1, 2, 4 s, and then the first offer is taken at once") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {kFirst});
  unsigned solicits = 0;
  network.lose = [&](const wire::Dhcpv6Message& message) { return message.type == Dhcpv6Type::Solicit && ++solicits <= 3; };
  network.lease();
  const auto sent = network.asked(Dhcpv6Type::Solicit);
  REQUIRE(sent.size() == 4);
  CHECK(is_about(between(sent[0], sent[1]), 1s));
  CHECK(is_about(between(sent[1], sent[2]), 2 * between(sent[0], sent[1])));
  CHECK(is_about(between(sent[2], sent[3]), 2 * between(sent[1], sent[2])));
  for (const Asked& one : sent) {
    CHECK(one.message.transaction_id == sent[0].message.transaction_id);
    CHECK(*one.message.elapsed_time == between(sent[0], one) / 10ms);
  }
  CHECK(between(sent[3], network.asked(Dhcpv6Type::Request).front()) == server.delay);
}

TEST_CASE("DHCPv6: every pattern of lost messages is survived or refused in time") {
  for (unsigned pattern = 0; pattern < 256; ++pattern) {
    INFO("pattern " << pattern);
    Dhcpv6Network network;
    FakeServer& server = network.add_server("one", {kFirst});
    unsigned position = 0;
    network.lose = [&](const wire::Dhcpv6Message&) {
      const bool lost = position < 8 && (pattern >> position & 1) != 0;
      ++position;
      return lost;
    };
    const TimePoint begin = network.now.monotonic;
    network.request();
    const AddressSourceReport report = network.next_report();
    CHECK(network.now.monotonic - begin <= kDhcpv6Patience);
    if (report.kind == Kind::Leased) {
      CHECK(report.lease.home_address == kFirst);
      CHECK(server.leases.size() == 1);
    } else {
      // Nothing stays behind at the server.
      CHECK(report.kind == Kind::Refused);
      network.advance(30s);
      CHECK(server.leases.empty());
    }
    CHECK(network.take_reports().empty());
  }
}

TEST_CASE("DHCPv6: leases are renewed at T1, by anybody at T2, and are lost when nobody does") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {kFirst});
  const AddressLease lease = network.lease();
  const TimePoint begin = network.now.monotonic;
  SECTION("by who gave it") {
    network.advance(100s - 1ms);
    CHECK(network.asked(Dhcpv6Type::Renew).empty());
    const AddressSourceReport report = network.next_report();
    CHECK(report.kind == Kind::Changed);
    CHECK(report.lease.home_address == kFirst);
    CHECK(report.lease.valid_until == network.now.monotonic + 300s);
    const auto renewals = network.asked(Dhcpv6Type::Renew);
    REQUIRE(renewals.size() == 1);
    CHECK(renewals[0].at == begin + 100s);
    CHECK(renewals[0].message.server_identifier == server.identifier());
    CHECK(renewals[0].message.associations.front().addresses.front().address == kFirst);
  }
  SECTION("by another one that knows of it") {
    FakeServer& other = network.add_server("two", {});
    other.leases = server.leases;
    server.silent = true;
    network.advance(159s);
    const auto renewals = network.asked(Dhcpv6Type::Renew);
    REQUIRE(renewals.size() == 3);  // 100 s, about 110 s, about 130 s
    CHECK(is_about(between(renewals[0], renewals[1]), 10s));
    CHECK(is_about(between(renewals[1], renewals[2]), 20s));
    CHECK(network.asked(Dhcpv6Type::Rebind).empty());
    CHECK(network.next_report().kind == Kind::Changed);
    REQUIRE(network.asked(Dhcpv6Type::Rebind).size() == 1);
    CHECK(network.asked(Dhcpv6Type::Rebind).front().at == begin + 160s);
    CHECK_FALSE(network.asked(Dhcpv6Type::Rebind).front().message.server_identifier);
    network.advance(101s);
    CHECK(network.asked(Dhcpv6Type::Renew).back().message.server_identifier == other.identifier());
  }
  SECTION("by nobody") {
    server.silent = true;
    network.advance(170s);
    CHECK(network.client->trouble().find("no DHCPv6 server answers") == 0);
    network.advance(300s - 170s - 1ms);
    CHECK(network.take_reports().empty());
    const AddressSourceReport report = network.next_report();
    CHECK(network.now.monotonic == begin + 300s);
    CHECK(report.kind == Kind::Lost);
    CHECK(report.lease.home_address == kFirst);
    CHECK(report.mobile_node == kPrimary);
    CHECK(network.client->next_deadline() == kNever);
  }
  SECTION("a server that forgot it gives it again") {
    server.leases.clear();
    CHECK(network.next_report(200s).kind == Kind::Changed);
    CHECK(network.log.back().message.type == Dhcpv6Type::Request);
    CHECK(server.leases.size() == 1);
  }
  SECTION("a server that forgot it and gave it to somebody else") {
    server.leases.clear();
    server.leases[{Bytes{1, 2, 3}, 9}] = kFirst;
    server.pool.push_back(kSecond);
    const AddressSourceReport report = network.next_report(200s);
    CHECK(report.kind == Kind::Lost);
    CHECK(report.lease.home_address == kFirst);
    network.advance(1s);
    CHECK(server.released == std::vector{kSecond});
  }
  SECTION("a server that takes it back and gives another one") {
    server.spoil = [](const auto&, auto& answer) {
      answer.associations.front().addresses = {{kFirst, 0, 0, {}}, {kSecond, 200, 300, {}}};
    };
    const AddressSourceReport report = network.next_report(200s);
    CHECK(report.kind == Kind::Lost);
    CHECK(report.lease.valid_until == lease.valid_until);
    server.spoil = nullptr;
    network.advance(1s);
    CHECK(server.released == std::vector{kSecond});
  }
  SECTION("a server that does not speak of it, or contradicts itself") {
    const int way = GENERATE(0, 1, 2, 3);
    server.spoil = [way](const auto&, auto& answer) {
      auto& association = answer.associations.front();
      if (way == 0) answer.associations.clear();
      if (way == 1) association.addresses.clear();
      if (way == 2) association.t1 = association.t2 + 1;
      if (way == 3) association.addresses.front().preferred_lifetime = 301;
    };
    network.advance(125s);
    CHECK(network.take_reports().empty());
    CHECK(network.asked(Dhcpv6Type::Renew).size() == 2);  // not more often than without an answer
    server.spoil = nullptr;
    CHECK(network.next_report().kind == Kind::Changed);
  }
}

TEST_CASE("DHCPv6: lifetimes for ever, and those that the client chooses") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {kFirst});
  SECTION("for ever") {
    server.preferred = server.valid = server.t1 = server.t2 = wire::kDhcpv6Infinity;
    const AddressLease lease = network.lease();
    CHECK(lease.valid_until == kNever);
    CHECK(lease.preferred_until == kNever);
    CHECK(network.client->next_deadline() == kNever);
  }
  SECTION("T1 of 0") {
    server.t1 = server.t2 = 0;
    network.lease();
    CHECK(network.client->next_deadline() == network.now.monotonic + 100s);
    server.silent = true;
    network.advance(160s);
    CHECK(network.asked(Dhcpv6Type::Rebind).size() == 1);
  }
  SECTION("T1 behind the end of the lease") {
    server.t1 = server.t2 = 1000;
    network.lease();
    CHECK(network.client->next_deadline() == network.now.monotonic + 100s);
  }
  SECTION("one second") {
    server.preferred = server.valid = 1;
    server.t1 = server.t2 = 0;
    const TimePoint leased_at = (network.lease(), network.now.monotonic);
    CHECK(network.next_report().kind == Kind::Lost);
    CHECK(network.now.monotonic == leased_at + 1s);
  }
}

TEST_CASE("DHCPv6: an address is given back, four times at most") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {kFirst, kSecond});
  const bool declines = GENERATE(false, true);
  INFO(declines);
  const Dhcpv6Type type = declines ? Dhcpv6Type::Decline : Dhcpv6Type::Release;
  const auto give_back = [&] { declines ? network.decline(kFirst) : network.release(kFirst); };
  network.lease();
  SECTION("the server hears it") {
    give_back();
    network.advance(1s);
    REQUIRE(network.asked(type).size() == 1);
    CHECK(network.asked(type).front().message.server_identifier == server.identifier());
    CHECK((declines ? server.declined : server.released) == std::vector{kFirst});
    CHECK(server.leases.empty());
    CHECK(network.client->next_deadline() == kNever);
    give_back();  // nobody has it any more
    CHECK(network.asked(type).size() == 1);
  }
  SECTION("the server is gone") {
    server.silent = true;
    give_back();
    network.advance(1000s);
    const auto sent = network.asked(type);
    REQUIRE(sent.size() == 4);
    CHECK(is_about(between(sent[0], sent[1]), 1s));
    CHECK(is_about(between(sent[2], sent[3]), 2 * between(sent[1], sent[2])));
    CHECK(network.client->next_deadline() == kNever);
  }
  CHECK(network.take_reports().empty());
}

TEST_CASE("DHCPv6: an address that somebody else uses is never leased again") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {kFirst, kSecond});
  network.lease();
  network.decline(kFirst);
  network.advance(1s);
  server.declined.clear();  // it thinks better of it
  SECTION("offered") {
    network.request();
    const AddressSourceReport report = network.next_report();
    CHECK(report.kind == Kind::Refused);
    CHECK(report.reason == "the DHCPv6 server offered 2001:db8:100::d1, which was in use by somebody else on the home link");
  }
  SECTION("given without having been offered") {
    server.spoil = [&](const auto& asked, auto& answer) {
      if (asked.type == Dhcpv6Type::Solicit) answer.associations.front().addresses.front().address = kSecond;
    };
    network.request();
    CHECK(network.next_report().kind == Kind::Refused);
    network.advance(1s);
    CHECK(server.declined == std::vector{kFirst});
  }
}

TEST_CASE("DHCPv6: a restarted home agent goes on with its leases") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {kFirst, kSecond});
  const AddressLease lease = network.lease();
  network.restart();
  network.log.clear();
  SECTION("renewed soon, by whoever knows of it") {
    network.adopt(lease);
    network.open_port();
    CHECK(network.log.empty());
    const AddressSourceReport report = network.next_report(30s);
    CHECK(report.kind == Kind::Changed);
    CHECK(network.log.back().message.type == Dhcpv6Type::Rebind);
    CHECK(network.lease().home_address == kSecond);
    network.release(kFirst);
    network.advance(1s);
    CHECK(server.released == std::vector{kFirst});
  }
  SECTION("given back before it is known to whom") {
    network.adopt(lease);
    network.open_port();
    network.release(kFirst);
    network.advance(1s);
    CHECK(server.released == std::vector{kFirst});
    CHECK(network.take_reports().empty());
    CHECK(network.client->next_deadline() == kNever);
  }
  SECTION("given back, but there is nobody") {
    server.silent = true;
    network.adopt(lease);
    network.open_port();
    network.release(kFirst);
    network.advance(200s);
    CHECK(network.client->next_deadline() == kNever);
    CHECK(network.take_reports().empty());
  }
  SECTION("the lease is over by now") {
    network.advance(400s);
    network.adopt(lease);
    CHECK(network.next_report().kind == Kind::Lost);
  }
  SECTION("without the association's identity it lasts as long as it says") {
    AddressLease unknown = lease;
    unknown.identity = 0;
    network.adopt(unknown);
    network.open_port();
    const AddressSourceReport report = network.next_report(400s);
    CHECK(report.kind == Kind::Lost);
    CHECK(network.now.monotonic == lease.valid_until);
    CHECK(network.log.empty());
  }
}
