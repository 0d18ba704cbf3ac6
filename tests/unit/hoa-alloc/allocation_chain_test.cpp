// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <optional>

#include "mipflow/hoa-alloc/allocation_chain.hpp"

namespace mipflow::hoa_alloc {
namespace {

const TimePoint kNow{std::chrono::seconds{1000}};

Address home(std::uint8_t number) {
  Address out = Address::parse("2001:db8:1::").value();
  out.octets[15] = number;
  return out;
}

// A mechanism that says what it is told to.
struct Scripted final : HomeAddressAllocation {
  explicit Scripted(Origin from) : origin(from) {}

  Expected<AllocatedHomeAddress, AllocationRefusal> allocate(TimePoint) override {
    ++asked;
    if (refusal) return Unexpected{*refusal};
    return AllocatedHomeAddress{.home_address = home(++last), .origin = origin};
  }
  void adopt(const AllocatedHomeAddress& address) override { adopted.push_back(address.home_address); }
  void free(const Address& address) override { freed.push_back(address); }
  void duplicate(const Address& address) override { duplicates.push_back(address); }
  std::string trouble(TimePoint) const override { return refusal ? "has none" : ""; }

  Origin origin;
  std::optional<AllocationRefusal> refusal;
  std::uint8_t last = 0;
  unsigned asked = 0;
  std::vector<Address> adopted, freed, duplicates;
};

struct Scene {
  Scripted agent{Origin::Agent}, dhcpv6{Origin::Dhcpv6};
  AllocationChain chain;
  Scene() {
    dhcpv6.last = 100;
    chain.add(Origin::Agent, agent);
    chain.add(Origin::Dhcpv6, dhcpv6);
  }
};

}  // namespace

TEST_CASE("the first mechanism is asked first, the next one stands in", "[allocation_chain]") {
  Scene scene;
  CHECK(scene.chain.allocate(kNow)->origin == Origin::Agent);
  CHECK(scene.dhcpv6.asked == 0);
  scene.agent.refusal = AllocationRefusal::Failed;
  CHECK(scene.chain.allocate(kNow)->home_address == home(101));
  CHECK(scene.chain.states(kNow) == std::vector<std::string>{"agent (has none)", "dhcpv6"});
  scene.agent.refusal.reset();
  CHECK(scene.chain.allocate(kNow)->origin == Origin::Agent);
}

TEST_CASE("a mechanism that has asked is waited for; of the refusals of all the one that ends by itself is told", "[allocation_chain]") {
  Scene scene;
  scene.agent.refusal = AllocationRefusal::Pending;
  CHECK(scene.chain.allocate(kNow).error() == AllocationRefusal::Pending);
  CHECK(scene.dhcpv6.asked == 0);
  scene.agent.refusal = AllocationRefusal::NoPrefix;
  scene.dhcpv6.refusal = AllocationRefusal::Failed;
  CHECK(scene.chain.allocate(kNow).error() == AllocationRefusal::NoPrefix);
  scene.agent.refusal = AllocationRefusal::Failed;
  CHECK(scene.chain.allocate(kNow).error() == AllocationRefusal::Failed);
}

TEST_CASE("an address goes back to where it came from; one of nobody is told to all", "[allocation_chain]") {
  Scene scene;
  const Address first = scene.chain.allocate(kNow)->home_address;
  scene.agent.refusal = AllocationRefusal::Failed;
  const Address second = scene.chain.allocate(kNow)->home_address;
  const Address third = scene.chain.allocate(kNow)->home_address;
  scene.chain.free(first);
  scene.chain.free(second);
  scene.chain.duplicate(third);
  CHECK(scene.agent.freed == std::vector{first});
  CHECK(scene.dhcpv6.freed == std::vector{second});
  CHECK(scene.dhcpv6.duplicates == std::vector{third});
  CHECK(scene.agent.duplicates.empty());
  scene.chain.free(home(200));
  CHECK(scene.agent.freed.back() == home(200));
  CHECK(scene.dhcpv6.freed.back() == home(200));
}

TEST_CASE("an address of before the restart goes to the mechanism of its origin", "[allocation_chain]") {
  Scene scene;
  scene.chain.adopt({.home_address = home(7), .origin = Origin::Dhcpv6});
  CHECK(scene.dhcpv6.adopted == std::vector{home(7)});
  CHECK(scene.agent.adopted.empty());
  scene.chain.free(home(7));
  CHECK(scene.dhcpv6.freed == std::vector{home(7)});
  CHECK(scene.agent.freed.empty());
  scene.chain.adopt({.home_address = home(8), .origin = Origin::Prefix});  // not in this chain
  CHECK(scene.agent.adopted.empty());
}

}  // namespace mipflow::hoa_alloc
