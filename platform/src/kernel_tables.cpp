// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/kernel_tables.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <cerrno>

#include "mipflow/platform/names.hpp"
#include "rtnetlink_codec.hpp"

namespace mipflow::platform {

namespace {

Rule rule_to_home_agent(const Address& home_agent) {
  return {.preference = kRuleHomeAgent, .table = RT_TABLE_MAIN, .to = Prefix(home_agent, 128), .protocol = kRouteProtocol};
}

Rule rule_from_care_of_address(const Address& care_of_address) {
  return {.preference = kRuleCareOfAddress, .table = RT_TABLE_MAIN, .from = Prefix(care_of_address, 128), .protocol = kRouteProtocol};
}

// Links that the host is attached to stay reachable without the home agent: printers, the router's own pages.
Rule rule_on_link() {
  return {.preference = kRuleOnLink, .table = RT_TABLE_MAIN, .suppress_prefix_length = 0, .protocol = kRouteProtocol};
}

Rule rule_mip() {
  return {.preference = kRuleMip, .table = kRoutingTable, .mark = kMark, .mark_mask = kMark, .inverted = true, .protocol = kRouteProtocol};
}

Route default_route(const forwarding::DefaultRoute& wanted, InterfaceIndex device) {
  return {.interface = device, .table = kRoutingTable, .protocol = kRouteProtocol, .preferred_source = wanted.preferred_source, .mtu = wanted.mtu};
}

Route route_to_home_address(const Address& home_address, InterfaceIndex device) {
  return {.destination = Prefix(home_address, 128), .interface = device, .table = RT_TABLE_MAIN, .protocol = kRouteProtocol};
}

Neighbour proxied(InterfaceIndex interface, const Address& address) {
  return {.interface = interface, .address = address, .proxy = true, .protocol = kRouteProtocol};
}

InterfaceAddress home_address(InterfaceIndex device, const Address& address, bool preferred) {
  return {.interface = device, .address = address, .flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE, .preferred = preferred ? InterfaceAddress::kForever : 0};
}

std::string name_of(const Route& route) { return "route to " + to_string(route.destination) + " in table " + std::to_string(route.table); }
std::string name_of(const Rule& rule) {
  std::string name = "routing rule " + std::to_string(rule.preference);
  if (rule.from) name += " from " + to_string(*rule.from);
  if (rule.to) name += " to " + to_string(*rule.to);
  return name;
}
std::string name_of(const Neighbour& neighbour) { return "proxied neighbour " + to_string(neighbour.address); }
std::string name_of(const InterfaceAddress& address) { return "home address " + to_string(address.address); }

// The answers that say "it is as you want it already".
bool is_settled(bool adding, int error) {
  if (adding) return error == EEXIST;
  return error == ESRCH || error == ENOENT || error == EADDRNOTAVAIL || error == ENODEV;
}

}  // namespace

KernelObjects objects_of(const forwarding::ForwardingPlan& plan, InterfaceIndex device) {
  KernelObjects out;
  for (const auto& [address, item] : plan.home_addresses.items()) out.addresses.emplace(address, item.primary);
  for (const auto& entry : plan.home_agents.items()) out.rules.try_emplace(rule_to_home_agent(entry.first));
  for (const auto& entry : plan.care_of_addresses.items()) out.rules.try_emplace(rule_from_care_of_address(entry.first));
  if (plan.default_route) {
    out.rules.try_emplace(rule_on_link());
    out.rules.try_emplace(rule_mip());
    out.routes.try_emplace({kRoutingTable, Prefix{}}, default_route(*plan.default_route, device));
  }
  for (const auto& entry : plan.tunnels.items())
    out.routes.try_emplace({RT_TABLE_MAIN, Prefix(entry.first, 128)}, route_to_home_address(entry.first, device));
  for (const auto& entry : plan.proxied_neighbours.items()) out.proxies.try_emplace({entry.first.interface, entry.first.address});
  return out;
}

template <class Object>
void KernelTables::carry_out(bool adding, const Object& object, std::vector<Failure>& refused) {
  NetlinkMessage message = encode(adding ? Change::Add : Change::Remove, object);
  const int error = socket_.request(message);
  if (error == 0 || is_settled(adding, error)) return;
  std::string text = std::string(adding ? "cannot add " : "cannot remove ") + name_of(object) + ": " + error_text(error);
  if (!socket_.last_reason().empty()) text += " (" + socket_.last_reason() + ")";
  refused.push_back({std::move(text), error});
}

void KernelTables::put_address(const Address& address, bool preferred, std::vector<Failure>& refused) {
  carry_out(true, home_address(device_, address, preferred), refused);
}

void KernelTables::add(const PlanChanges& changes, std::vector<Failure>& refused) {
  for (const auto& entry : changes.home_agents.set) carry_out(true, rule_to_home_agent(entry.first), refused);
  for (const auto& entry : changes.care_of_addresses.set) carry_out(true, rule_from_care_of_address(entry.first), refused);
  for (const auto& [address, item] : changes.home_addresses.set) put_address(address, item.primary, refused);
  if (changes.default_route_changed && changes.default_route) {
    carry_out(true, default_route(*changes.default_route, device_), refused);
    carry_out(true, rule_on_link(), refused);
    carry_out(true, rule_mip(), refused);
  }
  for (const auto& entry : changes.proxied_neighbours.set)
    carry_out(true, proxied(entry.first.interface, entry.first.address), refused);
  for (const auto& entry : changes.tunnels.set) carry_out(true, route_to_home_address(entry.first, device_), refused);
}

void KernelTables::remove(const PlanChanges& changes, std::vector<Failure>& refused) {
  for (const auto& address : changes.tunnels.erase) carry_out(false, route_to_home_address(address, device_), refused);
  for (const auto& key : changes.proxied_neighbours.erase) carry_out(false, proxied(key.interface, key.address), refused);
  if (changes.default_route_changed && !changes.default_route) {
    carry_out(false, rule_mip(), refused);
    carry_out(false, rule_on_link(), refused);
    carry_out(false, default_route({}, device_), refused);
  }
  for (const auto& address : changes.home_addresses.erase) carry_out(false, home_address(device_, address, false), refused);
  for (const auto& address : changes.care_of_addresses.erase) carry_out(false, rule_from_care_of_address(address), refused);
  for (const auto& address : changes.home_agents.erase) carry_out(false, rule_to_home_agent(address), refused);
}

Result<KernelObjects> KernelTables::read_back() {
  KernelObjects out;
  const auto dump = [&](NetlinkMessage message, const auto& handler) {
    return socket_.dump(message, [] {}, handler);
  };
  int error = dump(dump_addresses(device_), [&](const nlmsghdr& message) {
    const auto address = decode_address(message);
    if (address && address->interface == device_ && address->scope == RT_SCOPE_UNIVERSE)
      out.addresses[address->address] = address->preferred == InterfaceAddress::kForever;
  });
  if (error == 0)
    error = dump(dump_rules(), [&](const nlmsghdr& message) {
      if (const auto rule = decode_rule(message); rule && rule->protocol == kRouteProtocol) out.rules.try_emplace(*rule);
    });
  for (const std::uint32_t table : {std::uint32_t{RT_TABLE_MAIN}, kRoutingTable}) {
    if (error != 0) break;
    error = dump(dump_routes(table), [&](const nlmsghdr& message) {
      for (const auto& route : decode_route(message))
        if (route.protocol == kRouteProtocol && route.table == table) out.routes.insert_or_assign({table, route.destination}, route);
    });
    // A table that was never written to does not exist.
    if (error == ENOENT) error = 0;
  }
  if (error == 0)
    error = dump(dump_neighbours(0, true), [&](const nlmsghdr& message) {
      const auto neighbour = decode_neighbour(message);
      if (neighbour && neighbour->proxy && neighbour->protocol == kRouteProtocol)
        out.proxies.try_emplace({neighbour->interface, neighbour->address});
    });
  if (error != 0) return fail("cannot read back addresses, routes and rules from the kernel", error);
  return out;
}

std::size_t KernelTables::reconcile(const forwarding::ForwardingPlan& plan, bool take_away, std::vector<Failure>& refused) {
  const auto have = read_back();
  if (!have) {
    refused.push_back(have.error());
    return 0;
  }
  const KernelObjects want = objects_of(plan, device_);
  const auto addresses = forwarding::diff(have->addresses, want.addresses);
  const auto rules = forwarding::diff(have->rules, want.rules);
  const auto routes = forwarding::diff(have->routes, want.routes);
  const auto proxies = forwarding::diff(have->proxies, want.proxies);

  for (const auto& [address, preferred] : addresses.set) put_address(address, preferred, refused);
  for (const auto& entry : routes.set) carry_out(true, entry.second, refused);
  for (const auto& entry : proxies.set) carry_out(true, proxied(entry.first.interface, entry.first.address), refused);
  for (const auto& entry : rules.set) carry_out(true, entry.first, refused);
  const std::size_t added = addresses.set.size() + rules.set.size() + routes.set.size() + proxies.set.size();
  if (!take_away) return added;
  for (const auto& rule : rules.erase) carry_out(false, rule, refused);
  for (const auto& key : proxies.erase) carry_out(false, proxied(key.interface, key.address), refused);
  for (const auto& key : routes.erase) carry_out(false, have->routes.at(key), refused);
  for (const auto& address : addresses.erase) carry_out(false, home_address(device_, address, false), refused);
  return added + addresses.erase.size() + rules.erase.size() + routes.erase.size() + proxies.erase.size();
}

bool KernelTables::is_loss(const nlmsghdr& notification, const forwarding::ForwardingPlan& plan) const {
  switch (notification.nlmsg_type) {
    case RTM_DELADDR: {
      const auto address = decode_address(notification);
      return address && address->interface == device_ && plan.home_addresses.find(address->address) != nullptr;
    }
    case RTM_DELRULE: {
      const auto rule = decode_rule(notification);
      if (!rule || rule->protocol != kRouteProtocol) return false;
      if (rule->preference == kRuleHomeAgent) return rule->to && plan.home_agents.find(rule->to->address());
      if (rule->preference == kRuleCareOfAddress) return rule->from && plan.care_of_addresses.find(rule->from->address());
      return plan.default_route.has_value();
    }
    case RTM_DELROUTE: {
      const auto routes = decode_route(notification);
      if (routes.empty() || routes.front().protocol != kRouteProtocol) return false;
      if (routes.front().table == kRoutingTable) return plan.default_route.has_value();
      return plan.tunnels.find(routes.front().destination.address()) != nullptr;
    }
    default:
      return false;
  }
}

}  // namespace mipflow::platform
