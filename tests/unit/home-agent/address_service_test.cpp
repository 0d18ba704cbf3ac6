// SPDX-License-Identifier: GPL-3.0-or-later
// Home addresses that the home agent gives out: docs/agent-service.md.
#include <catch2/catch.hpp>
#include <set>
#include <utility>

#include "service_client.hpp"
#include "support/seed.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;
using wire::BindingStatus;
using wire::HomeAddressSource;
using wire::HomeAddressStatus;

namespace {

const Prefix kHomePrefix = *Prefix::parse("2001:db8:100::/64");

struct Registered : Fixture {
  explicit Registered(Configuration with = Fixture::on_virtual_home_link()) : Fixture(std::move(with)) {
    establish({});
    take_sent();
  }
};

void release(Fixture& f, std::uint32_t transaction, const Address& address,
             wire::HomeAddressReleaseReason reason = wire::HomeAddressReleaseReason::NotNeeded) {
  const auto answer = ask(f, {.body = wire::HomeAddressRelease{reason, {address}}, .transaction = transaction});
  CHECK(std::holds_alternative<wire::HomeAddressReleaseAcknowledgement>(answer.message.body));
}

std::vector<wire::HomeAddressChange> changes_in(const std::vector<Answer>& answers) {
  std::vector<wire::HomeAddressChange> out;
  for (const Answer& answer : answers)
    if (const auto* change = std::get_if<wire::HomeAddressChange>(&answer.message.body)) out.push_back(*change);
  return out;
}

}  // namespace

TEST_CASE("a registered mobile node is given an address below the home prefix, with the prefix's lifetimes") {
  Registered f;
  const auto reply = ask_for_address(f, 7);
  CHECK(reply.status == HomeAddressStatus::Allocated);
  CHECK(reply.source == HomeAddressSource::Agent);
  REQUIRE(reply.addresses.size() == 1);
  CHECK(kHomePrefix.contains(reply.addresses[0].home_address));
  CHECK(reply.addresses[0].valid == 30 * 86'400);
  CHECK(reply.addresses[0].preferred == 7 * 86'400);
  CHECK(f.agent->counters().home_addresses_given == 1);
  CHECK(f.agent->persistence_is_due());
}

TEST_CASE("the same question, repeated, has the same answer; another one another") {
  Registered f;
  const auto first = ask_for_address(f, 7, 3);
  REQUIRE(first.addresses.size() == 3);
  f.advance(100s);
  const auto again = ask_for_address(f, 7, 3);
  REQUIRE(again.addresses.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(again.addresses[i].home_address == first.addresses[i].home_address);
  CHECK(again.addresses[0].valid < first.addresses[0].valid);
  const auto other = ask_for_address(f, 8, 3);
  std::set<Address> all;
  for (const auto& reply : {first, other})
    for (const auto& item : reply.addresses) all.insert(item.home_address);
  CHECK(all.size() == 6);
  CHECK(f.agent->given_home_addresses() == 6);
}

TEST_CASE("what was given is authorised for its mobile node and nobody else") {
  Registered f;
  const Address given = given_address(f, 1);
  CHECK(status_of(f, update_of_other(given)) == BindingStatus::DuplicateAddressDetectionFailed);
  CHECK(status_of(f, {.home_address = given}) == BindingStatus::Accepted);
  CHECK(f.tunnelled_to(given) == kCareOf1);
  // De-registered, it is still its owner's.
  CHECK(status_of(f, {.home_address = given, .sequence = 16, .lifetime_units = 0}) == BindingStatus::Accepted);
  CHECK(status_of(f, update_of_other(given)) == BindingStatus::DuplicateAddressDetectionFailed);
  release(f, 2, given);
  CHECK(f.agent->given_home_addresses() == 0);
  f.advance(30s);  // what is remembered of the binding
  CHECK(status_of(f, update_of_other(given)) == BindingStatus::Accepted);
}

TEST_CASE("who is not registered, or can not prove it, gets silence") {
  Registered f;
  f.advance(1s);
  const auto is_ignored = [&](const Question& question) {
    f.take_sent();
    const std::string before = f.fingerprint();
    f.send_packet(packet_of(f, question));
    CHECK(take_answers(f).empty());
    CHECK(f.fingerprint() == before);
    CHECK(f.agent->given_home_addresses() == 0);
  };
  SECTION("nobody is bound there") { is_ignored({.home_address = kOtherPrimary}); }
  SECTION("from elsewhere") { is_ignored({.care_of_address = kCareOf2}); }
  SECTION("no authentication") { is_ignored({.authenticated = false}); }
  SECTION("wrong key") { is_ignored({.key = Bytes(16, 0xee)}); }
  SECTION("unknown SPI") { is_ignored({.spi = 1001}); }
  SECTION("another mobile node's key and SPI") {
    is_ignored({.spi = 2000, .key = Fixture::key_of(kOtherPrimary)});
  }
  SECTION("a clock that is wrong") { is_ignored({.timestamp = wire::ntp_timestamp(f.now.wall + 8s)}); }
  SECTION("not for the primary home address") {
    f.establish({.home_address = kDynamic});
    is_ignored({.home_address = kDynamic});
  }
  SECTION("before the home agent started") {
    f.restart();
    is_ignored({.timestamp = wire::ntp_timestamp(f.now.wall - 1s)});
  }
  CHECK(f.agent->counters().service_refused == 1);
  CHECK(f.noticed("service-request-refused"));
}

TEST_CASE("a recorded question can not be replayed") {
  Registered f;
  f.advance(1s);
  const Bytes recorded = packet_of(f, {.transaction = 5});
  f.send_packet(recorded);
  REQUIRE(take_answers(f).size() == 1);
  f.send_packet(recorded);
  CHECK(take_answers(f).empty());
  const Question older{.transaction = 6, .timestamp = wire::ntp_timestamp(f.now.wall - 1ms)};
  f.send_packet(packet_of(f, older));
  CHECK(take_answers(f).empty());
  // The timestamp is forgotten only when it is too old by itself.
  f.advance(20s);
  f.send_packet(recorded);
  CHECK(take_answers(f).empty());
  CHECK(f.agent->given_home_addresses() == 1);
}

TEST_CASE("a mobile node that asks without end is not listened to") {
  Registered f;
  f.advance(1s);
  for (int i = 0; i < 40; ++i)
    f.send_packet(packet_of(f, {.body = wire::PolicyRequest{}, .timestamp = wire::ntp_timestamp(f.now.wall) + static_cast<std::uint64_t>(i)}));
  CHECK(take_answers(f).size() == 20);
  f.advance(1s);
  CHECK(ask(f, {.body = wire::PolicyRequest{}}).authentic);
}

TEST_CASE("refusals say why") {
  SECTION("a source that is not offered") {
    Registered f;
    const auto reply = ask_for_address(f, 1, 1, HomeAddressSource::Dhcpv6);
    CHECK(reply.status == HomeAddressStatus::SourceNotOffered);
    CHECK(reply.source == HomeAddressSource::Dhcpv6);
    CHECK_THAT(reply.reason, Catch::Contains("dhcpv6"));
    CHECK(ask_for_address(f, 2, 1, static_cast<HomeAddressSource>(99)).status == HomeAddressStatus::SourceNotOffered);
  }
  SECTION("no service at all") {
    auto configuration = Fixture::on_virtual_home_link();
    configuration.address_service.sources.clear();
    Registered f(configuration);
    CHECK(ask_for_address(f, 1).status == HomeAddressStatus::SourceNotOffered);
  }
  SECTION("a mobile node that may have its primary home address only") {
    auto configuration = Fixture::on_virtual_home_link();
    configuration.mobile_nodes[0].may_allocate_home_addresses = false;
    Registered f(configuration);
    CHECK(ask_for_address(f, 1).status == HomeAddressStatus::Prohibited);
  }
  SECTION("no prefix is preferred") {
    auto configuration = Fixture::on_virtual_home_link();
    configuration.home_prefixes[0].preferred_lifetime = 0s;
    Registered f(configuration);
    const auto reply = ask_for_address(f, 1);
    CHECK(reply.status == HomeAddressStatus::SourceRefused);
    CHECK_THAT(reply.reason, Catch::Contains("no home prefix is preferred"));
    CHECK(f.agent->troubles().size() == 1);
  }
}

TEST_CASE("the cap counts what is bound and what is given; what a restarted mobile node forgot is taken back") {
  auto configuration = Fixture::on_virtual_home_link();
  configuration.mobile_nodes[0].home_address_cap = 4;
  Registered f(configuration);
  const auto first = ask_for_address(f, 1, 16);
  REQUIRE(first.addresses.size() == 3);  // and the primary one
  CHECK(ask_for_address(f, 2).status == HomeAddressStatus::LimitReached);
  const Address bound = first.addresses[0].home_address;
  CHECK(status_of(f, {.home_address = bound}) == BindingStatus::Accepted);
  f.advance(61s);
  const auto second = ask_for_address(f, 3, 16);
  REQUIRE(second.addresses.size() == 2);
  CHECK(f.agent->given_home_addresses() == 3);
  CHECK(f.tunnelled_to(bound) == kCareOf1);
  CHECK(ask_for_address(f, 4).status == HomeAddressStatus::LimitReached);
}

TEST_CASE("a lease that nobody binds ends after an hour, one that is bound does not") {
  Registered f;
  const Address bound = given_address(f, 1);
  given_address(f, 2);
  const auto refresh = [&](std::uint16_t sequence) {
    f.send({.sequence = sequence, .lifetime_units = 900});
    f.send({.home_address = bound, .sequence = sequence, .lifetime_units = 900});
    f.take_sent();
  };
  refresh(16);
  f.advance(1h - 1s);
  CHECK(f.agent->given_home_addresses() == 2);
  refresh(17);
  f.advance(1s);
  CHECK(f.agent->given_home_addresses() == 1);
  CHECK(f.noticed("home-address-abandoned"));
  for (std::uint16_t sequence = 18; sequence < 24; ++sequence) {
    f.advance(3000s);
    refresh(sequence);
  }
  CHECK(f.agent->given_home_addresses() == 1);
  CHECK(status_of(f, update_of_other(bound)) == BindingStatus::DuplicateAddressDetectionFailed);
  // The mobile node vanishes: its binding ends after an hour, the lease an hour later.
  f.advance(2h - 2s);
  CHECK(f.agent->given_home_addresses() == 1);
  f.advance(3s);
  CHECK(f.agent->given_home_addresses() == 0);
}

TEST_CASE("an address that a neighbour has is declined, and its owner asks for another one") {
  Registered f(Fixture::default_configuration());
  const Address given = given_address(f, 1);
  f.send({.home_address = given});
  CHECK(f.watches(given));
  f.send_packet(wire::build_packet({address("2001:db8:100::99"), address("ff02::1")},
                                   wire::NeighborAdvertisement{.override_flag = true, .target = given}),
                kHomeInterface, LinkLayerAddress{2, 0, 0, 0, 0, 0x99});
  const auto refused = f.take_acknowledgement();
  REQUIRE(refused);
  CHECK(refused->message.status == BindingStatus::DuplicateAddressDetectionFailed);
  CHECK(f.agent->given_home_addresses() == 0);
  CHECK(f.noticed("home-address-duplicate"));
  // What the mobile node says of it comes late, and changes nothing.
  release(f, 2, given, wire::HomeAddressReleaseReason::Duplicate);
  CHECK(given_address(f, 3) != given);
}

TEST_CASE("leases survive a restart, with their lifetimes") {
  Registered f;
  const auto reply = ask_for_address(f, 1);
  const Address given = reply.addresses[0].home_address;
  f.agent->persisted(f.now);
  f.agent->persisted_services(f.now);
  CHECK_FALSE(f.agent->persistence_is_due());
  f.advance(1000s);
  f.establish({.sequence = 99});
  f.restart();
  f.advance(1ms);
  CHECK(f.agent->given_home_addresses() == 1);
  CHECK(status_of(f, update_of_other(given)) == BindingStatus::DuplicateAddressDetectionFailed);
  CHECK(status_of(f, {.home_address = given}) == BindingStatus::Accepted);
  const auto kept = f.agent->persisted_services(f.now);
  REQUIRE(kept.leases.size() == 1);
  CHECK(kept.leases[0].mobile_node == kPrimary);
  CHECK(kept.leases[0].source == HomeAddressSource::Agent);

  SECTION("but not those of a mobile node that is none of ours any more") {
    f.configuration.mobile_nodes.erase(f.configuration.mobile_nodes.begin());
    f.restart();
    CHECK(f.agent->given_home_addresses() == 0);
  }
  SECTION("nor what a file says that nobody wrote") {
    PersistedServices wrong = kept;
    wrong.leases[0].wall_valid = Duration::min();
    wrong.leases.push_back({.home_address = address("ff02::1"), .mobile_node = kPrimary});
    wrong.leases.push_back({.home_address = kDynamic, .mobile_node = address("2001:db8:9::9")});
    wrong.leases.push_back({.home_address = kDynamic, .mobile_node = kPrimary, .source = static_cast<HomeAddressSource>(7)});
    const HomeAgent other(f.configuration, {}, f.random, f.now, wrong);
    CHECK(other.given_home_addresses() == 0);
  }
}

TEST_CASE("a change is told until it is acknowledged, and again when the mobile node comes back") {
  auto configuration = Fixture::on_virtual_home_link();
  Registered f(configuration);
  f.send({.sequence = 16, .lifetime_units = 65'535});
  const Address given = given_address(f, 1);
  configuration.home_prefixes[0].valid_lifetime = 7200s;
  configuration.home_prefixes[0].preferred_lifetime = 3600s;
  const TimePoint start = f.now.monotonic;
  f.configure(configuration);
  f.advance(0s);
  auto told = take_answers(f);
  REQUIRE(told.size() == 1);
  CHECK(told[0].authentic);
  auto changes = changes_in(told);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].addresses == std::vector<wire::HomeAddressLifetimes>{{given, 3600, 7200}});

  SECTION("acknowledged") {
    f.advance(1ms);
    f.send_packet(packet_of(f, {.body = wire::HomeAddressChangeAcknowledgement{}, .transaction = told[0].message.transaction}));
    f.advance(100s);
    CHECK(changes_in(take_answers(f)).empty());
  }
  SECTION("not acknowledged: after 1, 2, 4, 8, 16 s, each later than the one before") {
    f.advance(100s);
    auto repeated = take_answers(f);
    REQUIRE(repeated.size() == 5);
    std::uint64_t last = told[0].timestamp;
    Duration at{};
    Duration wait = 1s;
    for (const auto& answer : repeated) {
      at += std::exchange(wait, 2 * wait);
      CHECK(answer.at == start + at);
      CHECK(answer.timestamp > last);
      CHECK(answer.message.transaction == told[0].message.transaction);
      last = answer.timestamp;
    }
    f.send({.sequence = 17, .lifetime_units = 65'535});
    CHECK(changes_in(take_answers(f)).size() == 1);
  }
  SECTION("the prefix ends: the address is lost, and with it its binding") {
    f.establish({.home_address = given, .lifetime_units = 900});
    f.take_sent();
    // Another prefix holds the primary home address.
    configuration.home_prefixes = {{*Prefix::parse("2001:db8:100::/112")}};
    f.configure(configuration);
    f.advance(0s);
    changes = changes_in(take_answers(f));
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].addresses == std::vector<wire::HomeAddressLifetimes>{{given, 0, 0}});
    CHECK(f.agent->given_home_addresses() == 0);
    CHECK(f.tunnelled_to(given).is_unspecified());
  }
}

TEST_CASE("operations that a home agent does not know are ignored, other versions are another experiment") {
  Registered f;
  f.advance(1s);
  f.send_packet(packet_of(f, {.body = wire::UnknownOperation{200, {1, 2, 3}}}));
  CHECK(f.take_sent().empty());

  Bytes packet = packet_of(f, {});
  const auto view = *wire::parse_packet(packet);
  Bytes header(view.payload.begin(), view.payload.end());
  header[6] = 2;
  f.send_packet(wire::build_packet_from_header({.source = kCareOf1, .destination = kHomeAgent, .home_address_option = kPrimary}, header));
  const auto errors = f.take_messages<wire::BindingError>();
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].status == wire::BindingErrorStatus::UnrecognizedMobilityType);
}

TEST_CASE("random questions of a registered mobile node end nothing") {
  SeededRandom source(mipflow::test::seed("random questions"));
  const auto random = [&] { return source.next_u64(); };
  Registered f(Fixture::default_configuration());
  for (int i = 0; i < 2'000; ++i) {
    Question question{.transaction = static_cast<std::uint32_t>(random() % 12)};
    switch (random() % 6) {
      case 0: question.body = wire::HomeAddressRequest{static_cast<HomeAddressSource>(random() % 4), static_cast<std::uint8_t>(random())}; break;
      case 1: {
        wire::HomeAddressRelease body{static_cast<wire::HomeAddressReleaseReason>(random() % 3), {}};
        for (const auto& lease : f.agent->persisted_services(f.now).leases)
          if (random() % 4 == 0) body.addresses.push_back(lease.home_address);
        question.body = body;
        break;
      }
      case 2: question.body = wire::PolicyRequest{static_cast<std::uint32_t>(random()), static_cast<std::uint32_t>(random())}; break;
      case 3: question.body = wire::HomeAddressChangeAcknowledgement{}; break;
      case 4: question.body = wire::HomeAddressReply{}; break;
      default: question.body = wire::UnknownOperation{static_cast<std::uint8_t>(random() % 256), Bytes(random() % 32)}; break;
    }
    f.send_packet(packet_of(f, question));
    f.advance(std::chrono::milliseconds{1 + random() % 500});
    if (i % 50 == 0) {
      f.send({.sequence = static_cast<std::uint16_t>(100 + i), .lifetime_units = 65'535});
      f.take_sent();
    }
    REQUIRE(f.agent->given_home_addresses() <= 63);
    REQUIRE(f.state(kPrimary) == "bound");
  }
}

TEST_CASE("a mobile node at home keeps its leases as long as it says so") {
  Registered f;
  const Address given = given_address(f, 1);
  REQUIRE(status_of(f, {.sequence = 16, .lifetime_units = 0}) == BindingStatus::Accepted);
  const auto refresh = [&](std::uint32_t transaction, std::vector<Address> addresses) {
    const auto answer = ask(f, {.body = wire::HomeAddressRefresh{std::move(addresses)}, .transaction = transaction, .care_of_address = kPrimary});
    CHECK(answer.care_of_address == kPrimary);
    REQUIRE(std::holds_alternative<wire::HomeAddressRefreshReply>(answer.message.body));
    return std::get<wire::HomeAddressRefreshReply>(answer.message.body).addresses;
  };
  SECTION("it is told which it has, and for how long") {
    const auto told = refresh(2, {given, kOtherPrimary});
    REQUIRE(told.size() == 2);
    CHECK(told[0].home_address == given);
    CHECK(told[0].valid > 0);
    CHECK(told[1] == wire::HomeAddressLifetimes{kOtherPrimary, 0, 0});
  }
  SECTION("for hours, and an hour longer") {
    for (std::uint32_t i = 0; i < 30; ++i) {
      f.advance(10min);
      CHECK(refresh(10 + i, {given})[0].valid > 0);
    }
    f.advance(f.configuration.address_service.unbound_lease - 1s);
    CHECK(f.agent->given_home_addresses() == 1);
    f.advance(2s);
    CHECK(f.agent->given_home_addresses() == 0);
    CHECK(refresh(99, {given})[0].valid == 0);
  }
  SECTION("it can give them back there") {
    ask(f, {.body = wire::HomeAddressRelease{wire::HomeAddressReleaseReason::NotNeeded, {given}}, .transaction = 3, .care_of_address = kPrimary});
    CHECK(f.agent->given_home_addresses() == 0);
  }
  const auto is_silent = [&](const Question& question) {
    f.advance(1ms);
    f.take_sent();
    f.send_packet(packet_of(f, question));
    return take_answers(f).empty();
  };
  SECTION("nobody else can say so") {
    CHECK(is_silent({.body = wire::HomeAddressRefresh{{given}}, .care_of_address = kPrimary, .key = Bytes(16, 1)}));
    CHECK(is_silent({.body = wire::HomeAddressRefresh{{given}}, .care_of_address = kPrimary, .authenticated = false}));
    // From an address that is no primary one, with whatever key.
    CHECK(is_silent({.body = wire::HomeAddressRefresh{{given}}, .home_address = given, .care_of_address = given}));
    f.advance(f.configuration.address_service.unbound_lease);
    CHECK(f.agent->given_home_addresses() == 0);
  }
  SECTION("while it is away, its home address does not speak from home") {
    REQUIRE(status_of(f, {.sequence = 17}) == BindingStatus::Accepted);
    CHECK(is_silent({.body = wire::HomeAddressRefresh{{given}}, .care_of_address = kPrimary}));
  }
}
