// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §10.4.2, §10.4.5 as the forwarding plan shows it.
#include "tunnels.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;

TEST_CASE("the care-of address before is a source for a moment more, then not") {
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({});
  f.advance(5s);
  f.send({.care_of_address = kCareOf2, .sequence = 16});
  CHECK(f.tunnelled_to(kPrimary) == kCareOf2);
  CHECK(f.accepts_from(kPrimary, kCareOf2));
  CHECK(f.accepts_from(kPrimary, kCareOf1));
  f.advance(2s - 1ns);
  CHECK(f.accepts_from(kPrimary, kCareOf1));
  f.advance(1ns);
  CHECK_FALSE(f.accepts_from(kPrimary, kCareOf1));
  CHECK(f.accepts_from(kPrimary, kCareOf2));
}

TEST_CASE("moving to and fro keeps the present one, and every one before for its own moment") {
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({});
  f.advance(1s);
  f.send({.care_of_address = kCareOf2, .sequence = 16});   // 1 until 3 s
  f.advance(1s);
  f.send({.care_of_address = kCareOf1, .sequence = 17});   // 2 until 4 s, 1 present
  f.advance(1500ms);                                       // 3.5 s
  CHECK(f.accepts_from(kPrimary, kCareOf1));
  CHECK(f.accepts_from(kPrimary, kCareOf2));
  f.send({.care_of_address = kCareOf2, .sequence = 18});   // 1 until 5.5 s, 2 present
  f.advance(1s);                                           // 4.5 s
  CHECK(f.accepts_from(kPrimary, kCareOf1));
  CHECK(f.accepts_from(kPrimary, kCareOf2));
  f.advance(1s);                                           // 5.5 s
  CHECK_FALSE(f.accepts_from(kPrimary, kCareOf1));
  CHECK(f.accepts_from(kPrimary, kCareOf2));
}

TEST_CASE("de-registration and expiry end the moment of the care-of address before, too") {
  for (const bool expiry : {true, false}) {
    Fixture f(Fixture::on_virtual_home_link());
    f.establish({});
    f.advance(1s);
    if (expiry) {
      auto configuration = f.configuration;
      configuration.previous_care_of_address_grace = 1h;
      f.configure(configuration);
    }
    f.send({.care_of_address = kCareOf2, .sequence = 16, .lifetime_units = 1});
    CHECK(f.accepts_from(kPrimary, kCareOf1));
    if (expiry) {
      f.advance(4s);
    } else {
      f.advance(1ms);
      f.send({.care_of_address = kCareOf2, .sequence = 17, .lifetime_units = 0});
    }
    CHECK(f.agent->plan().tunnel_sources.items().empty());
    f.advance(2h);
    CHECK(f.agent->plan().tunnel_sources.items().empty());
  }
}

TEST_CASE("whoever moves very quickly is accepted from the latest care-of addresses") {
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({.sequence = 0});
  Address care_of = kCareOf1;
  for (std::uint16_t i = 1; i <= 100; ++i) {
    f.advance(1ms);
    care_of.octets[15] = static_cast<std::uint8_t>(i + 100);
    f.send({.care_of_address = care_of, .sequence = i});
    REQUIRE(f.accepts_from(kPrimary, care_of));
    REQUIRE(f.agent->plan().tunnel_sources.items().size() <= 9);
  }
  Address before = care_of;
  for (int i = 0; i < 8; ++i) {
    --before.octets[15];
    CHECK(f.accepts_from(kPrimary, before));
  }
  f.advance(2s);
  CHECK(f.agent->plan().tunnel_sources.items().size() == 1);
}

TEST_CASE("a move is one change of the plan, and a refresh is none") {
  Fixture f(Fixture::on_virtual_home_link());
  for (std::uint16_t i = 0; i < 50; ++i) {
    Address home = kDynamic;
    home.octets[14] = static_cast<std::uint8_t>(i);
    f.send({.home_address = home});
  }
  auto& plan = f.agent->plan();
  CHECK(plan.tunnels.take_changes().set.size() == 50);
  CHECK(plan.tunnel_sources.take_changes().set.size() == 50);
  Address moved = kDynamic;
  moved.octets[14] = 7;
  f.advance(1ms);
  f.send({.home_address = moved, .sequence = 16});
  CHECK_FALSE(plan.tunnels.has_changes());
  CHECK_FALSE(plan.tunnel_sources.has_changes());
  f.advance(1ms);
  f.send({.home_address = moved, .care_of_address = kCareOf2, .sequence = 17});
  const auto tunnels = plan.tunnels.take_changes();
  CHECK(tunnels.set.size() == 1);
  CHECK(tunnels.erase.empty());
  const auto sources = plan.tunnel_sources.take_changes();
  CHECK(sources.set.size() == 1);
  CHECK(sources.erase.empty());
}

TEST_CASE("grace without a moment is none") {
  auto configuration = Fixture::on_virtual_home_link();
  configuration.previous_care_of_address_grace = 0s;
  Fixture f(configuration);
  f.establish({});
  f.advance(1ms);
  f.send({.care_of_address = kCareOf2, .sequence = 16});
  f.advance(0s);
  CHECK_FALSE(f.accepts_from(kPrimary, kCareOf1));
}

TEST_CASE("a routed home network is drawn here as a whole, a home link is not") {
  const Prefix further = *Prefix::parse("2001:db8:77::/64");
  Fixture routed(Fixture::on_virtual_home_link());
  const Prefix first = routed.configuration.home_prefixes.front().prefix;
  const auto networks = [](Fixture& f) {
    std::set<Prefix> out;
    for (const auto& entry : f.agent->plan().home_networks.items()) out.insert(entry.first);
    return out;
  };
  CHECK(networks(routed) == std::set{first});
  routed.establish({});
  auto configuration = routed.configuration;
  configuration.home_prefixes.push_back({.prefix = further});
  routed.configure(configuration);
  CHECK(networks(routed) == std::set{first, further});
  CHECK(routed.tunnelled_to(kPrimary) == kCareOf1);
  configuration.home_prefixes.erase(configuration.home_prefixes.begin());
  routed.configure(configuration);
  CHECK(networks(routed) == std::set{further});
  CHECK(routed.tunnelled_to(kPrimary).is_unspecified());

  Fixture on_link;
  CHECK(networks(on_link).empty());
}

TEST_CASE("a tunnel that is left below a home network that goes is handed out again, for it needs a route now") {
  forwarding::ForwardingPlan plan;
  Tunnels tunnels(plan);
  const Prefix wide = *Prefix::parse("2001:db8::/32");
  const Prefix narrow = *Prefix::parse("2001:db8:100::/64");
  tunnels.set_home_networks({wide, narrow});
  tunnels.set_outgoing(kPrimary, kCareOf1, kHomeAgent);
  plan.tunnels.take_changes();
  tunnels.set_home_networks({wide, narrow});
  CHECK(plan.tunnels.take_changes().empty());
  tunnels.set_home_networks({});
  CHECK(plan.home_networks.items().empty());
  const auto changes = plan.tunnels.take_changes();
  REQUIRE(changes.set.size() == 1);
  CHECK(changes.set.front().first == kPrimary);
}
