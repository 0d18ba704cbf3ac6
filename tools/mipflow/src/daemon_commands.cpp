// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <ostream>

#include "commands.hpp"

namespace mipflow::tools {

int show_status(const Invocation& invocation) {
  return ask_and_show(invocation, {{"request", "status"}}, [&](const nlohmann::json& status) {
    nlohmann::json rest = status;
    if (rest.is_object()) rest.erase("problems");
    print_fields(invocation.console.out, rest,
                 {{"role", "role"},
                  {"version", "version"},
                  {"registered", "registered"},
                  {"at_home", "at home"},
                  {"home_agent", "home agent"},
                  {"home_agent_origin", "home agent is"},
                  {"served_for_seconds", "home agent has served for", Look::Seconds},
                  {"home_agent_search", "home agent search"},
                  {"primary_home_address", "primary home address"},
                  {"authentication", "authentication"},
                  {"flows", "flows"},
                  {"home_addresses", "home addresses"},
                  {"spares", "spare home addresses"},
                  {"home_addresses_resting", "resting home addresses"},
                  {"home_address_cap", "most home addresses"},
                  {"address_mechanisms", "home addresses come by"},
                  {"usable_interfaces", "usable interfaces"},
                  {"network_policy", "policy of the network"},
                  {"home_agent_clock_seconds", "home agent's clock ahead", Look::Seconds},
                  {"socket_addresses", "addresses at sockets"},
                  {"home_link", "home link"},
                  {"prefixes", "home prefixes"},
                  {"mobile_nodes", "mobile nodes"},
                  {"route_optimization", "route optimization"},
                  {"addresses", "addresses"},
                  {"bindings", "bindings"},
                  {"given_home_addresses", "home addresses given out"},
                  {"correspondent_bindings", "correspondent bindings"},
                  {"shares_load_with", "shares load with"},
                  {"binding_cache_capacity", "room for bindings"},
                  {"runs_as", "runs as"},
                  {"capabilities", "capabilities"},
                  {"uptime_seconds", "running for", Look::Seconds}});
    for (const auto& problem : field(status, "problems"))
      invocation.console.out << "problem: " << render(problem, Look::Plain) << '\n';
  });
}

int show_counters(const Invocation& invocation) {
  return ask_and_show(invocation, {{"request", "counters"}},
                      [&](const nlohmann::json& counters) { print_fields(invocation.console.out, counters, {}); });
}

int reload_configuration(const Invocation& invocation) {
  return ask_and_show(invocation, {{"request", "reload"}},
                      [&](const nlohmann::json&) { invocation.console.out << "the configuration is read again\n"; });
}

}  // namespace mipflow::tools
