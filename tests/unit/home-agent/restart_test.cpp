// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <map>
#include <random>

#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;
using wire::BindingStatus;

TEST_CASE("bindings survive a restart and are served at once") {
  Fixture f;
  f.establish({.link_local = true});
  f.establish({.home_address = kDynamic, .care_of_address = kCareOf2, .sequence = 99, .lifetime_units = 1000});
  CHECK(f.agent->persistence_is_due());
  f.advance(20s);
  const auto kept = f.agent->persisted(f.now);
  CHECK_FALSE(f.agent->persistence_is_due());
  CHECK(kept.size() == 2);
  f.advance(30s);  // while nobody is there
  f.agent = std::make_unique<HomeAgent>(f.configuration, kept, f.random, f.now);

  CHECK(f.tunnelled_to(kPrimary) == kCareOf1);
  CHECK(f.tunnelled_to(kDynamic) == kCareOf2);
  CHECK(f.accepts_from(kPrimary, kCareOf1));
  CHECK(f.proxies(kPrimary));
  CHECK(f.proxies(link_local_with_same_interface_identifier(kPrimary)));
  CHECK(f.binding(kPrimary)->lifetime == 420s - 51s);
  CHECK(f.binding(kDynamic)->lifetime == 4000s - 50s);
  CHECK(f.binding(kPrimary)->mobile_node == "laptop@example.net");
  f.take_sent();

  // The neighbours may know another machine for it: they are told again.
  f.advance(10ms);
  CHECK(f.take_messages<wire::NeighborAdvertisement>().size() == 3);

  // Replay protection is kept, and refreshes need no duplicate address detection.
  f.send({.home_address = kDynamic, .care_of_address = kCareOf1, .sequence = 99});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::SequenceNumberOutOfWindow);
  f.send({.home_address = kDynamic, .care_of_address = kCareOf1, .sequence = 100});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::Accepted);
}

TEST_CASE("what changed since the last time is all that has to be kept anew") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  Fixture f(Fixture::on_virtual_home_link());
  std::map<Address, PersistedBinding> kept;
  const std::vector<Address> home_addresses{kPrimary, kDynamic, address("2001:db8:100::a2"), address("2001:db8:100::a3")};
  std::map<Address, std::uint16_t> sequences;
  std::size_t empty = 0;
  for (int step = 0; step < 600; ++step) {
    const Address home_address = home_addresses[random() % home_addresses.size()];
    Update update{.home_address = home_address, .sequence = ++sequences[home_address]};
    update.care_of_address = random() % 2 == 0 ? kCareOf1 : kCareOf2;
    // Short ones end by themselves, 0 is a de-registration.
    const std::uint16_t lifetimes[] = {0, 1, 2, 105};
    update.lifetime_units = lifetimes[random() % 4];
    if (random() % 10 == 0) update.key = Bytes(16, 0);
    if (random() % 3 != 0) f.send(update);
    f.advance(std::chrono::milliseconds{random() % 3000 + 1});
    const auto all = [&] {
      std::map<Address, PersistedBinding> out;
      for (const auto& binding : f.agent->persisted(f.now)) out[binding.home_address] = binding;
      return out;
    };
    if (random() % 20 == 0) {
      kept = all();
      f.restart();
      CHECK(f.agent->take_persisted_changes(f.now).empty());
      continue;
    }
    const auto changes = f.agent->take_persisted_changes(f.now);
    CHECK_FALSE(f.agent->persistence_is_due());
    empty += changes.empty() ? 1 : 0;
    for (const auto& binding : changes.bound) kept[binding.home_address] = binding;
    for (const Address& ended : changes.ended) kept.erase(ended);
    REQUIRE(kept == all());
  }
  CHECK(empty > 0);
}

TEST_CASE("a recorded Binding Update of before the restart is refused") {
  Fixture f(Fixture::on_virtual_home_link());
  f.advance(1s);
  const Bytes recorded = f.packet_of({});
  f.send_packet(recorded);
  f.advance(1ms);
  f.restart();
  f.take_sent();
  f.send_packet(recorded);
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::MipV6IdMismatch);
}

TEST_CASE("what expired meanwhile or is not allowed is not restored") {
  Fixture f(Fixture::on_virtual_home_link());
  const PersistedBinding good{.home_address = kPrimary,
                              .care_of_address = kCareOf1,
                              .primary_home_address = kPrimary,
                              .network_access_identifier = "laptop@example.net",
                              .spi = 1000,
                              .sequence = 7,
                              .last_timestamp = wire::ntp_timestamp(f.now.wall - 100s),
                              .wall_expiry = f.now.wall + 100s};
  struct Row {
    const char* what;
    PersistedBinding binding;
    bool restored;
  };
  std::vector<Row> rows{{"good", good, true}};
  const auto with = [&](const char* what, auto change) {
    Row row{what, good, false};
    change(row.binding);
    rows.push_back(row);
  };
  with("expired", [&](auto& b) { b.wall_expiry = f.now.wall; });
  with("unknown SPI", [](auto& b) { b.spi = 1; });
  with("no authentication", [](auto& b) { b.spi = 0; });
  with("unknown mobile node", [](auto& b) { b.primary_home_address = address("2001:db8:100::999"); });
  with("outside the prefix", [](auto& b) { b.home_address = address("2001:db8:999::1"); });
  with("no care-of address", [](auto& b) { b.care_of_address = Address{}; });
  with("care-of address is the home address", [](auto& b) { b.care_of_address = b.home_address; });
  with("care-of address is ours", [](auto& b) { b.care_of_address = kHomeAgent; });
  with("another one's primary address", [](auto& b) { b.home_address = kOtherPrimary; });
  for (const auto& row : rows) {
    INFO(row.what);
    HomeAgent agent(f.configuration, {row.binding}, f.random, f.now);
    CHECK(agent.bindings(f.now).size() == (row.restored ? 1u : 0u));
    CHECK(agent.plan().tunnels.items().size() == (row.restored ? 1u : 0u));
  }
  // Twice in the file: the first counts. A wild expiry is bounded.
  auto second = good;
  second.care_of_address = kCareOf2;
  auto wild = good;
  wild.wall_expiry = f.now.wall + 100'000h;
  HomeAgent agent(f.configuration, {wild, second}, f.random, f.now);
  REQUIRE(agent.bindings(f.now).size() == 1);
  CHECK(agent.bindings(f.now)[0].care_of_address == kCareOf1);
  CHECK(agent.bindings(f.now)[0].lifetime == f.configuration.longest_binding_lifetime);
}

TEST_CASE("with nothing kept, old mobile nodes register anew and de-registrations get 133") {
  Fixture f;
  f.establish({.sequence = 40'000});
  f.restart(false);
  f.advance(1ms);
  f.take_sent();
  f.send({.sequence = 40'001, .lifetime_units = 0});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::NotHomeAgentForThisMobileNode);
  f.advance(1ms);
  f.send({.sequence = 40'002});
  f.advance(1s);
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::Accepted);
}

TEST_CASE("waiting and deleted entries are not persisted") {
  Fixture f;
  f.send({});
  CHECK(f.agent->persisted(f.now).empty());
  f.advance(1s);
  CHECK(f.agent->persistence_is_due());
  CHECK(f.agent->persisted(f.now).size() == 1);
  f.send({.sequence = 16, .lifetime_units = 0});
  CHECK(f.agent->persistence_is_due());
  CHECK(f.agent->persisted(f.now).empty());
  f.advance(1ms);
  f.send({.sequence = 17, .key = Bytes(16, 1)});
  CHECK_FALSE(f.agent->persistence_is_due());
}
