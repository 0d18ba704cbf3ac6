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
                  {"primary_home_address", "primary home address"},
                  {"authentication", "authentication"},
                  {"flows", "flows"},
                  {"home_addresses", "home addresses"},
                  {"spares", "spare home addresses"},
                  {"usable_interfaces", "usable interfaces"},
                  {"home_link", "home link"},
                  {"prefixes", "home prefixes"},
                  {"mobile_nodes", "mobile nodes"},
                  {"bindings", "bindings"},
                  {"uptime_seconds", "running for", Look::Seconds}});
    for (const auto& problem : field(status, "problems"))
      invocation.console.out << "problem: " << render(problem, Look::Plain) << '\n';
  });
}

int show_counters(const Invocation& invocation) {
  return ask_and_show(invocation, {{"request", "counters"}},
                      [&](const nlohmann::json& counters) { print_fields(invocation.console.out, counters, {}); });
}

}  // namespace mipflow::tools
