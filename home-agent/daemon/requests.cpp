// SPDX-License-Identifier: GPL-3.0-or-later
// What operators ask for: at the control socket, and by SIGHUP.
#include <nlohmann/json.hpp>

#include "daemon.hpp"
#include "mipflow/platform/control_reply.hpp"

namespace mipflow::had {

using nlohmann::json;
using Reply = platform::ControlServer::Reply;

Reply Daemon::answer(const platform::ControlRequest& request) {
  if (request.name() == "bindings") return platform::reply_list(agent_->bindings(now()), agent_->correspondent_bindings(now()));
  if (request.name() == "status") return status();
  if (auto answered = answer_about_load_sharing(request)) return *answered;
  return platform::refuse("unknown-request", "a home agent knows no request '" + request.name() +
                                                 "'; it knows status, bindings, counters, reload, load-sharing, delegations, delegate-home-address, "
                                                 "recall-home-address, release-home-address, drain-agent");
}

Reply Daemon::status() {
  json problems = json::array();
  if (!has_address(settings_.agent.home_agent_address))
    problems.push_back("no interface has the home-agent-address " + to_string(settings_.agent.home_agent_address) + "; add it with ip address add");
  if (settings_.agent.accept_unauthenticated_insecure)
    problems.push_back("Binding Updates are accepted without authentication (authentication = \"none-insecure\")");
  for (auto& trouble : agent_->troubles()) problems.push_back(std::move(trouble));
  for (auto& sender : agent_->unverified_updates(now())) problems.push_back(std::move(sender));
  json prefixes = json::array();
  for (const auto& prefix : settings_.agent.home_prefixes) prefixes.push_back(to_string(prefix.prefix));
  json status{{"role", "home-agent"},
              {"version", platform::version()},
              {"home_agent", to_string(settings_.agent.home_agent_address)},
              {"home_link", settings_.home_link.empty() ? "virtual" : settings_.home_link},
              {"prefixes", prefixes},
              {"mobile_nodes", settings_.agent.mobile_nodes.size()},
              {"bindings", agent_->bindings(now()).size()},
              {"given_home_addresses", agent_->given_home_addresses()},
              {"correspondent_bindings", agent_->plan().correspondent_bindings.items().size()},
              {"uptime_seconds", uptime_seconds()}};
  status.update(platform::to_json(platform::present_privileges()));
  add_load_sharing(status, problems);
  status["problems"] = std::move(problems);
  return platform::reply(std::move(status));
}

std::map<std::string, std::uint64_t> Daemon::role_counters() const {
  const auto& role = agent_->counters();
  std::map<std::string, std::uint64_t> out{{"binding-updates", role.binding_updates},
                                           {"binding-updates-accepted", role.accepted},
                                           {"binding-updates-refused", role.refused},
                                           {"dropped-unauthenticated", role.dropped_unauthenticated},
                                           {"dropped-malformed", role.dropped_malformed},
                                           {"replayed", role.replayed},
                                           {"prefix-solicitations", role.prefix_solicitations},
                                           {"bindings-expired", role.expired},
                                           {"home-address-requests", role.home_address_requests},
                                           {"home-addresses-given", role.home_addresses_given},
                                           {"policy-requests", role.policy_requests},
                                           {"service-requests-refused", role.service_refused}};
  for (const auto& [name, value] : platform::counters_of(agent_->correspondent_counters())) out.emplace("correspondent-" + name, value);
  for (const auto& [name, value] : platform::counters_of(agent_->load_sharing_counters())) out.emplace("load-sharing-" + name, value);
  out["load-sharing-dropped-stranger"] += forwarding_port_->strangers();  // those that the role never saw
  return out;
}

Expected<void, platform::ConfigurationErrors> Daemon::reload() {
  auto settings = platform::load_home_agent_settings(options_.configuration);
  if (!settings) return Unexpected{settings.error()};
  if (settings->agent.home_agent_address != settings_.agent.home_agent_address || settings->home_link != settings_.home_link)
    return needs_restart("home-agent-address and home-link");
  if (settings->agent.correspondent_node.binding_cache_capacity != settings_.agent.correspondent_node.binding_cache_capacity)
    return needs_restart("[correspondent-node] binding-cache-capacity");
  if (settings->agent.load_sharing.port != settings_.agent.load_sharing.port) return needs_restart("[load-sharing] port");
  if (tunnel_capacity(settings->agent) > tunnel_capacity_)
    return needs_restart("[binding-cache] capacity and [[primary]] capacity, which are more together than the data path has room for,");
  settings->agent.home_interface = settings_.agent.home_interface;
  settings->agent.home_link_layer_address = settings_.agent.home_link_layer_address;
  settings_ = std::move(*settings);
  if (dhcpv6_port_) dhcpv6_port_->want(wants_dhcpv6());
  runner_->command([this](Now at, Outputs& outputs) { agent_->set_configuration(settings_.agent, at, outputs); });
  follow_agents();
  return {};
}

}  // namespace mipflow::had
