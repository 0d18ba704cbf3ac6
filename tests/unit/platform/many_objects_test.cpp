// SPDX-License-Identifier: GPL-3.0-or-later
// What a home agent with many bindings puts into the kernel goes there several at a time.
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cerrno>

#include "kernel_bench.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using namespace mipflow::platform::test;

namespace {

Address home_address(unsigned number) {
  Address out = *Address::parse("2001:db8:1::");
  out.octets[14] = static_cast<std::uint8_t>(number >> 8);
  out.octets[15] = static_cast<std::uint8_t>(number);
  return out;
}

long routes_to_mip0() { return std::stol(output_of("ip -6 route show table main dev mip0 proto 75 | wc -l")); }

}  // namespace

TEST_CASE_METHOD(Bench, "routes of many bindings come and go, and are found again") {
  // Not a multiple of what goes together.
  constexpr unsigned kBindings = 1001;
  forwarding::ForwardingPlan plan;
  for (unsigned i = 1; i <= kBindings; ++i) plan.tunnels.set(home_address(i), {kCareOf, kHomeAgent});
  CarriedOut before;
  tables.add(take_changes(plan, before), refused);
  CHECK(refused.empty());
  CHECK(routes_to_mip0() == kBindings);
  CHECK(tables.reconcile(plan, true, refused) == 0);

  run("ip -6 route flush table main dev mip0");
  CHECK(tables.reconcile(plan, false, refused) == kBindings);
  CHECK(routes_to_mip0() == kBindings);

  for (unsigned i = 1; i <= kBindings; i += 2) plan.tunnels.erase(home_address(i));
  const PlanChanges erased = take_changes(plan, before);
  run("ip -6 route del " + to_string(home_address(1)) + "/128 dev mip0");  // gone already: no failure
  tables.remove(erased, refused);
  CHECK(refused.empty());
  CHECK(routes_to_mip0() == kBindings / 2);
  CHECK(tables.reconcile({}, true, refused) == kBindings / 2);
  CHECK(routes_to_mip0() == 0);
  CHECK(refused.empty());
}

TEST_CASE_METHOD(Bench, "bindings of a routed home network have one route, and what is not bound has the one that it had") {
  const Prefix network = *Prefix::parse("2001:db8:1::/64");
  give_uplink("2001:db8:9::2");
  run("ip -6 route add 2001:db8:1::/64 via 2001:db8:9::1 dev uplink metric 1 && ip -6 route add 2001:db8:1::200/120 via 2001:db8:9::3 dev uplink");
  const auto way = [](const char* to) { return output_of(std::string("ip -6 route get ") + to); };
  forwarding::ForwardingPlan plan;
  plan.home_networks.set(network, {});
  for (unsigned i = 1; i <= 1000; ++i) plan.tunnels.set(home_address(i), {kCareOf, kHomeAgent});
  CarriedOut before;
  const auto carry_out = [&] {
    const PlanChanges changes = take_changes(plan, before);
    tables.add(changes, refused);
    tables.remove(changes, refused);
    CHECK(refused.empty());
  };
  carry_out();
  CHECK(routes_to_mip0() == 0);
  CHECK(tables.reconcile(plan, true, refused) == 0);
  // Whatever the operator has for the prefix, and for a part of it.
  CHECK_THAT(way("2001:db8:1::1"), Catch::Contains("dev mip0"));
  CHECK_THAT(way("2001:db8:1::201"), Catch::Contains("dev mip0"));
  CHECK_THAT(way("2001:db8:1::1 mark 0x20000000"), Catch::Contains("via 2001:db8:9::1 dev uplink"));
  CHECK_THAT(way("2001:db8:1::201 mark 0x30000000"), Catch::Contains("via 2001:db8:9::3 dev uplink"));
  CHECK_THAT(way("2001:db8:9::7"), Catch::Contains("dev uplink"));

  SECTION("the network goes: what is still tunnelled gets routes of its own") {
    plan.home_networks.erase(network);
    for (unsigned i = 3; i <= 1000; ++i) plan.tunnels.erase(home_address(i));
    for (unsigned i = 1; i <= 2; ++i) plan.tunnels.repeat(home_address(i));
    carry_out();
    CHECK(routes_to_mip0() == 2);
    CHECK_THAT(way("2001:db8:1::1"), Catch::Contains("dev mip0"));
    CHECK_THAT(way("2001:db8:1::3"), Catch::Contains("via 2001:db8:9::1 dev uplink"));
    CHECK_FALSE(contains(output_of("ip -6 rule"), "6276"));
    CHECK(tables.reconcile(plan, true, refused) == 0);
    plan.home_networks.set(network, {});
    carry_out();
    plan.tunnels.erase(home_address(1));  // with the route that it had
    plan.tunnels.erase(home_address(2));
    carry_out();
    CHECK(tables.reconcile(plan, true, refused) == 0);
  }
  SECTION("a daemon before this one gave every binding a route") {
    run("ip -6 route add 2001:db8:1::1 dev mip0 proto 75");
    CHECK(tables.reconcile(plan, true, refused) == 1);
    CHECK(routes_to_mip0() == 0);
  }
  SECTION("it is healed, and taken back") {
    auto notifications = std::move(NetlinkSocket::open(NETLINK_ROUTE).value());
    for (const unsigned group : {RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE}) REQUIRE(notifications.subscribe(group));
    const auto losses = [&](const char* command) {
      run(command);
      int found = 0;
      while (notifications.receive([&](const nlmsghdr& message) { found += tables.is_loss(message, plan); }) != NetlinkSocket::Received::Nothing) {
      }
      return found;
    };
    CHECK(losses("ip -6 rule del pref 6276") == 1);
    CHECK(losses("ip -6 route flush table 6278") == 1);
    CHECK(losses("ip -6 route del 2001:db8:1::/64 via 2001:db8:9::1") == 0);
    CHECK(tables.reconcile(plan, false, refused) == 2);
    CHECK_THAT(way("2001:db8:1::1"), Catch::Contains("dev mip0"));
  }
  CHECK(tables.reconcile({}, true, refused) == 2);
  CHECK_FALSE(contains(output_of("ip -6 rule"), "proto 75"));
  CHECK(output_of("ip -6 route show table 6278 2>/dev/null || true").empty());
}

TEST_CASE_METHOD(Bench, "one that is refused is named, and stops none of those that go with it") {
  constexpr unsigned kProxies = 150;
  constexpr InterfaceIndex kNoInterface = 9999;
  const auto uplink = if_nametoindex("uplink");
  PlanChanges changes;
  for (unsigned i = 0; i < kProxies; ++i)
    changes.proxied_neighbours.set.emplace_back(forwarding::OnInterface{i % 3 == 1 ? kNoInterface : uplink, home_address(i)}, forwarding::Present{});
  tables.add(changes, refused);
  REQUIRE(refused.size() == kProxies / 3);
  for (unsigned i = 0; i < refused.size(); ++i) {
    CHECK(refused[i].error == ENODEV);
    CHECK_THAT(refused[i].message, Catch::StartsWith("cannot add proxied neighbour " + to_string(home_address(3 * i + 1)) + ": "));
  }
  CHECK(output_of("ip -6 neigh show proxy dev uplink | wc -l") == std::to_string(kProxies - kProxies / 3) + "\n");
  // Behind refusals the socket is where it was.
  CHECK(tables.reconcile({}, true, refused) == kProxies - kProxies / 3);
  CHECK(refused.size() == kProxies / 3);
}
