// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include "mipflow/platform/names.hpp"
#include "mipflow/platform/ordinary_destinations.hpp"

using namespace mipflow;
using namespace mipflow::platform;

namespace {

constexpr InterfaceIndex kDevice = 9;
constexpr InterfaceIndex kWlan = 3;
constexpr std::uint32_t kMain = 254;
constexpr std::uint32_t kForeignTable = 51820;

Prefix prefix(const char* text) { return *Prefix::parse(text); }
Route route(const char* destination, InterfaceIndex interface = kWlan, std::uint32_t table = kMain) {
  return {.destination = prefix(destination), .interface = interface, .table = table};
}

// As KernelTables makes them, and the kernel's own.
const Rule kLocal{.preference = 0, .table = 255};
const Rule kToHomeAgent{.preference = kRuleHomeAgent, .table = kMain, .to = prefix("2001:db8:1::1/128"), .protocol = kRouteProtocol};
const Rule kFromCareOfAddress{.preference = kRuleCareOfAddress, .table = kMain, .from = prefix("2001:db8:a::10/128"), .protocol = kRouteProtocol};
const Rule kOnLink{.preference = kRuleOnLink, .table = kMain, .suppress_prefix_length = 0, .protocol = kRouteProtocol};
const Rule kMip{.preference = kRuleMip, .table = kRoutingTable, .mark = kMark, .mark_mask = kMark, .inverted = true, .protocol = kRouteProtocol};
const Rule kLast{.preference = 32766, .table = kMain};

std::vector<Rule> rules(std::vector<Rule> foreign = {}) {
  std::vector<Rule> out{kLocal, kToHomeAgent, kFromCareOfAddress, kOnLink, kMip, kLast};
  out.insert(out.end(), foreign.begin(), foreign.end());
  return out;
}
const std::vector<Route> kRoutes{route("::/0"), route("2001:db8:a::/64"), route("fe80::/64"), route("::/0", kDevice, kRoutingTable)};

std::set<Prefix> found(const std::vector<Rule>& with_rules, const std::vector<Route>& routes) {
  return ordinary_destinations(with_rules, routes, {}, kDevice);
}

}  // namespace

TEST_CASE("on-link prefixes and the way to the home agent lead past mip0, the default route does not") {
  CHECK(found(rules(), kRoutes) == std::set{prefix("2001:db8:a::/64"), prefix("fe80::/64"), prefix("2001:db8:1::1/128")});
  auto routes = kRoutes;
  routes.push_back(route("2001:db8:77::/48", kDevice));  // somebody leads it into mip0
  CHECK(found(rules(), routes) == found(rules(), kRoutes));
}

TEST_CASE("addresses of this host lead nowhere else") {
  const InterfaceAddress own{.interface = kDevice, .address = *Address::parse("2001:db8:1::100"), .prefix_length = 64};
  CHECK(ordinary_destinations({}, {}, {own}, kDevice) == std::set{prefix("2001:db8:1::100/128")});
}

TEST_CASE("rules of others that stand before ours") {
  const auto with = [](Rule rule) {
    rule.table = kForeignTable;
    auto routes = kRoutes;
    routes.push_back(route("::/0", kWlan, kForeignTable));
    routes.push_back(route("fd7a::/48", kWlan, kForeignTable));
    auto out = found(rules({rule}), routes);
    for (const auto& ours : found(rules(), kRoutes)) out.erase(ours);
    return out;
  };
  const std::set nothing = std::set<Prefix>{};
  const std::set everything{prefix("::/0"), prefix("fd7a::/48")};
  CHECK(with({.preference = 5270}) == everything);
  CHECK(with({.preference = kRuleMip + 1}) == nothing);
  CHECK(with({.preference = 5270, .suppress_prefix_length = 0}) == std::set{prefix("fd7a::/48")});
  // wg-quick: everything that is not its own packets.
  CHECK(with({.preference = 6270, .mark = 51820, .mark_mask = 0xffff'ffff, .inverted = true}) == everything);
  // For packets with a mark, which only marked sockets have, or of one source, which unbound sockets do not have.
  CHECK(with({.preference = 5270, .mark = 0x80000, .mark_mask = 0xff0000}) == nothing);
  CHECK(with({.preference = 5270, .from = prefix("fd7a::5/128")}) == nothing);
  // Of packets that this host forwards, and of its own.
  CHECK(with({.preference = 5270, .input_interface = "wlan0"}) == nothing);
  CHECK(with({.preference = 5270, .input_interface = "lo"}) == everything);
  // To one destination: as much of the routes as lies there.
  CHECK(with({.preference = 5270, .to = prefix("2001:db8:9::/48")}) == std::set{prefix("2001:db8:9::/48")});
  CHECK(with({.preference = 5270, .to = prefix("fd00::/8")}) == std::set{prefix("fd00::/8"), prefix("fd7a::/48")});
}
