// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <deque>
#include <set>

#include "mipflow/hoa-alloc/address_formation.hpp"
#include "mipflow/hoa-alloc/prefix_allocation.hpp"
#include "support/seed.hpp"

namespace mipflow::hoa_alloc {
namespace {

Address address(const char* text) { return Address::parse(text).value(); }
Prefix prefix(const char* text) { return Prefix::parse(text).value(); }

const TimePoint kNow{std::chrono::seconds(1000)};

// Hands out the given numbers, then zeros.
class Scripted final : public RandomSource {
 public:
  explicit Scripted(std::deque<std::uint64_t> numbers) : numbers_(std::move(numbers)) {}
  std::uint64_t next_u64() override {
    if (numbers_.empty()) return 0;
    const std::uint64_t number = numbers_.front();
    numbers_.pop_front();
    return number;
  }

 private:
  std::deque<std::uint64_t> numbers_;
};

bool none_taken(const Address&) { return false; }

}  // namespace

TEST_CASE("reserved interface identifiers: both sides of every edge", "[address_formation]") {
  CHECK(is_reserved_interface_identifier(0));
  CHECK_FALSE(is_reserved_interface_identifier(1));
  CHECK_FALSE(is_reserved_interface_identifier(0x02005efffdffffff));
  CHECK(is_reserved_interface_identifier(0x02005efffe000000));
  CHECK(is_reserved_interface_identifier(0x02005efffe005213));  // Proxy Mobile IPv6
  CHECK(is_reserved_interface_identifier(0x02005efffeffffff));
  CHECK_FALSE(is_reserved_interface_identifier(0x02005effff000000));
  CHECK_FALSE(is_reserved_interface_identifier(0xfdffffffffffff7f));
  CHECK(is_reserved_interface_identifier(0xfdffffffffffff80));
  CHECK(is_reserved_interface_identifier(0xfdfffffffffffffe));  // home agents anycast
  CHECK(is_reserved_interface_identifier(0xfdffffffffffffff));
  CHECK_FALSE(is_reserved_interface_identifier(0xfe00000000000000));
}

TEST_CASE("an address is the prefix and the random identifier", "[address_formation]") {
  Scripted random({0x0123456789abcdef});
  CHECK(form_address(prefix("2001:db8:1:2::/64"), random, none_taken) == address("2001:db8:1:2:123:4567:89ab:cdef"));
}

TEST_CASE("reserved and taken identifiers are drawn again", "[address_formation]") {
  Scripted random({0, 0xfdfffffffffffffe, 5, 6});
  const auto five_taken = [](const Address& candidate) { return candidate == address("2001:db8:1::5"); };
  CHECK(form_address(prefix("2001:db8:1::/64"), random, five_taken) == address("2001:db8:1::6"));
}

TEST_CASE("no address from a prefix of another length or from a random source that does not work", "[address_formation]") {
  Scripted random({7});
  CHECK(form_address(prefix("2001:db8::/48"), random, none_taken) == std::nullopt);
  CHECK(form_address(prefix("2001:db8::/65"), random, none_taken) == std::nullopt);
  Scripted zeros({});
  CHECK(form_address(prefix("2001:db8::/64"), zeros, none_taken) == std::nullopt);
  SeededRandom good(1);
  CHECK(form_address(prefix("2001:db8::/64"), good, [](const Address&) { return true; }) == std::nullopt);
}

TEST_CASE("allocate: nothing without a prefix that is preferred", "[prefix_allocation]") {
  SeededRandom random(test::seed("prefix_allocation_test"));
  PrefixAllocation allocation(random);
  CHECK(allocation.allocate(kNow).error() == AllocationRefusal::NoPrefix);
  CHECK_FALSE(allocation.set_prefix({.prefix = prefix("2001:db8::/48")}));
  REQUIRE(allocation.set_prefix({.prefix = prefix("2001:db8:1::/64"), .preferred_until = kNow}));
  CHECK(allocation.allocate(kNow).error() == AllocationRefusal::NoPrefix);

  const TimePoint later = kNow + std::chrono::hours(1);
  REQUIRE(allocation.set_prefix({.prefix = prefix("2001:db8:1::/64"), .preferred_until = later, .valid_until = later}));
  const auto allocated = allocation.allocate(kNow);
  REQUIRE(allocated);
  CHECK(prefix("2001:db8:1::/64").contains(allocated->home_address));
  CHECK(allocated->origin == Origin::Prefix);
  CHECK(allocated->preferred_until == later);
  CHECK(allocated->valid_until == later);
  CHECK(allocation.allocate(later).error() == AllocationRefusal::NoPrefix);
}

TEST_CASE("allocate: below the prefix that is preferred longest; a removed one gives nothing", "[prefix_allocation]") {
  SeededRandom random(1);
  PrefixAllocation allocation(random);
  REQUIRE(allocation.set_prefix({.prefix = prefix("2001:db8:1::/64"), .preferred_until = kNow + std::chrono::hours(1)}));
  REQUIRE(allocation.set_prefix({.prefix = prefix("2001:db8:2::/64"), .preferred_until = kNow + std::chrono::hours(2)}));
  CHECK(prefix("2001:db8:2::/64").contains(allocation.allocate(kNow)->home_address));
  allocation.remove_prefix(prefix("2001:db8:2::/64"));
  CHECK(prefix("2001:db8:1::/64").contains(allocation.allocate(kNow)->home_address));
}

TEST_CASE("allocate: an address once, again after free, never again after duplicate", "[prefix_allocation]") {
  const Address first = address("2001:db8:1::11");
  const Address second = address("2001:db8:1::22");
  Scripted random({0x99, 0x11, 0x11, 0x22, 0x11, 0x22, 0x33});
  PrefixAllocation allocation(random);
  REQUIRE(allocation.set_prefix({.prefix = prefix("2001:db8:1::/64")}));
  allocation.reserve(address("2001:db8:1::99"));
  CHECK(allocation.allocate(kNow)->home_address == first);   // 0x99 is reserved
  CHECK(allocation.allocate(kNow)->home_address == second);  // 0x11 is out
  allocation.free(first);
  CHECK(allocation.allocate(kNow)->home_address == first);
  allocation.duplicate(second);
  CHECK(allocation.allocate(kNow)->home_address == address("2001:db8:1::33"));
}

TEST_CASE("what the network tells is bounded", "[prefix_allocation]") {
  SeededRandom random(1);
  PrefixAllocation allocation(random);
  Address base = address("2001:db8::");
  for (std::size_t i = 0; i < PrefixAllocation::kMaxPrefixes; ++i) {
    base.octets[7] = static_cast<std::uint8_t>(i);
    REQUIRE(allocation.set_prefix({.prefix = Prefix(base, 64)}));
  }
  CHECK_FALSE(allocation.set_prefix({.prefix = prefix("2001:db8:ffff::/64")}));
  CHECK(allocation.set_prefix({.prefix = Prefix(base, 64), .preferred_until = kNow}));  // a known one
  CHECK(allocation.prefixes().size() == PrefixAllocation::kMaxPrefixes);
}

TEST_CASE("of too many duplicates the oldest is forgotten", "[prefix_allocation]") {
  Scripted random({1, 2, 3, 2, 1});
  PrefixAllocation allocation(random);
  REQUIRE(allocation.set_prefix({.prefix = prefix("2001:db8:1::/64")}));
  Address duplicate = address("2001:db8:1::");
  for (std::size_t i = 1; i <= PrefixAllocation::kMaxDuplicates; ++i) {
    duplicate.octets[14] = static_cast<std::uint8_t>(i >> 8);
    duplicate.octets[15] = static_cast<std::uint8_t>(i);
    allocation.duplicate(duplicate);
    allocation.duplicate(duplicate);  // told twice, it counts once
  }
  allocation.reserve(address("2001:db8:1::ffff"));
  allocation.duplicate(address("2001:db8:1::ffff"));  // one more: 1 is forgotten
  CHECK(allocation.allocate(kNow)->home_address == address("2001:db8:1::1"));
  CHECK(allocation.allocate(kNow).error() == AllocationRefusal::Failed);  // 2, 3, 2, and 1 is in use now
}

}  // namespace mipflow::hoa_alloc
