// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/kernel_tables.hpp"

#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <iterator>
#include <ranges>

#include "bypass_rules.hpp"
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

Rule rule_home_address() {
  // Not "not fwmark": that would turn the interface round as well.
  return {.preference = kRuleHomeAddress, .table = kHomeAddressTable, .input_interface = "lo", .mark = 0, .mark_mask = kMark, .protocol = kRouteProtocol};
}

// With the prefix, so that packets to elsewhere do not look into a table that has nothing for them.
Rule rule_home_network(const Prefix& prefix) {
  return {.preference = kRuleHomeNetwork, .table = kHomeNetworkTable, .to = prefix, .mark = 0, .mark_mask = kUnboundMark, .protocol = kRouteProtocol};
}

Route default_route(const forwarding::DefaultRoute& wanted, InterfaceIndex device) {
  return {.interface = device, .table = kRoutingTable, .protocol = kRouteProtocol, .preferred_source = wanted.preferred_source, .mtu = wanted.mtu};
}

// A gateway that is nobody, fe80::6275. Without one every home address that a packet goes to is a neighbour on mip0 to the kernel:
// an entry of 500 octets to make, and to throw away again when there are more than gc_thresh3 (1024).
constexpr Address kBehindDevice{{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x62, 0x75}};

Route route_to_home_address(const Address& home_address, InterfaceIndex device) {
  return {.destination = Prefix(home_address, 128), .gateway = kBehindDevice, .interface = device, .table = RT_TABLE_MAIN, .protocol = kRouteProtocol};
}

Route route_to_home_network(const Prefix& prefix, InterfaceIndex device) {
  return {.destination = prefix, .gateway = kBehindDevice, .interface = device, .table = kHomeNetworkTable, .protocol = kRouteProtocol};
}

// Few: those of a configuration.
template <class Prefixes>
bool is_below_any(const Address& address, const Prefixes& prefixes) {
  return std::ranges::any_of(prefixes, [&](const Prefix& prefix) { return prefix.contains(address); });
}

Route announced_route(const Address& home_address, std::uint32_t metric, InterfaceIndex device) {
  return {.destination = Prefix(home_address, 128), .interface = device, .table = kAnnouncementTable, .protocol = kRouteProtocol, .metric = metric};
}

// RFC 6275 §6.4.1: the type 2 routing header. The Home Address option is as long.
constexpr std::uint32_t kRouteOptimizationHeader = 24;
constexpr std::uint32_t kSmallestMtu = 1280;  // RFC 8200 §5; for a route with less the kernel sends no datagrams

Route route_of_bindings(const Address& home_address, const std::set<Address>& correspondents, InterfaceIndex device, std::uint32_t uplink_mtu) {
  return {.destination = Prefix(home_address, 128),
          .interface = device,
          .table = kHomeAddressTable,
          .protocol = kRouteProtocol,
          .preferred_source = *correspondents.begin(),
          .mtu = std::max(uplink_mtu, kSmallestMtu + kRouteOptimizationHeader) - kRouteOptimizationHeader};
}

// Sockets that are connected already look for another route only when something was added to the table of the one that they
// have, at it or below it: a route in a table of ours is not noticed. This one has the same first half as the home address,
// so what it is below carries packets to the home address as well, and an interface identifier that no host has
// (RFC 2526 §2, reserved), so it carries none itself. In the table main; whoever has rules of his own finds nothing better.
Route route_beside(const Address& home_address, InterfaceIndex device) {
  Address beside = home_address;
  std::fill(beside.octets.begin() + 8, beside.octets.end(), std::uint8_t{0xff});
  beside.octets[8] = 0xfd;
  return {.destination = Prefix(beside, 128), .interface = device, .table = RT_TABLE_MAIN, .protocol = kRouteProtocol};
}

Correspondents correspondents_of(const forwarding::ForwardingPlan& plan) {
  Correspondents out;
  for (const auto& entry : plan.correspondent_bindings.items()) out[entry.first.home_address].insert(entry.first.correspondent);
  return out;
}

// Permanent: newer kernels then keep it when the link loses its carrier.
Neighbour proxied(InterfaceIndex interface, const Address& address) {
  return {.interface = interface, .address = address, .state = NUD_PERMANENT, .proxy = true, .protocol = kRouteProtocol};
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

template <class Object>
Failure refusal(bool adding, const Object& object, int error, const std::string& reason) {
  std::string text = std::string(adding ? "cannot add " : "cannot remove ") + name_of(object) + ": " + error_text(error);
  if (!reason.empty()) text += " (" + reason + ")";
  return {std::move(text), error};
}

// The answers that say "it is as you want it already".
bool is_settled(bool adding, int error) {
  if (adding) return error == EEXIST;
  return error == ESRCH || error == ENOENT || error == EADDRNOTAVAIL || error == ENODEV;
}

}  // namespace

KernelObjects objects_of(const forwarding::ForwardingPlan& plan, InterfaceIndex device, std::uint32_t uplink_mtu) {
  KernelObjects out;
  const auto home_networks = plan.home_networks.items() | std::views::keys;
  if (home_networks.empty()) out.routes.reserve(plan.tunnels.items().size());
  for (const auto& [address, item] : plan.home_addresses.items()) out.addresses.emplace(address, item.primary);
  for (const auto& entry : plan.home_agents.items()) out.rules.try_emplace(rule_to_home_agent(entry.first));
  for (const auto& entry : plan.care_of_addresses.items()) out.rules.try_emplace(rule_from_care_of_address(entry.first));
  if (plan.default_route) {
    out.rules.try_emplace(rule_on_link());
    out.rules.try_emplace(rule_mip());
    out.routes.try_emplace({kRoutingTable, Prefix{}}, default_route(*plan.default_route, device));
  }
  for (const Rule& rule : BypassRules::rules(plan)) out.rules.try_emplace(rule);
  for (const Prefix& prefix : home_networks) {
    out.routes.try_emplace({kHomeNetworkTable, prefix}, route_to_home_network(prefix, device));
    out.rules.try_emplace(rule_home_network(prefix));
  }
  for (const auto& entry : plan.tunnels.items())
    if (!is_below_any(entry.first, home_networks))
      out.routes.try_emplace({RT_TABLE_MAIN, Prefix(entry.first, 128)}, route_to_home_address(entry.first, device));
  for (const auto& [home_address, correspondents] : correspondents_of(plan))
    out.routes.try_emplace({kHomeAddressTable, Prefix(home_address, 128)}, route_of_bindings(home_address, correspondents, device, uplink_mtu));
  if (!plan.correspondent_bindings.items().empty()) out.rules.try_emplace(rule_home_address());
  for (const auto& [home_address, item] : plan.announced_routes.items())
    out.routes.try_emplace({kAnnouncementTable, Prefix(home_address, 128), item.metric}, announced_route(home_address, item.metric, device));
  for (const auto& entry : plan.proxied_neighbours.items()) out.proxies.try_emplace({entry.first.interface, entry.first.address});
  return out;
}

KernelTables::KernelTables(NetlinkSocket& socket, InterfaceIndex device)
    : socket_(socket), device_(device), bypass_rules_(std::make_unique<BypassRules>()) {}
KernelTables::~KernelTables() = default;
KernelTables::KernelTables(KernelTables&&) noexcept = default;

template <class Object>
void KernelTables::carry_out(bool adding, const Object& object, std::vector<Failure>& refused) {
  NetlinkMessage message = encode(adding ? Change::Add : Change::Remove, object);
  const int error = socket_.request(message);
  if (error != 0 && !is_settled(adding, error)) refused.push_back(refusal(adding, object, error, socket_.last_reason()));
}

template <class Range, class ToObject>
void KernelTables::carry_out_each(bool adding, Range&& range, ToObject to_object, std::vector<Failure>& refused) {
  std::vector<decltype(to_object(*std::begin(range)))> objects;
  std::vector<NetlinkMessage> messages;
  const auto flush = [&] {
    const int error = socket_.request_together(messages, [&](std::size_t place, int why, const std::string& reason) {
      if (!is_settled(adding, why)) refused.push_back(refusal(adding, objects[place], why, reason));
    });
    if (error != 0) refused.push_back(refusal(adding, objects.front(), error, {}));
    objects.clear();
    messages.clear();
  };
  for (const auto& entry : range) {
    objects.push_back(to_object(entry));
    messages.push_back(encode(adding ? Change::Add : Change::Remove, objects.back()));
    if (messages.size() == NetlinkSocket::kMostTogether) flush();
  }
  if (!messages.empty()) flush();
}

void KernelTables::put_address(const Address& address, bool preferred, std::vector<Failure>& refused) {
  carry_out(true, home_address(device_, address, preferred), refused);
}

void KernelTables::have_sockets_look_again(const Address& home_address, std::vector<Failure>& refused) {
  const Route beside = route_beside(home_address, device_);
  carry_out(true, beside, refused);
  carry_out(false, beside, refused);
}

void KernelTables::put_route(Route route, std::vector<Failure>& refused) {
  // Our address of a binding may have left the host before the binding ends; the kernel takes no route with it then.
  if (route.table == kHomeAddressTable && route.preferred_source) {
    NetlinkMessage message = encode(Change::Add, route);
    if (socket_.request(message) == 0) return;
    route.preferred_source.reset();
  }
  carry_out(true, route, refused);
}

void KernelTables::add_correspondent(const forwarding::HomeAddressAndCorrespondent& binding, std::vector<Failure>& refused) {
  const bool first_of_all = correspondents_.empty();
  auto& correspondents = correspondents_[binding.home_address];
  // What the route says depends on nothing else of the binding.
  if (!correspondents.insert(binding.correspondent).second) return;
  if (*correspondents.begin() == binding.correspondent)
    put_route(route_of_bindings(binding.home_address, correspondents, device_, uplink_mtu_), refused);
  if (first_of_all) carry_out(true, rule_home_address(), refused);
  if (correspondents.size() == 1) have_sockets_look_again(binding.home_address, refused);
}

void KernelTables::remove_correspondent(const forwarding::HomeAddressAndCorrespondent& binding, std::vector<Failure>& refused) {
  const auto found = correspondents_.find(binding.home_address);
  if (found == correspondents_.end()) return;
  auto& correspondents = found->second;
  const Route route = route_of_bindings(binding.home_address, correspondents, device_, uplink_mtu_);
  correspondents.erase(binding.correspondent);
  if (!correspondents.empty()) {
    const Route left = route_of_bindings(binding.home_address, correspondents, device_, uplink_mtu_);
    if (!(left == route)) put_route(left, refused);
    return;
  }
  correspondents_.erase(found);
  if (correspondents_.empty()) carry_out(false, rule_home_address(), refused);
  carry_out(false, route, refused);
}

void KernelTables::announce(const Address& home_address, const forwarding::AnnouncedRoute& route, std::vector<Failure>& refused) {
  carry_out(true, announced_route(home_address, route.metric, device_), refused);
  const auto [before, is_first] = announced_.try_emplace(home_address, route.metric);
  if (is_first || before->second == route.metric) return;
  carry_out(false, announced_route(home_address, before->second, device_), refused);
  before->second = route.metric;
}

void KernelTables::withdraw(const Address& home_address, std::vector<Failure>& refused) {
  const auto found = announced_.find(home_address);
  if (found == announced_.end()) return;
  carry_out(false, announced_route(home_address, found->second, device_), refused);
  announced_.erase(found);
}

void KernelTables::add_home_networks(const PlanChanges& changes, std::vector<Failure>& refused) {
  for (const auto& entry : changes.home_networks.set) {
    carry_out(true, route_to_home_network(entry.first, device_), refused);
    carry_out(true, rule_home_network(entry.first), refused);
    home_networks_.insert(entry.first);
  }
  // From now on tunnels below it get routes of their own; it goes when they have them.
  for (const Prefix& prefix : changes.home_networks.erase) home_networks_.erase(prefix);
}

void KernelTables::remove_home_networks(const PlanChanges& changes, std::vector<Failure>& refused) {
  for (const Prefix& prefix : changes.home_networks.erase) {
    carry_out(false, rule_home_network(prefix), refused);
    carry_out(false, route_to_home_network(prefix, device_), refused);
  }
}

void KernelTables::add(const PlanChanges& changes, std::vector<Failure>& refused) {
  for (const auto& entry : changes.home_agents.set) carry_out(true, rule_to_home_agent(entry.first), refused);
  for (const auto& entry : changes.care_of_addresses.set) carry_out(true, rule_from_care_of_address(entry.first), refused);
  for (const auto& [address, item] : changes.home_addresses.set) put_address(address, item.primary, refused);
  for (const Rule& rule : bypass_rules_->add(changes)) carry_out(true, rule, refused);
  if (changes.default_route_changed && changes.default_route) {
    carry_out(true, default_route(*changes.default_route, device_), refused);
    carry_out(true, rule_on_link(), refused);
    carry_out(true, rule_mip(), refused);
  }
  carry_out_each(true, changes.proxied_neighbours.set, [](const auto& entry) { return proxied(entry.first.interface, entry.first.address); }, refused);
  for (const auto& entry : changes.correspondent_bindings.set) add_correspondent(entry.first, refused);
  add_home_networks(changes, refused);
  std::vector<Address> host_routes;
  for (const auto& entry : changes.tunnels.set)
    if (!is_below_any(entry.first, home_networks_)) host_routes.push_back(entry.first);
  host_routes_.insert(host_routes.begin(), host_routes.end());
  carry_out_each(true, host_routes, [this](const Address& address) { return route_to_home_address(address, device_); }, refused);
  // What draws packets here stands behind what carries them.
  for (const auto& [home_address, item] : changes.announced_routes.set) announce(home_address, item, refused);
}

void KernelTables::remove(const PlanChanges& changes, std::vector<Failure>& refused) {
  for (const auto& address : changes.announced_routes.erase) withdraw(address, refused);
  std::vector<Address> host_routes;
  for (const Address& address : changes.tunnels.erase)
    if (host_routes_.erase(address) != 0) host_routes.push_back(address);
  carry_out_each(false, host_routes, [this](const Address& address) { return route_to_home_address(address, device_); }, refused);
  remove_home_networks(changes, refused);
  for (const auto& binding : changes.correspondent_bindings.erase) remove_correspondent(binding, refused);
  carry_out_each(false, changes.proxied_neighbours.erase, [](const auto& key) { return proxied(key.interface, key.address); }, refused);
  if (changes.default_route_changed && !changes.default_route) {
    carry_out(false, rule_mip(), refused);
    carry_out(false, rule_on_link(), refused);
    carry_out(false, default_route({}, device_), refused);
  }
  for (const Rule& rule : bypass_rules_->remove(changes)) carry_out(false, rule, refused);
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
  for (const std::uint32_t table : {std::uint32_t{RT_TABLE_MAIN}, kRoutingTable, kHomeAddressTable, kAnnouncementTable, kHomeNetworkTable}) {
    if (error != 0) break;
    error = dump(dump_routes(table), [&](const nlmsghdr& message) {
      for (const auto& route : decode_route(message))
        if (route.protocol == kRouteProtocol && route.table == table) out.routes.insert_or_assign({table, route.destination, route.metric}, route);
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
  const KernelObjects want = objects_of(plan, device_, uplink_mtu_);
  correspondents_ = correspondents_of(plan);
  bypass_rules_->begin(plan);
  home_networks_.clear();
  host_routes_.clear();
  for (const auto& entry : plan.home_networks.items()) home_networks_.insert(entry.first);
  for (const auto& entry : want.routes)
    if (entry.first.table == RT_TABLE_MAIN) host_routes_.insert(entry.first.destination.address());
  announced_.clear();
  for (const auto& [home_address, item] : plan.announced_routes.items()) announced_.emplace(home_address, item.metric);
  const auto addresses = forwarding::diff(have->addresses, want.addresses);
  const auto rules = forwarding::diff(have->rules, want.rules);
  const auto routes = forwarding::diff(have->routes, want.routes);
  const auto proxies = forwarding::diff(have->proxies, want.proxies);

  for (const auto& [address, preferred] : addresses.set) put_address(address, preferred, refused);
  const auto is_of_bindings = [](const auto& entry) { return entry.first.table == kHomeAddressTable; };
  for (const auto& entry : routes.set)
    if (is_of_bindings(entry)) put_route(entry.second, refused);
  carry_out_each(true, routes.set | std::views::filter(std::not_fn(is_of_bindings)), [](const auto& entry) { return entry.second; }, refused);
  carry_out_each(true, proxies.set, [](const auto& entry) { return proxied(entry.first.interface, entry.first.address); }, refused);
  for (const auto& entry : rules.set) carry_out(true, entry.first, refused);
  // What sent around us while a rule or route was missing would go on with that for as long as its socket lives.
  const auto is_missing = [&](const auto& entry) { return !rules.set.empty() || !have->routes.contains(entry.first); };
  for (const auto& entry : want.routes)
    if (is_of_bindings(entry) && is_missing(entry)) have_sockets_look_again(entry.first.destination.address(), refused);
  const auto to_everywhere = want.routes.find({kRoutingTable, Prefix{}});
  if (to_everywhere != want.routes.end() && is_missing(*to_everywhere) && to_everywhere->second.preferred_source)
    have_sockets_look_again(*to_everywhere->second.preferred_source, refused);
  const std::size_t added = addresses.set.size() + rules.set.size() + routes.set.size() + proxies.set.size();
  if (!take_away) return added;
  for (const auto& rule : rules.erase) carry_out(false, rule, refused);
  carry_out_each(false, proxies.erase, [](const auto& key) { return proxied(key.interface, key.address); }, refused);
  carry_out_each(false, routes.erase, [&](const auto& key) { return have->routes.at(key); }, refused);
  for (const auto& address : addresses.erase) carry_out(false, home_address(device_, address, false), refused);
  return added + addresses.erase.size() + rules.erase.size() + routes.erase.size() + proxies.erase.size();
}

bool KernelTables::lacks_proxies(const forwarding::ForwardingPlan& plan, const std::function<bool(InterfaceIndex)>& works) {
  std::size_t wanted = 0;
  for (const auto& entry : plan.proxied_neighbours.items())
    if (works(entry.first.interface)) ++wanted;
  if (wanted == 0) return false;
  std::size_t present = 0;
  NetlinkMessage message = dump_neighbours(0, true);
  const int error = socket_.dump(message, [&] { present = 0; }, [&](const nlmsghdr& answer) {
    const auto neighbour = decode_neighbour(answer);
    if (neighbour && neighbour->proxy && neighbour->protocol == kRouteProtocol && works(neighbour->interface) &&
        plan.proxied_neighbours.find({neighbour->interface, neighbour->address}))
      ++present;
  });
  return error == 0 && present < wanted;
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
      if (rule->preference == kRuleHomeAddress) return !plan.correspondent_bindings.items().empty();
      if (rule->preference == kRuleHomeNetwork) return rule->to && plan.home_networks.find(*rule->to);
      if (rule->preference == kRuleHomeAgent) return rule->to && plan.home_agents.find(rule->to->address());
      if (rule->preference == kRuleCareOfAddress) return rule->from && plan.care_of_addresses.find(rule->from->address());
      if (rule->preference == kRuleFromHomeAddress || rule->preference == kRuleBypassed) return BypassRules::rules(plan).contains(*rule);
      return plan.default_route.has_value();
    }
    case RTM_DELROUTE: {
      const auto routes = decode_route(notification);
      if (routes.empty() || routes.front().protocol != kRouteProtocol) return false;
      if (routes.front().table == kHomeAddressTable) return correspondents_.contains(routes.front().destination.address());
      if (routes.front().table == kAnnouncementTable) {
        const auto* wanted = plan.announced_routes.find(routes.front().destination.address());
        return wanted && wanted->metric == routes.front().metric;
      }
      if (routes.front().table == kRoutingTable) return plan.default_route.has_value();
      if (routes.front().table == kHomeNetworkTable) return plan.home_networks.find(routes.front().destination) != nullptr;
      return host_routes_.contains(routes.front().destination.address());
    }
    default:
      return false;
  }
}

}  // namespace mipflow::platform
