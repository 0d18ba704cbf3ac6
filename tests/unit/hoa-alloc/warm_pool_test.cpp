// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <random>

#include "mipflow/hoa-alloc/warm_pool.hpp"
#include "support/seed.hpp"

namespace mipflow::hoa_alloc {
namespace {

using namespace std::chrono_literals;

Address address(const char* text) { return Address::parse(text).value(); }

const Address kCareOfWlan = address("2001:db8:a::1");
const Address kCareOfWwan = address("2001:db8:b::1");
const Uplink kWlan{.interface = 1, .care_of_address = kCareOfWlan};
const Uplink kWwan{.interface = 2, .care_of_address = kCareOfWwan};
const TimePoint kNow{1000s};

Address home(unsigned number) {
  Address out = address("2001:db8:1::");
  out.octets[14] = static_cast<std::uint8_t>(number >> 8);
  out.octets[15] = static_cast<std::uint8_t>(number);
  return out;
}

HomeAddressEntry entry(unsigned number, const Uplink& uplink) {
  return {.home_address = home(number), .care_of_address = uplink.care_of_address, .interface = uplink.interface};
}

PoolAction allocate(PoolPurpose purpose, const Uplink& uplink) {
  return AllocateAddress{.purpose = purpose, .interface = uplink.interface, .care_of_address = uplink.care_of_address};
}

void add(WarmPool& pool, unsigned number, const Uplink& uplink, PoolPurpose purpose) {
  REQUIRE(pool.registering(entry(number, uplink), purpose));
  REQUIRE(pool.registered(home(number)));
}

using Actions = std::vector<PoolAction>;

}  // namespace

TEST_CASE("an empty pool asks for an anchor per uplink first, then for spares on different uplinks", "[warm_pool]") {
  const WarmPool pool({.spares = 2});
  const std::vector<Uplink> uplinks{kWlan, kWwan};
  CHECK(pool.actions(uplinks, 1, kNow) ==
        Actions{allocate(PoolPurpose::Anchor, kWlan), allocate(PoolPurpose::Anchor, kWwan),
                allocate(PoolPurpose::Spare, kWlan), allocate(PoolPurpose::Spare, kWwan)});
  CHECK(pool.actions({}, 1, kNow).empty());
}

TEST_CASE("an uplink that is anchored already needs no anchor, and none does when they are switched off", "[warm_pool]") {
  const WarmPool pool({.spares = 0});
  std::vector<Uplink> uplinks{kWlan, kWwan};
  uplinks[0].anchored = true;
  CHECK(pool.actions(uplinks, 1, kNow) == Actions{allocate(PoolPurpose::Anchor, kWwan)});
  CHECK(WarmPool({.spares = 0, .anchor_per_interface = false}).actions(uplinks, 1, kNow).empty());
}

TEST_CASE("what is being registered is not asked for again, and a full pool asks for nothing", "[warm_pool]") {
  WarmPool pool({.spares = 2});
  const std::vector<Uplink> uplinks{kWlan};
  REQUIRE(pool.registering(entry(1, kWlan), PoolPurpose::Anchor));
  CHECK(pool.actions(uplinks, 1, kNow) ==
        Actions{allocate(PoolPurpose::Spare, kWlan), allocate(PoolPurpose::Spare, kWlan)});
  REQUIRE(pool.registering(entry(2, kWlan), PoolPurpose::Spare));
  REQUIRE(pool.registering(entry(3, kWlan), PoolPurpose::Spare));
  CHECK(pool.actions(uplinks, 1, kNow).empty());
  CHECK_FALSE(pool.registering(entry(3, kWlan), PoolPurpose::Spare));
}

TEST_CASE("neither the cap nor the number of registrations at the same time is exceeded", "[warm_pool]") {
  const std::vector<Uplink> uplinks{kWlan};
  CHECK(WarmPool({.spares = 9, .cap = 4, .in_flight = 99}).actions(uplinks, 1, kNow).size() == 3);
  CHECK(WarmPool({.spares = 9, .cap = 4, .in_flight = 99}).actions(uplinks, 4, kNow).empty());
  CHECK(WarmPool({.spares = 9, .cap = 99, .in_flight = 4}).actions(uplinks, 1, kNow).size() == 4);
  CHECK(WarmPool({.cap = 4}).has_room(3));
  CHECK_FALSE(WarmPool({.cap = 4}).has_room(4));
}

TEST_CASE("a spare: registered ones only, the wanted care-of address first, never an anchor", "[warm_pool]") {
  WarmPool pool({.spares = 3});
  add(pool, 1, kWlan, PoolPurpose::Anchor);
  CHECK_FALSE(pool.has_spare(kNow));
  CHECK(pool.take_spare(kCareOfWlan, kNow) == std::nullopt);
  REQUIRE(pool.registering(entry(2, kWlan), PoolPurpose::Spare));
  CHECK(pool.take_spare(kCareOfWlan, kNow) == std::nullopt);
  REQUIRE(pool.registered(home(2)));
  add(pool, 3, kWwan, PoolPurpose::Spare);
  add(pool, 4, kWlan, PoolPurpose::Spare);
  CHECK(pool.spares(kNow) == 3);
  CHECK(pool.givable_spares(kCareOfWwan, kNow) == std::vector{home(3), home(2), home(4)});
  CHECK(pool.take_spare(kCareOfWwan, kNow)->home_address == home(3));
  CHECK(pool.take_spare(kCareOfWwan, kNow)->home_address == home(2));
  CHECK(pool.find(home(2)) == nullptr);
  CHECK(pool.spares(kNow) == 1);
}

TEST_CASE("after failures in a row the pool waits longer and longer, after a success not at all", "[warm_pool]") {
  WarmPool pool({.spares = 1, .anchor_per_interface = false, .initial_retry = 1s, .maximum_retry = 4s});
  const std::vector<Uplink> uplinks{kWlan};
  TimePoint now = kNow;
  CHECK(pool.retry_at(now) == kNever);
  unsigned number = 1;
  for (const Duration wait : {1s, 2s, 4s, 4s}) {
    REQUIRE(pool.registering(entry(number, kWlan), PoolPurpose::Spare));
    REQUIRE(pool.failed(home(number++), now));
    CHECK(pool.retry_at(now) == now + wait);
    CHECK(pool.actions(uplinks, 1, now + wait - 1ns).empty());
    now += wait;
    CHECK(pool.actions(uplinks, 1, now) == Actions{allocate(PoolPurpose::Spare, kWlan)});
  }
  add(pool, number, kWlan, PoolPurpose::Spare);
  REQUIRE(pool.take_spare(kCareOfWlan, now));
  CHECK(pool.actions(uplinks, 1, now) == Actions{allocate(PoolPurpose::Spare, kWlan)});
  CHECK_FALSE(pool.failed(home(99), now));
}

TEST_CASE("registrations that fail together count as one failure", "[warm_pool]") {
  WarmPool pool({.spares = 2, .anchor_per_interface = false, .initial_retry = 1s});
  REQUIRE(pool.registering(entry(1, kWlan), PoolPurpose::Spare));
  REQUIRE(pool.registering(entry(2, kWlan), PoolPurpose::Spare));
  REQUIRE(pool.failed(home(1), kNow));
  REQUIRE(pool.failed(home(2), kNow + 1ms));
  CHECK(pool.retry_at(kNow) == kNow + 1s);
}

TEST_CASE("a refreshed binding does not end the wait", "[warm_pool]") {
  WarmPool pool({.spares = 2, .anchor_per_interface = false, .initial_retry = 1s});
  add(pool, 1, kWlan, PoolPurpose::Spare);
  REQUIRE(pool.registering(entry(2, kWlan), PoolPurpose::Spare));
  REQUIRE(pool.failed(home(2), kNow));
  REQUIRE(pool.registered(home(1)));
  CHECK(pool.retry_at(kNow) == kNow + 1s);
}

TEST_CASE("a spare whose uplink is gone moves to an anchored one, and waits until there is one", "[warm_pool]") {
  WarmPool pool({.spares = 1});
  add(pool, 1, kWlan, PoolPurpose::Anchor);
  add(pool, 2, kWlan, PoolPurpose::Spare);
  const std::vector<Uplink> wwan{kWwan};
  // A fresh anchor first; the old anchor takes the place of the spare, the old spare waits behind it.
  CHECK(pool.actions(wwan, 1, kNow) == Actions{allocate(PoolPurpose::Anchor, kWwan), ReleaseAddress{home(2)}});
  REQUIRE(pool.registering(entry(3, kWwan), PoolPurpose::Anchor));
  CHECK(pool.actions(wwan, 1, kNow) == Actions{ReleaseAddress{home(2)}});
  REQUIRE(pool.released(home(2)));
  REQUIRE(pool.registered(home(3)));
  CHECK(pool.actions(wwan, 1, kNow) == Actions{RebindAddress{home(1), kWwan.interface, kCareOfWwan}});
  REQUIRE(pool.rebinding(home(1), kCareOfWwan, kWwan.interface));
  CHECK(pool.find(home(1))->purpose == PoolPurpose::Spare);
  CHECK_FALSE(pool.find(home(1))->registered);
  CHECK(pool.actions(wwan, 1, kNow).empty());
  REQUIRE(pool.registered(home(1)));
  CHECK(pool.take_spare(kCareOfWwan, kNow)->home_address == home(1));
}

TEST_CASE("what is too much is released", "[warm_pool]") {
  WarmPool pool({.spares = 1});
  add(pool, 1, kWlan, PoolPurpose::Anchor);
  add(pool, 2, kWlan, PoolPurpose::Spare);
  add(pool, 3, kWlan, PoolPurpose::Spare);
  CHECK(pool.actions(std::vector{kWlan}, 1, kNow) == Actions{ReleaseAddress{home(3)}});
}

TEST_CASE("a deprecated spare is given to nobody and replaced", "[warm_pool]") {
  WarmPool pool({.spares = 1, .anchor_per_interface = false});
  add(pool, 1, kWlan, PoolPurpose::Spare);
  REQUIRE(pool.set_lifetimes(home(1), kNow, kNow + 1h));
  CHECK(pool.take_spare(kCareOfWlan, kNow) == std::nullopt);
  CHECK(pool.actions(std::vector{kWlan}, 1, kNow) ==
        Actions{allocate(PoolPurpose::Spare, kWlan), ReleaseAddress{home(1)}});
}

TEST_CASE("an address whose last flow ended is kept only when a spare is missing", "[warm_pool]") {
  WarmPool pool({.spares = 1, .rest = 0s});
  CHECK(pool.adopt(entry(1, kWlan), kNow));
  CHECK(pool.has_spare(kNow));
  CHECK_FALSE(pool.adopt(entry(2, kWlan), kNow));
  REQUIRE(pool.take_spare(kCareOfWlan, kNow));
  REQUIRE(pool.registering(entry(3, kWlan), PoolPurpose::Spare));
  CHECK_FALSE(pool.adopt(entry(4, kWlan), kNow));
}

TEST_CASE("an address that a flow had rests before another flow gets it", "[warm_pool]") {
  WarmPool pool({.spares = 1, .anchor_per_interface = false, .rest = 60s, .resting = 2});
  CHECK(pool.adopt(entry(1, kWlan), kNow));
  CHECK_FALSE(pool.has_spare(kNow));
  CHECK(pool.take_spare(kCareOfWlan, kNow) == std::nullopt);
  CHECK(pool.spares(kNow) == 0);
  CHECK(pool.resting(kNow) == 1);
  CHECK(pool.rested_at(kNow) == kNow + 60s);
  // It stays registered, and a spare is made beside it.
  CHECK(pool.actions(std::vector{kWlan}, 1, kNow) == Actions{allocate(PoolPurpose::Spare, kWlan)});
  CHECK(pool.adopt(entry(2, kWlan), kNow + 1s));
  CHECK_FALSE(pool.adopt(entry(3, kWlan), kNow + 2s));

  CHECK(pool.take_spare(kCareOfWlan, kNow + 60s - 1ns) == std::nullopt);
  CHECK(pool.actions(std::vector{kWlan}, 1, kNow + 60s).empty());
  CHECK(pool.rested_at(kNow + 60s) == kNow + 61s);
  CHECK(pool.take_spare(kCareOfWlan, kNow + 60s)->home_address == home(1));
  CHECK(pool.rested_at(kNow + 61s) == kNever);
}

TEST_CASE("at the cap the address that has rested longest makes room, and without its uplink none rests", "[warm_pool]") {
  WarmPool pool({.spares = 1, .cap = 3, .anchor_per_interface = false, .rest = 60s});
  REQUIRE(pool.adopt(entry(1, kWlan), kNow));
  REQUIRE(pool.adopt(entry(2, kWwan), kNow + 1s));
  const std::vector both{kWlan, kWwan};
  CHECK(pool.actions(both, 1, kNow + 2s) == Actions{ReleaseAddress{home(1)}});
  REQUIRE(pool.released(home(1)));
  CHECK(pool.actions(both, 1, kNow + 2s) == Actions{allocate(PoolPurpose::Spare, kWlan)});
  REQUIRE(pool.registering(entry(3, kWlan), PoolPurpose::Spare));
  CHECK(pool.actions(std::vector{kWlan}, 1, kNow + 3s) == Actions{ReleaseAddress{home(2)}});
}

// Whatever happens, a caller that does what the pool says ends, when the uplinks stay, with exactly what was asked for.
TEST_CASE("the pool settles", "[warm_pool][random]") {
  std::mt19937_64 random(test::seed("warm_pool_test"));
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  for (int run = 0; run < 500; ++run) {
    const WarmPoolLimits limits{.spares = below(4), .cap = 32, .anchor_per_interface = below(2) == 0, .in_flight = 1 + below(4)};
    WarmPool pool(limits);
    TimePoint now = kNow;
    unsigned next_number = 1;
    std::vector<Uplink> uplinks;
    const auto carry_out = [&](const PoolAction& action) {
      if (const auto* wanted = std::get_if<AllocateAddress>(&action)) {
        REQUIRE(pool.has_room(1));
        REQUIRE(pool.registering({.home_address = home(next_number++),
                                  .care_of_address = wanted->care_of_address,
                                  .interface = wanted->interface},
                                 wanted->purpose));
      } else if (const auto* rebind = std::get_if<RebindAddress>(&action)) {
        REQUIRE(pool.rebinding(rebind->home_address, rebind->care_of_address, rebind->interface));
      } else {
        REQUIRE(pool.released(std::get<ReleaseAddress>(action).home_address));
      }
    };
    for (int step = 0; step < 60; ++step) {
      now += std::chrono::seconds(below(3));
      switch (below(5)) {
        case 0:  // an uplink comes or goes
          if (uplinks.size() < 3) {
            Uplink uplink{.interface = next_number, .care_of_address = address("2001:db8:a::")};
            uplink.care_of_address.octets[15] = static_cast<std::uint8_t>(next_number++);
            uplinks.push_back(uplink);
          } else {
            uplinks.erase(uplinks.begin() + below(3));
          }
          break;
        case 1:
          if (const auto taken = pool.take_spare(kCareOfWlan, now); taken && below(2) == 0 && pool.has_room(1)) pool.adopt(*taken, now);
          break;
        default:
          for (const PoolAction& action : pool.actions(uplinks, 1, now)) carry_out(action);
          for (const PooledAddress& pooled : std::vector(pool.addresses()))
            if (!pooled.registered && below(4) != 0) {
              if (below(4) == 0)
                pool.failed(pooled.entry.home_address, now);
              else
                pool.registered(pooled.entry.home_address);
            }
      }
      REQUIRE(pool.addresses().size() < limits.cap);
    }
    if (uplinks.empty()) continue;
    for (int round = 0; round < 20; ++round) {
      now += 600s;
      for (const PoolAction& action : pool.actions(uplinks, 1, now)) carry_out(action);
      for (const PooledAddress& pooled : std::vector(pool.addresses())) pool.registered(pooled.entry.home_address);
    }
    CHECK(pool.actions(uplinks, 1, now).empty());
    CHECK(pool.spares(now) == limits.spares);
    CHECK(pool.addresses().size() == limits.spares + (limits.anchor_per_interface ? uplinks.size() : 0));
  }
}

}  // namespace mipflow::hoa_alloc
