// SPDX-License-Identifier: GPL-3.0-or-later
// mip0, addresses, routes and rules.
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

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
  CarriedOut before;
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
  run("ip -6 rule add pref 6271 from 2001:db8:b::1 lookup main proto 75");  // of a daemon that died
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

TEST_CASE("proxied neighbours that somebody deleted are missed, where something could be proxied") {
  Bench bench;
  const auto uplink = if_nametoindex("uplink");
  const auto anywhere = [](InterfaceIndex) { return true; };
  forwarding::ForwardingPlan plan;
  CHECK_FALSE(bench.tables.lacks_proxies(plan, anywhere));
  plan.proxied_neighbours.set({uplink, kPrimary}, {});
  plan.proxied_neighbours.set({uplink, kOther}, {});
  CHECK(bench.tables.lacks_proxies(plan, anywhere));
  bench.tables.reconcile(plan, true, bench.refused);
  CHECK_FALSE(bench.tables.lacks_proxies(plan, anywhere));
  // Somebody else's do not stand for ours.
  run("ip -6 neigh add proxy 2001:db8:1::777 dev uplink");
  run("ip -6 neigh del proxy 2001:db8:1::101 dev uplink");
  CHECK(bench.tables.lacks_proxies(plan, anywhere));
  CHECK_FALSE(bench.tables.lacks_proxies(plan, [&](InterfaceIndex interface) { return interface != uplink; }));
  bench.tables.reconcile(plan, false, bench.refused);
  CHECK_FALSE(bench.tables.lacks_proxies(plan, anywhere));
  CHECK(bench.refused.empty());
}

TEST_CASE("host routes to announce: another metric takes the place of the one before, and nothing looks them up") {
  Bench bench;
  forwarding::ForwardingPlan plan;
  CarriedOut none;
  const auto carry_out = [&] {
    const auto changes = take_changes(plan, none);
    bench.tables.add(changes, bench.refused);
    bench.tables.remove(changes, bench.refused);
    CHECK(bench.refused.empty());
  };
  const auto announced = [] { return output_of("ip -6 route show table 6277"); };
  plan.announced_routes.set(kPrimary, {100});
  plan.announced_routes.set(kOther, {100});
  carry_out();
  CHECK_THAT(announced(), Catch::Contains("2001:db8:1::100 dev mip0 proto 75 metric 100") && Catch::Contains("2001:db8:1::101 dev mip0 proto 75 metric 100"));
  CHECK_THAT(output_of("ip -6 route get 2001:db8:1::100"), Catch::Contains("dev uplink"));
  plan.announced_routes.set(kPrimary, {10});
  carry_out();
  CHECK_THAT(announced(), Catch::Contains("2001:db8:1::100 dev mip0 proto 75 metric 10 ") && !Catch::Contains("2001:db8:1::100 dev mip0 proto 75 metric 100"));
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 0);
  plan.announced_routes.erase(kOther);
  carry_out();
  CHECK_THAT(announced(), !Catch::Contains("2001:db8:1::101"));

  run("ip -6 route flush table 6277");
  CHECK(bench.tables.reconcile(plan, false, bench.refused) == 1);
  // Of a daemon before this one: with the metric of then, which the wanted one must not be mistaken for.
  run("ip -6 route add 2001:db8:1::100 dev mip0 table 6277 proto 75 metric 100");
  run("ip -6 route add 2001:db8:1::999 dev mip0 table 6277 proto 75 metric 100");
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 2);
  CHECK_THAT(announced(), Catch::Contains("metric 10 ") && !Catch::Contains("metric 100"));
  // A reconciled metric is replaced like one that was carried out.
  plan.announced_routes.set(kPrimary, {100});
  carry_out();
  CHECK_THAT(announced(), Catch::Contains("metric 100") && !Catch::Contains("metric 10 "));
  CHECK(bench.tables.reconcile({}, true, bench.refused) == 1);
  CHECK(bench.refused.empty());
}

TEST_CASE("a correspondent node's own packets to a bound home address go to mip0, and nobody else's") {
  Bench bench;
  const Address second = *Address::parse("2001:db8:a::2");
  give_uplink("2001:db8:a::2");
  forwarding::ForwardingPlan plan;
  CarriedOut none;
  const auto carry_out = [&] {
    const auto changes = take_changes(plan, none);
    bench.tables.add(changes, bench.refused);
    bench.tables.remove(changes, bench.refused);
  };
  const auto route = [](const std::string& words) { return output_of("ip -6 route get " + words); };
  bench.tables.set_uplink_mtu(1400);
  plan.correspondent_bindings.set({kPrimary, second}, {kCareOf, {}});
  carry_out();
  CHECK_THAT(route("2001:db8:1::100"), Catch::Contains("dev mip0") && Catch::Contains("src 2001:db8:a::2") && Catch::Contains("mtu 1376"));
  CHECK_THAT(route("2001:db8:1::101"), Catch::Contains("dev uplink"));
  CHECK_THAT(route("2001:db8:1::100 mark 0x10000000"), Catch::Contains("dev uplink"));
  CHECK_THAT(route("2001:db8:1::100 mark 0x1"), Catch::Contains("dev mip0"));
  run("sysctl -q -w net.ipv6.conf.all.forwarding=1");
  CHECK_THAT(route("2001:db8:1::100 from 2001:db8:77::1 iif far"), Catch::Contains("dev uplink"));

  // Bindings of several of our addresses share the route; it stays until the last one ends.
  plan.correspondent_bindings.set({kPrimary, kCareOf}, {kOther, {}});
  carry_out();
  CHECK_THAT(route("2001:db8:1::100"), Catch::Contains("src 2001:db8:a::1"));
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 0);
  plan.correspondent_bindings.erase({kPrimary, kCareOf});
  carry_out();
  CHECK_THAT(route("2001:db8:1::100"), Catch::Contains("src 2001:db8:a::2"));
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 0);
  plan.correspondent_bindings.erase({kPrimary, second});
  carry_out();
  CHECK_THAT(route("2001:db8:1::100"), Catch::Contains("dev uplink"));
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 0);
  CHECK(bench.refused.empty());
}

TEST_CASE("a socket that is connected already takes the route of a new binding") {
  Bench bench;
  forwarding::ForwardingPlan plan;
  const auto put_back = [&] { bench.tables.reconcile(plan, false, bench.refused); };
  CarriedOut none;
  const auto add = [&] { bench.tables.add(take_changes(plan, none), bench.refused); };
  // The first binding brings the rule with it; later ones change nothing but a table that no socket has a route of.
  plan.correspondent_bindings.set({kPrimary, kCareOf}, {kCareOf, {}});
  add();

  const int socket = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  REQUIRE(socket >= 0);
  sockaddr_in6 other{};
  other.sin6_family = AF_INET6;
  other.sin6_port = htons(9);
  std::copy(kOther.octets.begin(), kOther.octets.end(), std::begin(other.sin6_addr.s6_addr));
  REQUIRE(::connect(socket, reinterpret_cast<const sockaddr*>(&other), sizeof other) == 0);
  const auto mtu_after_sending = [&] {
    REQUIRE(::send(socket, "", 1, 0) == 1);
    int mtu = 0;
    socklen_t length = sizeof mtu;
    REQUIRE(::getsockopt(socket, IPPROTO_IPV6, IPV6_MTU, &mtu, &length) == 0);
    return mtu;
  };
  CHECK(mtu_after_sending() == 1500);
  plan.correspondent_bindings.set({kOther, kCareOf}, {kCareOf, {}});
  add();
  CHECK(mtu_after_sending() == 1476);
  run("ip -6 route flush table 6276");
  CHECK(mtu_after_sending() == 1500);
  put_back();
  CHECK(mtu_after_sending() == 1476);
  CHECK_FALSE(contains(output_of("ip -6 route show table main"), "proto 75"));
  CHECK(bench.refused.empty());
  ::close(socket);
}

TEST_CASE("a correspondent node's routes are read back, put back and taken away") {
  Bench bench;
  forwarding::ForwardingPlan plan;
  plan.correspondent_bindings.set({kPrimary, kCareOf}, {kOther, {}});
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 2);
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 0);
  run("ip -6 route flush table 6276");
  run("ip -6 rule del pref 6269");
  CHECK(bench.tables.reconcile(plan, false, bench.refused) == 2);
  bench.tables.set_uplink_mtu(1300);
  CHECK(bench.tables.reconcile(plan, false, bench.refused) == 1);
  CHECK_THAT(output_of("ip -6 route get 2001:db8:1::100"), Catch::Contains("mtu 1280"));
  // What a daemon before this one left.
  run("ip -6 route add 2001:db8:1::999 dev mip0 table 6276 proto 75");
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 1);
  CHECK(bench.tables.reconcile({}, true, bench.refused) == 2);
  CHECK_FALSE(contains(output_of("ip -6 rule"), "proto 75"));
  CHECK(bench.refused.empty());
}

TEST_CASE("a binding of an address that has left the host is no failure") {
  Bench bench;
  give_uplink("2001:db8:a::2");
  forwarding::ForwardingPlan plan;
  plan.correspondent_bindings.set({kPrimary, *Address::parse("2001:db8:a::2")}, {kOther, {}});
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 2);
  run("ip -6 addr del 2001:db8:a::2/64 dev uplink");
  run("ip -6 route flush table 6276");
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 1);
  CHECK(bench.refused.empty());
  CHECK_THAT(output_of("ip -6 route show table 6276"), Catch::Contains("2001:db8:1::100 dev mip0") && !Catch::Contains("src"));
}

TEST_CASE("destinations that the policy bypasses keep to the ordinary routing tables") {
  Bench bench;
  auto plan = mobile_node_plan();
  CarriedOut before;
  const auto carry_out = [&] {
    const auto changes = take_changes(plan, before);
    bench.tables.add(changes, bench.refused);
    bench.tables.remove(changes, bench.refused);
    CHECK(bench.refused.empty());
    CHECK(bench.tables.reconcile(plan, true, bench.refused) == 0);  // the plan as a whole says the same
  };
  const auto route = [](const std::string& words) { return output_of("ip -6 route get " + words); };
  plan.bypassed_prefixes.set(*Prefix::parse("2001:db8:50::/48"), {});
  carry_out();
  CHECK_THAT(route("2001:db8:50::1"), Catch::Contains("dev uplink") && Catch::Contains("src 2001:db8:a::1"));
  CHECK_THAT(route("2001:db8:51::1"), Catch::Contains("dev mip0"));
  // A socket that has a home address already: nothing of it may be seen on the uplink.
  CHECK_THAT(route("2001:db8:50::1 from 2001:db8:1::100"), Catch::Contains("dev mip0"));
  CHECK_THAT(route("2001:db8:50::1 from 2001:db8:1::101"), Catch::Contains("dev mip0"));
  CHECK_THAT(route("2001:db8:50::1 mark 0x10000000"), Catch::Contains("dev uplink"));

  const Address third = *Address::parse("2001:db8:1::102");
  plan.home_addresses.set(third, {1, false});
  plan.home_addresses.erase(kOther);
  plan.bypassed_prefixes.set(*Prefix::parse("2001:db8:52::1/128"), {});
  carry_out();
  CHECK_THAT(route("2001:db8:52::1 from 2001:db8:1::102"), Catch::Contains("dev mip0"));
  CHECK_THAT(route("2001:db8:52::1"), Catch::Contains("dev uplink"));
  CHECK_FALSE(contains(output_of("ip -6 rule"), "2001:db8:1::101"));

  SECTION("everything") {
    plan.bypassed_prefixes.set(Prefix{}, {});
    carry_out();
    CHECK_THAT(route("2001:db8:99::1"), Catch::Contains("dev uplink"));
    CHECK_THAT(route("2001:db8:99::1 from 2001:db8:1::100"), Catch::Contains("dev mip0"));
  }
  SECTION("what somebody deletes comes back") {
    run("ip -6 rule flush proto 75");
    CHECK(bench.tables.reconcile(plan, false, bench.refused) == 8);
    CHECK(bench.tables.reconcile(plan, true, bench.refused) == 0);
  }
  SECTION("a daemon that died leaves nothing for ever") {
    NetlinkSocket socket = std::move(NetlinkSocket::open(NETLINK_ROUTE).value());
    KernelTables next(socket, bench.device);
    plan.bypassed_prefixes.erase(*Prefix::parse("2001:db8:52::1/128"));
    CHECK(next.reconcile(plan, true, bench.refused) == 1);
    CHECK(next.reconcile({}, true, bench.refused) > 0);
    CHECK_FALSE(contains(output_of("ip -6 rule"), "proto 75"));
    CHECK(bench.tables.reconcile(plan, true, bench.refused) > 0);
  }
  SECTION("no more of them than the kernel has to look through") {
    for (int i = 1; i <= 100; ++i) plan.bypassed_prefixes.set(*Prefix::parse("2001:db8:60:" + std::to_string(i) + "::/64"), {});
    carry_out();
    const auto rules = output_of("ip -6 rule show pref 6274");
    CHECK(std::count(rules.begin(), rules.end(), '\n') == 64);
    plan.bypassed_prefixes.erase(*Prefix::parse("2001:db8:60:1::/64"));  // one that was left out takes its place
    carry_out();
    for (int i = 1; i <= 100; ++i) plan.bypassed_prefixes.erase(*Prefix::parse("2001:db8:60:" + std::to_string(i) + "::/64"));
    carry_out();
    CHECK_THAT(route("2001:db8:52::1"), Catch::Contains("dev uplink"));
  }
  plan.bypassed_prefixes.erase(Prefix{});
  plan.bypassed_prefixes.erase(*Prefix::parse("2001:db8:50::/48"));
  plan.bypassed_prefixes.erase(*Prefix::parse("2001:db8:52::1/128"));
  carry_out();
  CHECK_THAT(route("2001:db8:50::1"), Catch::Contains("dev mip0"));
  CHECK_FALSE(contains(output_of("ip -6 rule"), "6273:"));
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
  auto wanted = plan;
  bench.tables.reconcile(plan, true, bench.refused);
  auto notifications = std::move(NetlinkSocket::open(NETLINK_ROUTE).value());
  for (const unsigned group : {RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE}) REQUIRE(notifications.subscribe(group));
  const auto losses = [&](const std::string& command) {
    run(command);
    int found = 0;
    while (notifications.receive([&](const nlmsghdr& message) { found += bench.tables.is_loss(message, wanted); }) !=
           NetlinkSocket::Received::Nothing) {
    }
    return found;
  };
  CHECK(losses("ip -6 rule del pref 6275") == 1);
  CHECK(losses("ip -6 rule del pref 6271") == 1);
  CHECK(losses("ip -6 route del default table 6275") == 1);
  auto bypassing = plan;
  bypassing.bypassed_prefixes.set(*Prefix::parse("2001:db8:50::/48"), {});
  bench.tables.reconcile(bypassing, true, bench.refused);
  std::swap(bypassing, wanted);
  CHECK(losses("ip -6 rule del pref 6274") == 1);
  CHECK(losses("ip -6 rule del pref 6273 from 2001:db8:1::101") == 1);
  wanted = plan;
  CHECK(losses("ip -6 rule del pref 6273") == 0);  // nobody wants it now
  CHECK(losses("ip -6 addr del 2001:db8:1::101/128 dev mip0") == 1);
  auto served = plan;
  served.correspondent_bindings.set({kPrimary, kCareOf}, {kOther, {}});
  bench.tables.reconcile(served, true, bench.refused);
  CHECK(losses("ip -6 route del 2001:db8:1::100 table 6276") == 1);
  CHECK(losses("ip -6 route add 2001:db8:1::999 dev mip0 table 6276 proto 75") == 0);
  CHECK(losses("ip -6 route del 2001:db8:1::999 table 6276") == 0);
  auto announcing = plan;
  announcing.announced_routes.set(kPrimary, {10});
  bench.tables.reconcile(announcing, true, bench.refused);
  std::swap(announcing, wanted);
  CHECK(losses("ip -6 route add 2001:db8:1::100 dev mip0 table 6277 proto 75 metric 100") == 0);
  CHECK(losses("ip -6 route del 2001:db8:1::100 table 6277 metric 100") == 0);  // another route than the wanted one
  CHECK(losses("ip -6 route del 2001:db8:1::100 table 6277 metric 10") == 1);
  std::swap(announcing, wanted);
  CHECK(losses("ip -6 rule add pref 500 from 2001:db8:c::1 lookup main") == 0);
  CHECK(losses("ip -6 rule del pref 500") == 0);
  CHECK(losses("ip -6 addr del 2001:db8:a::1/64 dev uplink") == 0);
}
