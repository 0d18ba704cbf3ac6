// SPDX-License-Identifier: GPL-3.0-or-later
// mip0, addresses, routes and rules.
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>

#include "kernel_bench.hpp"
#include "mipflow/platform/names.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using namespace mipflow::platform::test;

TEST_CASE("mip0 is made, found again, and removed; a device of somebody else is left alone") {
  Namespace space;
  auto socket = std::move(NetlinkSocket::open(NETLINK_ROUTE).value());
  const auto first = ensure_mip_device(socket, "mip0", 1460);
  REQUIRE(first);
  CHECK(ensure_mip_device(socket, "mip0", 1440).value() == *first);
  const auto shown = output_of("ip link show dev mip0");
  CHECK(contains(shown, "mtu 1440"));
  CHECK(contains(shown, "alias mipflow"));
  CHECK_FALSE(contains(output_of("ip -6 addr show dev mip0"), "fe80::"));
  REQUIRE(remove_mip_device(socket, "mip0"));
  REQUIRE(remove_mip_device(socket, "mip0"));

  const auto foreign = ensure_mip_device(socket, "uplink", 1460);
  REQUIRE_FALSE(foreign);
  CHECK_THAT(foreign.error().message, Catch::Contains("uplink") && Catch::Contains("--device"));
  REQUIRE(remove_mip_device(socket, "uplink"));
  run("ip link show dev uplink");
}

TEST_CASE("who asks for which route gets which") {
  Bench bench;
  auto plan = mobile_node_plan();
  std::optional<forwarding::DefaultRoute> before;
  bench.tables.add(take_changes(plan, before), bench.refused);
  REQUIRE(bench.refused.empty());

  const auto route = [](const std::string& words) { return output_of("ip -6 route get " + words); };
  CHECK_THAT(route("2001:db8:99::1"), Catch::Contains("dev mip0") && Catch::Contains("src 2001:db8:1::100") && Catch::Contains("mtu 1400"));
  CHECK_THAT(route("2001:db8:99::1 from 2001:db8:1::101"), Catch::Contains("dev mip0"));
  CHECK_THAT(route("2001:db8:99::1 from 2001:db8:a::1"), Catch::Contains("dev uplink"));
  CHECK_THAT(route("2001:db8:99::1 mark 0x10000000"), Catch::Contains("dev uplink"));
  CHECK_THAT(route("2001:db8:99::1 oif uplink"), Catch::Contains("dev uplink"));
  CHECK_THAT(route("2001:db8:1::1"), Catch::Contains("dev uplink"));       // the home agent
  CHECK_THAT(route("2001:db8:a::77"), Catch::Contains("dev uplink"));      // a neighbour on the link

  plan = {};
  PlanChanges away;
  away.home_agents.erase = {kHomeAgent};
  away.care_of_addresses.erase = {kCareOf};
  away.home_addresses.erase = {kPrimary, kOther};
  away.default_route_changed = true;
  bench.tables.remove(away, bench.refused);
  bench.tables.remove(away, bench.refused);  // gone already is no failure
  CHECK(bench.refused.empty());
  CHECK(bench.tables.reconcile({}, true, bench.refused) == 0);
  CHECK_THAT(route("2001:db8:99::1"), Catch::Contains("dev uplink"));
}

TEST_CASE("only the primary home address is ever chosen by itself") {
  Bench bench;
  auto plan = mobile_node_plan();
  bench.tables.reconcile(plan, true, bench.refused);
  REQUIRE(bench.refused.empty());
  const auto shown = output_of("ip -6 addr show dev mip0");
  CHECK(contains(shown.substr(shown.find("2001:db8:1::101")), "preferred_lft 0sec"));
  CHECK(contains(shown.substr(shown.find("2001:db8:1::100/")), "preferred_lft forever"));
  // The other way round, by replacing what is there.
  plan.home_addresses.set(kPrimary, {1, false});
  plan.home_addresses.set(kOther, {1, true});
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 2);
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 0);
}

TEST_CASE("what somebody deletes comes back, what nobody wants goes, what is not ours stays") {
  Bench bench;
  const auto plan = mobile_node_plan();
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 7);
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 0);
  run("ip -6 rule flush proto 75");
  run("ip -6 route flush table 6275");
  run("ip -6 addr del 2001:db8:1::101/128 dev mip0");
  run("ip -6 rule add pref 6273 from 2001:db8:b::1 lookup main proto 75");  // of a daemon that died
  run("ip -6 route add 2001:db8:1::999/128 dev mip0 proto 75");
  run("ip -6 rule add pref 500 from 2001:db8:c::1 lookup main");            // somebody else's
  CHECK(bench.tables.reconcile(plan, false, bench.refused) == 6);
  CHECK(contains(output_of("ip -6 rule"), "2001:db8:b::1"));  // not taken away yet
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 2);
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 0);
  CHECK(contains(output_of("ip -6 rule"), "500:"));
  CHECK(bench.tables.reconcile({}, true, bench.refused) == 7);
  CHECK(contains(output_of("ip -6 rule"), "500:"));
  CHECK_FALSE(contains(output_of("ip -6 rule"), "proto 75"));
  CHECK(bench.refused.empty());
}

TEST_CASE("a home agent's host routes and proxies are read back") {
  Bench bench;
  const auto uplink = if_nametoindex("uplink");
  forwarding::ForwardingPlan plan;
  plan.tunnels.set(kPrimary, {kCareOf, kHomeAgent});
  plan.proxied_neighbours.set({uplink, kPrimary}, {});
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 2);
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 0);
  CHECK_THAT(output_of("ip -6 route get 2001:db8:1::100"), Catch::Contains("dev mip0"));
  CHECK_THAT(output_of("ip -6 neigh show proxy"), Catch::Contains("2001:db8:1::100 dev uplink"));
  run("ip -6 neigh del proxy 2001:db8:1::100 dev uplink");
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 1);
  CHECK(bench.tables.reconcile({}, true, bench.refused) == 2);
  CHECK(bench.refused.empty());
}

TEST_CASE("a refusal names the object and the reason") {
  Bench bench;
  forwarding::ForwardingPlan plan;
  plan.proxied_neighbours.set({4711, kPrimary}, {});
  bench.tables.reconcile(plan, true, bench.refused);
  REQUIRE(bench.refused.size() == 1);
  CHECK_THAT(bench.refused[0].message, Catch::Contains("proxied neighbour 2001:db8:1::100") && Catch::Contains("No such device"));
}

TEST_CASE("the loss of something wanted is noticed, the loss of something else is not") {
  Bench bench;
  const auto plan = mobile_node_plan();
  bench.tables.reconcile(plan, true, bench.refused);
  auto notifications = std::move(NetlinkSocket::open(NETLINK_ROUTE).value());
  for (const unsigned group : {RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE}) REQUIRE(notifications.subscribe(group));
  const auto losses = [&](const std::string& command) {
    run(command);
    int found = 0;
    while (notifications.receive([&](const nlmsghdr& message) { found += bench.tables.is_loss(message, plan); }) !=
           NetlinkSocket::Received::Nothing) {
    }
    return found;
  };
  CHECK(losses("ip -6 rule del pref 6275") == 1);
  CHECK(losses("ip -6 rule del pref 6273") == 1);
  CHECK(losses("ip -6 route del default table 6275") == 1);
  CHECK(losses("ip -6 addr del 2001:db8:1::101/128 dev mip0") == 1);
  CHECK(losses("ip -6 rule add pref 500 from 2001:db8:c::1 lookup main") == 0);
  CHECK(losses("ip -6 rule del pref 500") == 0);
  CHECK(losses("ip -6 addr del 2001:db8:a::1/64 dev uplink") == 0);
}
