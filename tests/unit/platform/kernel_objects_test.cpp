// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>
#include <linux/if_arp.h>

#include "mipflow/platform/interface_kind.hpp"
#include "mipflow/platform/kernel_tables.hpp"
#include "mipflow/platform/names.hpp"

using namespace mipflow;
using namespace mipflow::platform;

namespace {

const Address kHomeAgent = *Address::parse("2001:db8:1::1");
const Address kPrimary = *Address::parse("2001:db8:1::100");
const Address kOther = *Address::parse("2001:db8:1::101");
const Address kCareOf = *Address::parse("2001:db8:a::1");
constexpr InterfaceIndex kDevice = 9;
constexpr std::uint32_t kMtu = 1500;

std::vector<std::uint32_t> preferences(const KernelObjects& objects) {
  std::vector<std::uint32_t> out;
  for (const auto& entry : objects.rules) out.push_back(entry.first.preference);
  return out;
}

Link link_called(const char* name) { return {.index = 3, .name = name, .hardware_type = ARPHRD_ETHER}; }

}  // namespace

TEST_CASE("an empty plan is nothing at all in the kernel") {
  const auto objects = objects_of({}, kDevice, kMtu);
  CHECK(objects.addresses.empty());
  CHECK(objects.rules.empty());
  CHECK(objects.routes.empty());
  CHECK(objects.proxies.empty());
}

TEST_CASE("a registered mobile node in the kernel's tables") {
  forwarding::ForwardingPlan plan;
  plan.home_agents.set(kHomeAgent, {});
  plan.care_of_addresses.set(kCareOf, {3});
  plan.home_addresses.set(kPrimary, {1, true});
  plan.home_addresses.set(kOther, {1, false});
  plan.default_route = forwarding::DefaultRoute{kPrimary, 1400};
  const auto objects = objects_of(plan, kDevice, kMtu);
  CHECK(objects.addresses == std::map<Address, bool>{{kPrimary, true}, {kOther, false}});
  CHECK(preferences(objects) == std::vector{kRuleHomeAgent, kRuleCareOfAddress, kRuleOnLink, kRuleMip});
  REQUIRE(objects.routes.size() == 1);
  const Route& route = objects.routes.begin()->second;
  CHECK(route.interface == kDevice);
  CHECK(route.table == kRoutingTable);
  CHECK(route.preferred_source == kPrimary);
  CHECK(route.mtu == 1400);
  for (const auto& entry : objects.rules) CHECK(entry.first.protocol == kRouteProtocol);
}

TEST_CASE("without a default route nothing draws traffic to mip0") {
  forwarding::ForwardingPlan plan;
  plan.home_agents.set(kHomeAgent, {});
  plan.care_of_addresses.set(kCareOf, {3});
  plan.home_addresses.set(kPrimary, {1, true});
  CHECK(preferences(objects_of(plan, kDevice, kMtu)) == std::vector{kRuleHomeAgent, kRuleCareOfAddress});
}

TEST_CASE("a home agent in the kernel's tables") {
  forwarding::ForwardingPlan plan;
  plan.tunnels.set(kPrimary, {kCareOf, kHomeAgent});
  plan.proxied_neighbours.set({4, kPrimary}, {});
  const auto objects = objects_of(plan, kDevice, kMtu);
  CHECK(objects.rules.empty());
  REQUIRE(objects.routes.size() == 1);
  CHECK(objects.routes.begin()->second.destination == Prefix(kPrimary, 128));
  CHECK(objects.routes.begin()->second.interface == kDevice);
  CHECK(objects.proxies.contains({4, kPrimary}));
}

TEST_CASE("host routes that a routing daemon announces stand in a table of their own, apart by their metrics") {
  forwarding::ForwardingPlan plan;
  plan.tunnels.set(kPrimary, {kCareOf, kHomeAgent});
  plan.announced_routes.set(kPrimary, {100});
  plan.announced_routes.set(kOther, {10});
  const auto objects = objects_of(plan, kDevice, kMtu);
  CHECK(objects.rules.empty());  // nothing looks into the table
  REQUIRE(objects.routes.size() == 3);
  const Route& route = objects.routes.at({kAnnouncementTable, Prefix(kPrimary, 128), 100});
  CHECK((route.metric == 100 && route.interface == kDevice && route.table == 6277 && route.protocol == kRouteProtocol));
  CHECK(objects.routes.at({kAnnouncementTable, Prefix(kOther, 128), 10}).metric == 10);
}

TEST_CASE("a correspondent node in the kernel's tables") {
  const Address first = *Address::parse("2001:db8:300::10");
  const Address second = *Address::parse("2001:db8:300::20");
  forwarding::ForwardingPlan plan;
  plan.correspondent_bindings.set({kPrimary, second}, {kCareOf, {}});
  plan.correspondent_bindings.set({kPrimary, first}, {kCareOf, {}});
  plan.correspondent_bindings.set({kOther, second}, {kCareOf, {}});
  const auto objects = objects_of(plan, kDevice, kMtu);
  REQUIRE(objects.rules.size() == 1);
  const Rule& rule = objects.rules.begin()->first;
  CHECK(rule.preference == kRuleHomeAddress);
  CHECK(rule.input_interface == "lo");
  CHECK((rule.mark == 0 && rule.mark_mask == kMark && !rule.inverted));
  REQUIRE(objects.routes.size() == 2);
  const Route& shared = objects.routes.at({kHomeAddressTable, Prefix(kPrimary, 128)});
  CHECK(shared.interface == kDevice);
  CHECK(shared.preferred_source == first);
  CHECK(shared.mtu == 1476);
  CHECK(objects.routes.at({kHomeAddressTable, Prefix(kOther, 128)}).preferred_source == second);
  CHECK(objects.addresses.empty());
  // A datagram of 1280 octets always finds its way, in fragments at worst.
  CHECK(objects_of(plan, kDevice, 1280).routes.begin()->second.mtu == 1280);
  CHECK(objects_of(plan, kDevice, 1310).routes.begin()->second.mtu == 1286);
}

TEST_CASE("kinds of interfaces by their names, when the driver does not say") {
  using mobile_node::InterfaceKind;
  CHECK(interface_kind(link_called("wlp0none")) == InterfaceKind::Wifi);
  CHECK(interface_kind(link_called("wwanx0")) == InterfaceKind::Cellular);
  CHECK(interface_kind(link_called("enp0none")) == InterfaceKind::Wired);
  CHECK(interface_kind(link_called("lab0none")) == InterfaceKind::Other);
  auto ppp = link_called("lab0none");
  ppp.hardware_type = ARPHRD_PPP;
  CHECK(interface_kind(ppp) == InterfaceKind::Cellular);
}

TEST_CASE("interfaces that are never used for flows") {
  const auto may = [](const Link& link) { return may_be_uplink(link, "mip0", {"docker*", "vnet?"}); };
  CHECK(may(link_called("wlan0")));
  CHECK_FALSE(may(link_called("mip0")));
  CHECK_FALSE(may(link_called("docker0")));
  CHECK_FALSE(may(link_called("vnet7")));
  CHECK(may(link_called("vnet17")));
  auto link = link_called("x");
  link.port = true;
  CHECK_FALSE(may(link));
  link = link_called("x");
  link.hardware_type = ARPHRD_LOOPBACK;
  CHECK_FALSE(may(link));
  link = link_called("x");
  link.kind = "ifb";
  CHECK_FALSE(may(link));
}
