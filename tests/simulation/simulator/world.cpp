// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/simulator/world.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <sstream>
#include <stdexcept>

namespace mipflow::simulation {

namespace {

const wire::SecurityAssociation kAssociation{"laptop@example.net", 1000,
                                             {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
const Prefix kHomePrefix = *Prefix::parse("2001:db8:100::/64");

std::shared_ptr<const flow_separator::Policy> read_policy(const char* text) {
  const flow_separator::PolicyFile file{.name = "simulation.toml", .text = text};
  auto policy = flow_separator::Policy::parse(std::span(&file, 1), {});
  if (!policy) throw std::runtime_error(flow_separator::to_string(policy.error().front()));
  return std::make_shared<const flow_separator::Policy>(*policy);
}

}  // namespace

home_agent::Configuration home_agent_configuration(const Options& options) {
  home_agent::Configuration out;
  out.home_agent_address = kHomeAgent;
  out.home_prefixes = {{.prefix = kHomePrefix}};
  out.home_interface = options.real_home_link ? kHomeInterface : 0;
  out.home_link_layer_address = {2, 0, 0, 0, 0, 1};
  out.mobile_nodes = {{.security_association = kAssociation, .primary_home_address = kPrimary}};
  if (!options.network_policy.empty())
    out.mobile_nodes.front().policy = std::make_shared<const std::string>(options.network_policy);
  out.address_service.sources = options.offered;
  return out;
}

mobile_node::Configuration mobile_node_configuration(const Options& options) {
  mobile_node::Configuration out;
  out.home_agent = kHomeAgent;
  out.primary_home_address = kPrimary;
  out.home_prefix = kHomePrefix;
  out.security_association = kAssociation;
  out.warm_pool_size = options.warm_pool_size;
  out.anchor_per_interface = options.anchor_per_interface;
  out.requested_lifetime = options.requested_lifetime;
  out.allocation_mechanisms = options.mechanisms;
  out.network_policy = !options.network_policy.empty();
  return out;
}

World::World(Options options)
    : network(clock, options.seed),
      home_agent(clock, network, home_agent_configuration(options), options.seed + 1),
      mobile_node(clock, network, mobile_node_configuration(options), read_policy(options.policy), options.seed + 2),
      correspondent(clock, network, kCorrespondent),
      correspondent_node(clock, network, options.correspondent_node, {kCorrespondentNode}, options.seed + 3) {
  mobile_node.add_interface(kWlan, "wlan0", mobile_node::InterfaceKind::Wifi);
  mobile_node.add_interface(kWwan, "wwan0", mobile_node::InterfaceKind::Cellular);
  network.set_all_links(options.links);
}

bool World::run_until(const std::function<bool()>& condition, Duration limit) { return clock.run_until(condition, limit); }

void World::settle() {
  mobile_node.connect(kWlan, kWlanAddress);
  mobile_node.connect(kWwan, kWwanAddress);
  run_for(10s);
  if (!quiet()) throw std::runtime_error("the mobile node did not get to a steady state");
}

bool World::quiet() {
  if (!mobile_node.registered()) return false;
  for (const auto& home_address : mobile_node.role().home_addresses(mobile_node.time()))
    if (home_address.state != "registered" && home_address.state != "spare" && home_address.state != "anchor" &&
        home_address.state != "resting")
      return false;
  return true;
}

std::string World::disagreement() {
  std::string out;
  for (const auto& binding : mobile_node.bindings()) {
    if (binding.peer != kHomeAgent) continue;
    const Address there = home_agent.tunnelled_to(binding.home_address);
    if (binding.state == "bound" && there != binding.care_of_address)
      out += to_string(binding.home_address) + " is thought to be at " + to_string(binding.care_of_address) + ", but is at " +
             to_string(there) + "\n";
  }
  out += correspondent_disagreement();
  // Whatever the home agent tunnels must be known to the mobile node, and from one care-of address only.
  for (const auto& binding : home_agent.bindings()) {
    if (binding.state != "bound") continue;
    std::size_t sources = 0;
    for (const auto& [source, present] : home_agent.kernel.tunnel_sources)
      if (source.home_address == binding.home_address) ++sources;
    if (sources != 1)
      out += to_string(binding.home_address) + " is accepted from " + std::to_string(sources) + " care-of addresses\n";
  }
  if (home_agent.kernel.tunnels.size() > home_agent.bindings().size()) out += "more tunnels than bindings\n";
  if (!correspondent_node.kernel.equals(correspondent_node.role().plan()))
    out += "the correspondent node's kernel is not what its plan says\n";
  if (!home_agent.kernel.equals(home_agent.role().plan())) out += "the home agent's kernel is not what its plan says\n";
  if (!mobile_node.kernel.equals(mobile_node.role().plan())) out += "the mobile node's kernel is not what its plan says\n";
  return out;
}

// What goes straight must be permitted at the other end, in both directions.
std::string World::correspondent_disagreement() {
  std::string out;
  for (const auto& [id, binding] : mobile_node.kernel.bindings) {
    if (binding.header != forwarding::HeaderKind::RouteOptimized || binding.peer != kCorrespondentNode) continue;
    const Address there = correspondent_node.sends_to(binding.home_address, binding.peer);
    if (there != binding.care_of_address)
      out += to_string(binding.home_address) + " goes straight from " + to_string(binding.care_of_address) +
             ", but the correspondent node has " + to_string(there) + "\n";
  }
  for (const auto& [pair, binding] : correspondent_node.kernel.correspondent_bindings)
    if (!mobile_node.kernel.routing_header_sources.contains(pair))
      out += "type 2 routing headers for " + to_string(pair.home_address) + " are sent, but not taken\n";
  return out;
}

std::string World::describe() {
  std::ostringstream out;
  const Now now = mobile_node.time();
  for (const auto& interface : mobile_node.role().interfaces(now))
    out << interface.name << ": " << to_string(interface.care_of_address)
        << (interface.usable ? "" : ", not usable: " + interface.why_not) << '\n';
  for (const auto& home_address : mobile_node.role().home_addresses(now))
    out << "mobile node: " << to_string(home_address.home_address) << ' ' << home_address.state << '\n';
  for (const auto& binding : mobile_node.bindings())
    out << "mobile node: " << to_string(binding.home_address) << ' ' << binding.state << " at "
        << to_string(binding.care_of_address) << ", sequence " << binding.sequence << ", last status "
        << binding.last_status << '\n';
  for (const auto& binding : home_agent.bindings())
    out << "home agent: " << to_string(binding.home_address) << ' ' << binding.state << " at "
        << to_string(binding.care_of_address) << ", sequence " << binding.sequence << '\n';
  for (const auto& binding : correspondent_node.bindings())
    out << "correspondent node: " << to_string(binding.home_address) << ' ' << binding.state << " at "
        << to_string(binding.care_of_address) << ", sequence " << binding.sequence << '\n';
  for (const auto& flow : mobile_node.role().flows(now))
    out << "flow " << flow.id << ' ' << to_string(flow.home_address) << ' ' << flow.interface << ' ' << flow.path << '\n';
  for (const auto& problem : mobile_node.role().status(now).problems) out << "problem: " << problem << '\n';

  constexpr std::size_t kLast = 60;
  const auto count_last = [&out](const char* who, const std::vector<std::string>& notices) {
    std::map<std::string, int> count;
    const auto first = notices.size() > kLast ? notices.end() - kLast : notices.begin();
    std::for_each(first, notices.end(), [&](const auto& event) { ++count[event]; });
    for (const auto& [event, times] : count) out << who << ": " << times << " x " << event << '\n';
  };
  count_last("mobile node", mobile_node.notices);
  count_last("home agent", home_agent.notices);
  count_last("correspondent node", correspondent_node.notices);
  return out.str();
}

void World::stream(std::uint16_t local_port, std::uint32_t count, Duration interval, std::uint32_t first,
                   const Address& to) {
  for (std::uint32_t i = 0; i < count; ++i)
    clock.after(interval * i, [this, local_port, to, number = first + i] {
      mobile_node.send_datagram(local_port, to, 7, number);
    });
}

}  // namespace mipflow::simulation
