// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §10.3.1: how long a binding lives and when status 1 is due.
#include <catch2/catch.hpp>

#include "fixture.hpp"
#include "home_prefixes.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;
using wire::BindingStatus;

TEST_CASE("grant_lifetime") {
  struct Row {
    const char* what;
    std::uint16_t requested;
    std::uint64_t valid, preferred;
    Duration longest;
    std::uint16_t granted;
    BindingStatus status;
  };
  const auto fine = BindingStatus::Accepted;
  const auto discovery = BindingStatus::AcceptedPrefixDiscoveryNecessary;
  for (const Row& row : {
           Row{"as asked for", 105, 1000, 500, 1h, 105, fine},
           {"bounded by policy", 105, 1000, 500, 240s, 60, fine},
           {"policy below a unit", 105, 1000, 500, 1s, 1, fine},
           {"bounded by the prefix", 105, 50, 50, 1h, 50, discovery},
           {"ends with the prefix", 105, 105, 105, 1h, 105, discovery},
           {"a unit before the prefix", 105, 106, 106, 1h, 105, fine},
           {"deprecated already", 105, 1000, 0, 1h, 105, discovery},
           {"deprecated on the way", 105, 1000, 104, 1h, 105, discovery},
           {"deprecated at the end", 105, 1000, 105, 1h, 105, fine},
           {"longest", 65535, 1u << 30, 1u << 30, 262'140s, 65535, fine},
       }) {
    INFO(row.what);
    const auto granted = grant_lifetime(row.requested, {row.valid, row.preferred}, row.longest);
    CHECK(granted.units == row.granted);
    CHECK(granted.status == row.status);
  }
}

TEST_CASE("prefix lifetimes stay, or count down") {
  const TimePoint start{};
  HomePrefix prefix{*Prefix::parse("2001:db8:100::/64"), 103s, 43s, false};
  const HomePrefixes constant({prefix}, start);
  CHECK(constant.find(kPrimary, start + 1h)->valid_units == 25);
  CHECK(constant.find(kPrimary, start + 1h)->preferred_units == 10);
  prefix.lifetimes_count_down = true;
  const HomePrefixes counting({prefix}, start);
  CHECK(counting.find(kPrimary, start)->valid_units == 25);
  CHECK(counting.find(kPrimary, start + 3s)->valid_units == 25);
  CHECK(counting.find(kPrimary, start + 3s + 1ns)->valid_units == 24);
  CHECK(counting.find(kPrimary, start + 60s)->preferred_units == 0);
  CHECK(counting.find(kPrimary, start + 99s)->valid_units == 1);
  CHECK_FALSE(counting.find(kPrimary, start + 100s));
  CHECK_FALSE(counting.find(address("2001:db8:101::1"), start));
}

TEST_CASE("the longest valid prefix counts") {
  const HomePrefixes prefixes({{*Prefix::parse("2001:db8:100::/48"), 400s, 400s, false},
                               {*Prefix::parse("2001:db8:100::/64"), 40s, 40s, true}},
                              TimePoint{});
  CHECK(prefixes.find(kPrimary, TimePoint{})->valid_units == 10);
  CHECK(prefixes.find(kPrimary, TimePoint{} + 40s)->valid_units == 100);
}

TEST_CASE("advertised prefixes") {
  HomePrefixes prefixes({{*Prefix::parse("2001:db8:100::/64"), 100s, 40s, true},
                         {*Prefix::parse("2001:db8:101::/64"), Duration::max(), Duration::max(), true},
                         {*Prefix::parse("2001:db8:200::/56"), 10s, 60s, false}},
                        TimePoint{});
  const auto list = prefixes.advertised(kHomeAgent, TimePoint{} + 30s);
  REQUIRE(list.size() == 3);
  CHECK(list[0] == wire::PrefixInformation{64, true, true, true, 70, 10, kHomeAgent});
  CHECK(list[1] == wire::PrefixInformation{64, true, true, false, 0xffffffff, 0xffffffff, address("2001:db8:101::")});
  // Preferred never exceeds valid, and only a /64 is for autoconfiguration.
  CHECK(list[2] == wire::PrefixInformation{56, true, false, false, 10, 10, address("2001:db8:200::")});
}

TEST_CASE("a binding ends to the nanosecond, with everything that served it") {
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({.lifetime_units = 8});
  f.advance(10s);
  f.send({.sequence = 16, .lifetime_units = 8});
  f.take_sent();
  f.advance(32s - 1ns);
  CHECK(f.state(kPrimary) == "bound");
  CHECK(f.tunnelled_to(kPrimary) == kCareOf1);
  f.advance(1ns);
  CHECK(f.state(kPrimary).empty());
  CHECK(f.tunnelled_to(kPrimary).is_unspecified());
  CHECK_FALSE(f.accepts_from(kPrimary, kCareOf1));
  CHECK(f.agent->counters().expired == 1);
  CHECK(f.take_sent().empty());
}

TEST_CASE("a shorter lifetime replaces a longer one") {
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({.lifetime_units = 100});
  f.advance(1s);
  f.take_sent();
  f.send({.sequence = 16, .lifetime_units = 5});
  CHECK(f.take_acknowledgement()->message.lifetime_units == 5);
  f.advance(20s);
  CHECK(f.state(kPrimary).empty());
}

TEST_CASE("a binding ends with its prefix") {
  auto configuration = Fixture::on_virtual_home_link();
  configuration.home_prefixes[0].valid_lifetime = 100s;
  configuration.home_prefixes[0].preferred_lifetime = 60s;
  configuration.home_prefixes[0].lifetimes_count_down = true;
  Fixture f(configuration);
  f.send({.lifetime_units = 10});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::Accepted);
  f.advance(30s);
  f.send({.sequence = 16});
  const auto answer = f.take_acknowledgement();
  CHECK(answer->message.status == BindingStatus::AcceptedPrefixDiscoveryNecessary);
  CHECK(answer->message.lifetime_units == 17);
  f.advance(68s);
  CHECK(f.tunnelled_to(kPrimary).is_unspecified());
  f.send({.sequence = 17});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::NotHomeSubnet);
}
