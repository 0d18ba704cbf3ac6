// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/ordinary_destinations.hpp"

#include <cerrno>
#include <optional>

#include "mipflow/platform/names.hpp"
#include "rtnetlink_codec.hpp"

namespace mipflow::platform {

namespace {

bool may_match(const Rule& rule) {
  if (rule.inverted) return true;
  if (rule.from) return false;
  if (!rule.input_interface.empty() && rule.input_interface != "lo") return false;
  return (rule.mark & rule.mark_mask) == 0;
}

// What a route yields to a rule; nullopt for nothing.
std::optional<Prefix> found_by(const Rule& rule, const Route& route) {
  const Prefix& destination = route.destination;
  if (rule.suppress_prefix_length && destination.length() <= *rule.suppress_prefix_length) return std::nullopt;
  if (!rule.to || rule.inverted) return destination;
  if (destination.length() >= rule.to->length()) return rule.to->contains(destination.address()) ? std::optional(destination) : std::nullopt;
  return destination.contains(rule.to->address()) ? rule.to : std::nullopt;
}

bool stands_before_ours(const Rule& rule) { return rule.preference < kRuleMip; }

}  // namespace

std::set<Prefix> ordinary_destinations(const std::vector<Rule>& rules, const std::vector<Route>& routes,
                                       const std::vector<InterfaceAddress>& addresses, InterfaceIndex device) {
  std::set<Prefix> out;
  for (const auto& rule : rules) {
    if (!stands_before_ours(rule) || !may_match(rule)) continue;
    for (const auto& route : routes) {
      if (route.table != rule.table || route.interface == device) continue;
      if (const auto prefix = found_by(rule, route)) out.insert(*prefix);
    }
  }
  for (const auto& address : addresses) out.insert(Prefix(address.address, 128));
  return out;
}

Result<std::set<Prefix>> read_ordinary_destinations(NetlinkSocket& socket, InterfaceIndex device) {
  std::vector<Rule> rules;
  std::vector<Route> routes;
  std::vector<InterfaceAddress> addresses;
  NetlinkMessage message = dump_rules();
  int error = socket.dump(message, [&] { rules.clear(); }, [&](const nlmsghdr& answer) {
    if (const auto rule = decode_rule(answer)) rules.push_back(*rule);
  });
  std::set<std::uint32_t> tables;
  for (const auto& rule : rules)
    if (stands_before_ours(rule) && may_match(rule)) tables.insert(rule.table);
  for (const std::uint32_t table : tables) {
    if (error != 0) break;
    message = dump_routes(table);
    std::vector<Route> of_table;
    error = socket.dump(message, [&] { of_table.clear(); }, [&](const nlmsghdr& answer) {
      for (const auto& route : decode_route(answer))
        if (route.table == table) of_table.push_back(route);
    });
    if (error == ENOENT) error = 0;  // a table that was never written to
    routes.insert(routes.end(), of_table.begin(), of_table.end());
  }
  if (error == 0) {
    message = dump_addresses(0);
    error = socket.dump(message, [&] { addresses.clear(); }, [&](const nlmsghdr& answer) {
      if (const auto address = decode_address(answer)) addresses.push_back(*address);
    });
  }
  if (error != 0) return fail("cannot read rules, routes and addresses from the kernel", error);
  return ordinary_destinations(rules, routes, addresses, device);
}

}  // namespace mipflow::platform
