// SPDX-License-Identifier: GPL-3.0-or-later
// DHCPv6 servers that are gone, slow, refusing or wrong, and others that want to be taken for one.
#include <random>

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

// request(), which has to be refused.
std::string refusal(Dhcpv6Network& network, const Address& mobile_node = kPrimary) {
  const AddressRequestId id = network.request(mobile_node);
  const AddressSourceReport report = network.next_report();
  CHECK(report.kind == Kind::Refused);
  CHECK(report.request == id);
  CHECK(report.mobile_node == mobile_node);
  CHECK(network.take_reports().empty());
  return report.reason;
}

}  // namespace

TEST_CASE("DHCPv6: nobody answers") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {kFirst});
  server.silent = true;
  const TimePoint begin = network.now.monotonic;
  CHECK(refusal(network) == "no DHCPv6 server on the home link answered within 10 s");
  CHECK(network.now.monotonic == begin + 10s);
  CHECK(network.client->trouble().find("no DHCPv6 server answers on the home link") == 0);
  CHECK(network.noticed("dhcpv6-server-silent"));

  SECTION("it is looked for, less and less often") {
    network.advance(24h);
    const auto sent = network.asked(Dhcpv6Type::Solicit);
    Duration longest{};
    for (std::size_t i = 1; i < sent.size(); ++i) longest = std::max(longest, sent[i].at - sent[i - 1].at);
    CHECK(longest > 3240s);  // SOL_MAX_RT, and a tenth of it
    CHECK(longest <= 3960s);
    CHECK(sent.size() < 45);
  }
  SECTION("by one lease, however many asked") {
    for (int i = 0; i < 5; ++i) refusal(network, i % 2 == 0 ? kPrimary : kOtherPrimary);
    const std::size_t before = network.log.size();
    network.advance(70s);
    CHECK(network.log.size() - before <= 2);
  }
  SECTION("it comes back without being asked") {
    server.silent = false;
    network.advance(60s);
    CHECK(network.client->trouble().empty());
    CHECK(network.client->next_deadline() == kNever);
    CHECK(server.leases.empty());  // nobody wants one
    CHECK(network.take_reports().empty());
  }
  SECTION("what a server said before it went is not its trouble any more") {
    server.silent = false;
    server.refuses = Dhcpv6StatusCode::NoAddrsAvail;
    refusal(network);
    CHECK(network.client->trouble().find("NoAddrsAvail") != std::string::npos);
    server.silent = true;
    refusal(network);
    server.silent = false;
    network.advance(60s);
    CHECK(network.client->trouble().empty());
  }
  SECTION("the next request tries afresh") {
    network.advance(1000s);
    server.silent = false;
    CHECK(network.lease().home_address == kFirst);
    CHECK(network.client->trouble().empty());
  }
}

TEST_CASE("DHCPv6: a server that comes after the request was given up, or is too slow") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {kFirst});
  SECTION("8 s for every answer") {
    server.delay = 8s;
    refusal(network);
    network.advance(60s);
    CHECK(server.leases.empty());
    // The Request had been sent. Its answers come too late to stop the repetitions of the Release.
    CHECK(server.released == std::vector(wire::kRelMaxRc, kFirst));
  }
  SECTION("a second for every answer") {
    server.delay = 1s;
    CHECK(network.lease().home_address == kFirst);
  }
  SECTION("offers, but does not answer the Request") {
    server.spoil = [](const auto& asked, auto& answer) {
      if (asked.type == Dhcpv6Type::Request) answer.transaction_id ^= 1;
    };
    CHECK(refusal(network) == "no DHCPv6 server on the home link answered within 10 s");
    server.spoil = nullptr;
    network.advance(30s);
    CHECK(server.leases.empty());
  }
}

TEST_CASE("DHCPv6: a server that refuses") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {kFirst});
  const TimePoint begin = network.now.monotonic;
  SECTION("with the Advertise") {
    server.refuses = Dhcpv6StatusCode::NoAddrsAvail;
    // Its own words are shown, but not obeyed by a terminal.
    CHECK(refusal(network) == "the DHCPv6 server gives no address (NoAddrsAvail, \"no?[1m\")");
    CHECK(network.now.monotonic - begin < 3s);
    CHECK(network.client->trouble() == "the DHCPv6 server gives no address (NoAddrsAvail, \"no?[1m\")");
    CHECK(network.client->next_deadline() == kNever);
    server.refuses.reset();
    network.lease();
    CHECK(network.client->trouble().empty());
  }
  SECTION("with the Reply") {
    const auto code = GENERATE(Dhcpv6StatusCode::NotOnLink, Dhcpv6StatusCode::NoAddrsAvail);
    const bool whole_message = GENERATE(false, true);
    server.spoil = [&](const auto& asked, auto& answer) {
      if (asked.type != Dhcpv6Type::Request) return;
      (whole_message ? answer.status : answer.associations.front().status) = wire::Dhcpv6Status{code, {}};
      answer.associations.front().addresses.clear();
    };
    CHECK(refusal(network) == "the DHCPv6 server gives no address (" + wire::to_string(code) + ")");
    CHECK(network.now.monotonic - begin < 3s);
  }
  SECTION("for no reason, for a while") {
    unsigned refused = 0;
    server.spoil = [&](const auto& asked, auto& answer) {
      if (asked.type != Dhcpv6Type::Request || ++refused > 2) return;
      answer.status = wire::Dhcpv6Status{Dhcpv6StatusCode::UnspecFail, {}};
      answer.associations.clear();
    };
    CHECK(network.lease().home_address == kFirst);
    CHECK(network.asked(Dhcpv6Type::Request).size() == 3);
    CHECK(network.asked(Dhcpv6Type::Request)[1].at - network.asked(Dhcpv6Type::Request)[0].at > 800ms);
  }
  SECTION("with words that never end") {
    server.spoil = [](const auto&, auto& answer) { answer.associations.front().status->text = std::string(1000, 'x'); };
    server.refuses = static_cast<Dhcpv6StatusCode>(77);
    CHECK(refusal(network) == "the DHCPv6 server gives no address (status 77, \"" + std::string(80, 'x') + "\")");
  }
}

TEST_CASE("DHCPv6: addresses that can be no home address here") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {});
  const auto [unusable, why] = GENERATE(table<const char*, const char*>({
      {"2001:db8:900::1", "is below no home prefix"},
      {"fe80::1", "is below no home prefix"},
      {"ff02::1", "is below no home prefix"},
      {"::", "is below no home prefix"},
      {"2001:db8:100::1", "is the home agent's own address"},
  }));
  INFO(unusable);
  SECTION("offered") {
    server.pool = {address(unusable)};
    CHECK(refusal(network) == "the DHCPv6 server offered " + std::string(unusable) + ", which " + why);
    CHECK(network.asked(Dhcpv6Type::Request).empty());
    CHECK(network.client->trouble().find(why) != std::string::npos);
  }
  SECTION("given instead of what was offered") {
    server.pool = {kFirst};
    server.spoil = [&](const auto& asked, auto& answer) {
      if (asked.type == Dhcpv6Type::Request) answer.associations.front().addresses.front().address = address(unusable);
    };
    CHECK(refusal(network) == "the DHCPv6 server gave " + std::string(unusable) + ", which " + why);
    network.advance(30s);
    CHECK(server.leases.empty());
    CHECK(server.released.size() + server.declined.size() == 1);
  }
}

TEST_CASE("DHCPv6: an address that a mobile node has already is declined, so that the server offers another one") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {kFirst, kSecond});
  std::string why = "a mobile node has already";
  Address unusable = kFirst;
  SECTION("registered, or given by another source") { network.taken = {kFirst}; }
  SECTION("a Primary Home Address") {
    unusable = kOtherPrimary;
    why = "is the Primary Home Address of a mobile node";
    server.pool = {unusable, kSecond};
  }
  SECTION("not offered, but given") {
    network.taken = {kFirst};
    server.spoil = [&](const auto& asked, auto& answer) {
      if (asked.type == Dhcpv6Type::Solicit) answer.associations.front().addresses.front().address = kSecond;
    };
  }
  CHECK(refusal(network) == "the DHCPv6 server gave " + to_string(unusable) + ", which " + why);
  network.advance(1s);
  CHECK(server.declined == std::vector{unusable});
  CHECK(server.released.empty());
  CHECK(server.leases.empty());
  CHECK(network.lease().home_address == kSecond);
}

TEST_CASE("DHCPv6: another server's offer comes before an address that a mobile node has already") {
  Dhcpv6Network network;
  FakeServer& full = network.add_server("full", {kFirst});
  full.preference = 255;
  network.taken = {kFirst};
  network.add_server("other", {kSecond}).delay = 500ms;
  CHECK(network.lease().home_address == kSecond);
  CHECK(full.declined.empty());
}

TEST_CASE("DHCPv6: a mobile node that asks and asks does not use up the messages of the others") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {});
  server.preference = 255;
  for (std::uint16_t i = 1; i <= 200; ++i) {
    Address address = kFirst;
    address.octets[14] = static_cast<std::uint8_t>(i);
    server.pool.push_back(address);
  }
  network.lease(kOtherPrimary);
  network.advance(10s);
  const TimePoint begin = network.now.monotonic;
  for (int i = 0; i < 150; ++i) network.request(kPrimary);
  network.advance(1s);
  const auto sent_for_it = [&] {
    return std::ranges::count_if(network.log, [&](const Asked& one) {
      return one.at >= begin && one.message.client_identifier == dhcpv6_client_identifier(kHomeAgent, kPrimary);
    });
  };
  CHECK(sent_for_it() <= 50);  // 40 at once, 10 per second
  network.take_reports();
  // The other one is served within two round trips.
  const AddressRequestId of_other = network.request(kOtherPrimary);
  network.advance(10ms);
  const auto reports = network.take_reports();
  const auto report = std::ranges::find(reports, of_other, &AddressSourceReport::request);
  REQUIRE(report != reports.end());
  CHECK(report->kind == Kind::Leased);
  network.advance(3s);
  CHECK(sent_for_it() <= 81);
  CHECK(sent_for_it() >= 50);
}

TEST_CASE("DHCPv6: a server that gives one address twice") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {kFirst, kSecond});
  network.lease();
  SECTION("offers it") {
    server.spoil = [](const auto&, auto& answer) { answer.associations.front().addresses.front().address = kFirst; };
    CHECK(refusal(network) == "the DHCPv6 server offered 2001:db8:100::d1, which is leased already");
  }
  SECTION("gives it, although it offered another one") {
    server.spoil = [](const auto& asked, auto& answer) {
      if (asked.type == Dhcpv6Type::Request) answer.associations.front().addresses.front().address = kFirst;
    };
    CHECK(refusal(network) == "the DHCPv6 server gave 2001:db8:100::d1, which is leased already");
    network.advance(30s);
    CHECK(server.released.empty());  // whose else would that be?
    CHECK(server.declined.empty());
    server.spoil = nullptr;
    server.pool.push_back(address("2001:db8:100::d3"));
    CHECK(network.lease().identity == 3);
  }
  // The first lease is what it was.
  server.spoil = nullptr;
  CHECK(network.next_report(200s).kind == Kind::Changed);
}

TEST_CASE("DHCPv6: an address that is not to be used for anything new, or contradicts itself") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {kFirst});
  SECTION("deprecated") { server.preferred = 0; }
  SECTION("preferred for longer than valid") { server.preferred = 301; }
  SECTION("not valid") { server.preferred = server.valid = 0; }
  SECTION("T1 behind T2") { server.t1 = 161; }
  SECTION("another association") {
    server.spoil = [](const auto&, auto& answer) { ++answer.associations.front().identifier; };
  }
  CHECK(refusal(network) == "the DHCPv6 server answered without an address");
}

TEST_CASE("DHCPv6: answers that are not for us, or not from who was asked") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {kFirst});
  const bool with_reply = GENERATE(false, true);
  const auto only = with_reply ? Dhcpv6Type::Request : Dhcpv6Type::Solicit;
  std::function<void(wire::Dhcpv6Message&)> forge;
  SECTION("another transaction") {
    forge = [](auto& answer) { answer.transaction_id ^= 0x10; };
  }
  SECTION("another client") {
    forge = [](auto& answer) { answer.client_identifier->back() ^= 1; };
  }
  SECTION("no client") {
    forge = [](auto& answer) { answer.client_identifier.reset(); };
  }
  SECTION("no server") {
    forge = [](auto& answer) { answer.server_identifier.reset(); };
  }
  SECTION("another type") {
    forge = [](auto& answer) { answer.type = answer.type == Dhcpv6Type::Reply ? Dhcpv6Type::Advertise : Dhcpv6Type::Reply; };
  }
  SECTION("a client's message") {
    forge = [](auto& answer) { answer.type = Dhcpv6Type::Renew; };
  }
  server.spoil = [&](const auto& asked, auto& answer) {
    if (forge && asked.type == only) forge(answer);
  };
  if (!forge) {
    network.lease();
    return;
  }
  CHECK(refusal(network) == "no DHCPv6 server on the home link answered within 10 s");
}

TEST_CASE("DHCPv6: another server answers the Request") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {kFirst});
  server.spoil = [](const auto& asked, auto& answer) {
    if (asked.type == Dhcpv6Type::Request) answer.server_identifier->back() ^= 1;
  };
  CHECK(refusal(network) == "no DHCPv6 server on the home link answered within 10 s");
}

TEST_CASE("DHCPv6: from another link") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {kFirst});
  server.silent = true;
  network.request();
  network.advance(1s);
  server.silent = false;
  const auto offer = server.answer(network.log.front().message);
  REQUIRE(offer);
  network.deliver(wire::encode(*offer), kOutside);
  network.deliver(wire::encode(*offer), 0);
  server.silent = true;
  CHECK(network.next_report().kind == Kind::Refused);
  CHECK(network.asked(Dhcpv6Type::Request).empty());
}

TEST_CASE("DHCPv6: what a server may set SOL_MAX_RT to") {
  Dhcpv6Network network;
  FakeServer& server = network.add_server("one", {kFirst});
  const auto [said, longest] = GENERATE(table<std::uint32_t, Duration>({{60, 60s}, {59, 3600s}, {86'401, 3600s}}));
  server.sol_max_rt = said;
  network.lease();
  network.release(kFirst);
  network.advance(1s);
  server.silent = true;
  refusal(network);
  network.advance(24h);
  const auto sent = network.asked(Dhcpv6Type::Solicit);
  const Duration last = sent.back().at - sent[sent.size() - 2].at;
  CHECK(last >= longest * 9 / 10);
  CHECK(last <= longest * 11 / 10);
}

TEST_CASE("DHCPv6: the port") {
  Dhcpv6Network network;
  network.add_server("one", {kFirst}).preference = 255;
  SECTION("is taken by another program") {
    network.open_port({Address{}, "another DHCPv6 client has it"});
    CHECK(refusal(network) == "another DHCPv6 client has it");
    CHECK(network.client->trouble() == "another DHCPv6 client has it");
    CHECK(network.log.empty());
    network.open_port();
    CHECK(network.client->trouble().empty());
    network.lease();
  }
  SECTION("is opened while requests wait") {
    network.restart();
    network.request();
    network.advance(5s);
    CHECK(network.log.empty());
    network.open_port();
    CHECK(network.next_report(1s).kind == Kind::Leased);
  }
  SECTION("is not opened in time") {
    network.restart();
    CHECK(refusal(network) == "the DHCPv6 client's port on the home link was not open within 10 s");
    CHECK(network.client->trouble().empty());  // that says nothing about servers
    CHECK(network.client->next_deadline() == kNever);
  }
}

TEST_CASE("DHCPv6: there is nobody on a virtual home link") {
  Dhcpv6Network network;
  network.configuration.home_interface = 0;
  CHECK(refusal(network) == "the home link is virtual: there is no DHCPv6 server on it");
  CHECK(network.client->trouble() == "the home link is virtual: there is no DHCPv6 server on it");
}

TEST_CASE("DHCPv6: requests and leases have a limit") {
  Dhcpv6Network network;
  network.add_server("one", {kFirst, kSecond, address("2001:db8:100::d3"), address("2001:db8:100::d4")});
  network.limits = {.leases = 3, .requests = 2};
  network.restart();
  network.open_port();
  network.request();
  network.request();
  CHECK(refusal(network) == "the home agent asks DHCPv6 servers for 2 addresses already; try again later");
  CHECK(network.next_report().kind == Kind::Leased);
  CHECK(network.next_report().kind == Kind::Leased);
  network.lease();
  CHECK(refusal(network) == "the home agent has 3 addresses of DHCPv6 servers, as many as it may");
  network.release(kFirst);
  network.advance(1s);
  network.lease();
}

TEST_CASE("DHCPv6: after a restart leases are asked for again a hundred in a second") {
  Dhcpv6Network network;
  for (unsigned i = 0; i < 3000; ++i) {
    AddressLease lease{.home_address = kFirst, .identity = i + 1};
    lease.home_address.octets[12] = static_cast<std::uint8_t>(i >> 8);
    lease.home_address.octets[13] = static_cast<std::uint8_t>(i);
    // Of so many mobile nodes that none has reached its own limit.
    Address mobile_node = kPrimary;
    mobile_node.octets[13] = static_cast<std::uint8_t>(i % 100);
    network.adopt(lease, mobile_node);
  }
  network.advance(10s);
  const std::size_t first = network.asked(Dhcpv6Type::Rebind).size();
  CHECK(first > 300);
  CHECK(first < 700);
  // Nobody answers: some are asked for again by then.
  network.advance(10s);
  CHECK(network.asked(Dhcpv6Type::Rebind).size() - first > 900);
  CHECK(network.asked(Dhcpv6Type::Rebind).size() - first < 2000);
}

TEST_CASE("DHCPv6: random answers, true ones with mistakes, and lost ones do no harm") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 dice(seed);
  Dhcpv6Network network;
  std::vector<Address> pool;
  for (unsigned i = 0; i < 20; ++i) pool.push_back(address(("2001:db8:100::e" + std::to_string(i)).c_str()));
  network.add_server("one", pool);
  FakeServer& server = network.add_server("two", {pool.begin(), pool.begin() + 5});  // both give these
  network.lose = [&](const wire::Dhcpv6Message&) { return dice() % 8 == 0; };
  for (const auto& one : network.servers)
    one->spoil = [&](const auto&, wire::Dhcpv6Message& answer) {
      if (dice() % 4 != 0 || answer.associations.empty()) return;
      auto& association = answer.associations.front();
      switch (dice() % 6) {
        case 0: association.status = wire::Dhcpv6Status{static_cast<Dhcpv6StatusCode>(dice() % 8), "x"}; break;
        case 1: answer.status = wire::Dhcpv6Status{static_cast<Dhcpv6StatusCode>(dice() % 8), "x"}; break;
        case 2: association.addresses.clear(); break;
        case 3: association.addresses.push_back({pool[dice() % pool.size()], 200, 300, {}}); break;
        case 4: association.t1 = static_cast<std::uint32_t>(dice() % 400); break;
        case 5:
          for (auto& granted : association.addresses) granted.valid_lifetime = static_cast<std::uint32_t>(dice() % 400);
          break;
      }
    };

  std::map<AddressRequestId, bool> answered;
  std::map<Address, Address> leased;  // by address: the mobile node
  for (int round = 0; round < 3000; ++round) {
    switch (dice() % 6) {
      case 0:
      case 1: answered[network.request(dice() % 2 ? kPrimary : kOtherPrimary)] = false; break;
      case 2:
        if (!leased.empty()) {
          const Address home_address = std::next(leased.begin(), static_cast<std::ptrdiff_t>(dice() % leased.size()))->first;
          dice() % 8 ? network.release(home_address) : network.decline(home_address);
          leased.erase(home_address);
        }
        break;
      case 3: {
        Bytes garbage(dice() % 60);
        for (auto& octet : garbage) octet = static_cast<std::uint8_t>(dice());
        network.deliver(garbage);
        break;
      }
      case 4: server.silent = dice() % 3 == 0; break;
      default: network.advance(std::chrono::milliseconds(dice() % 20'000)); break;
    }
    for (const AddressSourceReport& report : network.take_reports()) {
      switch (report.kind) {
        case Kind::Leased:
          CHECK_FALSE(leased.contains(report.lease.home_address));
          leased[report.lease.home_address] = report.mobile_node;
          [[fallthrough]];
        case Kind::Refused:
          REQUIRE(answered.contains(report.request));
          CHECK_FALSE(answered[report.request]);
          answered[report.request] = true;
          CHECK((report.kind == Kind::Leased || !report.reason.empty()));
          break;
        case Kind::Changed:
          CHECK(leased.contains(report.lease.home_address));
          CHECK(report.lease.valid_until >= network.now.monotonic - 20s);
          break;
        case Kind::Lost:
          CHECK(leased.erase(report.lease.home_address) == 1);
          CHECK_FALSE(report.reason.empty());
          break;
      }
    }
  }
  network.advance(11s);
  for (const AddressSourceReport& report : network.take_reports()) answered[report.request] = true;
  for (const auto& [id, was] : answered) CHECK(was);
}
