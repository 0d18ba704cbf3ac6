// SPDX-License-Identifier: GPL-3.0-or-later
#include <ostream>

#include "commands.hpp"

namespace mipflow::tools {
namespace {

using enum Table::Align;

}  // namespace

int ask_and_print_table(const Invocation& invocation, nlohmann::json request, const std::vector<FieldColumn>& columns,
                        const char* nothing) {
  return ask_and_show(invocation, std::move(request), [&](const nlohmann::json& rows) {
    if (rows.empty())
      invocation.console.out << nothing << '\n';
    else
      print_table(invocation.console.out, invocation.console.terminal, rows, columns);
  });
}

int list_home_addresses(const Invocation& invocation) {
  return ask_and_print_table(invocation, {{"request", "home-addresses"}},
                             {{"home_address", "HOME ADDRESS"},
                              {"primary", "PRIMARY"},
                              {"care_of_address", "CARE-OF ADDRESS"},
                              {"interface", "INTERFACE"},
                              {"state", "STATE"},
                              {"flows", "FLOWS"},
                              {"lifetime_seconds", "LIFETIME", Look::Seconds, Right},
                              {"origin", "ORIGIN"},
                              {"pinned", "PINNED"},
                              {"deprecated", "DEPRECATED"},
                              {"note", "NOTE"}},
                             "there are no home addresses");
}

int show_home_address(const Invocation& invocation) {
  if (!is_address(invocation, 0)) return kExitUsage;
  return ask_and_show(invocation, {{"request", "home-address"}, {"home_address", invocation.arguments[0]}},
                      [&](const nlohmann::json& home_address) {
                        print_fields(invocation.console.out, home_address,
                                     {{"home_address", "home address"},
                                      {"primary", "primary"},
                                      {"care_of_address", "care-of address"},
                                      {"interface", "interface"},
                                      {"state", "state"},
                                      {"flows", "flows"},
                                      {"lifetime_seconds", "binding ends in", Look::Seconds},
                                      {"origin", "origin"},
                                      {"pinned", "pinned"},
                                      {"deprecated", "deprecated"},
                                      {"valid_for_seconds", "address ends in", Look::Seconds},
                                      {"note", "note"}});
                      });
}

int allocate_home_address(const Invocation& invocation) {
  return ask_and_show(invocation, {{"request", "allocate-home-address"}}, [&](const nlohmann::json& result) {
    invocation.console.out << render(field(result, "home_address"), Look::Plain) << '\n';
  });
}

int free_home_address(const Invocation& invocation) {
  if (!is_address(invocation, 0)) return kExitUsage;
  const auto& address = invocation.arguments[0];
  return ask_and_show(invocation, {{"request", "free-home-address"}, {"home_address", address}},
                      [&](const nlohmann::json&) { invocation.console.out << address << " is given back\n"; });
}

namespace {

int set_pinned(const Invocation& invocation, bool pinned) {
  if (!is_address(invocation, 0)) return kExitUsage;
  const auto& address = invocation.arguments[0];
  return ask_and_show(invocation, {{"request", "pin-home-address"}, {"home_address", address}, {"pinned", pinned}},
                      [&](const nlohmann::json&) {
                        invocation.console.out << address << (pinned ? " stays registered\n" : " goes with its last flow\n");
                      });
}

}  // namespace

int pin_home_address(const Invocation& invocation) { return set_pinned(invocation, true); }
int unpin_home_address(const Invocation& invocation) { return set_pinned(invocation, false); }

int list_interfaces(const Invocation& invocation) {
  return ask_and_print_table(invocation, {{"request", "interfaces"}},
                             {{"name", "INTERFACE"},
                              {"kind", "KIND"},
                              {"up", "UP"},
                              {"running", "CARRIER"},
                              {"usable", "USABLE"},
                              {"online", "ONLINE"},
                              {"round_trip_seconds", "ROUND TRIP", Look::Measured, Right},
                              {"loss_per_mille", "LOSS", Look::PerMille, Right},
                              {"metered", "METERED"},
                              {"care_of_address", "CARE-OF ADDRESS"},
                              {"router", "ROUTER"},
                              {"mtu", "MTU", Look::Plain, Right},
                              {"flows", "FLOWS", Look::Plain, Right},
                              {"why_not", "WHY NOT"}},
                             "there are no interfaces that flows could use");
}

int list_bindings(const Invocation& invocation) {
  return ask_and_print_table(invocation, {{"request", "bindings"}},
                             {{"home_address", "HOME ADDRESS"},
                              {"care_of_address", "CARE-OF ADDRESS"},
                              {"peer", "PEER"},
                              {"correspondent", "CORRESPONDENT"},
                              {"mobile_node", "MOBILE NODE"},
                              {"primary", "PRIMARY"},
                              {"state", "STATE"},
                              {"sequence", "SEQUENCE", Look::Plain, Right},
                              {"lifetime_seconds", "LIFETIME", Look::Seconds, Right},
                              {"idle_seconds", "IDLE", Look::Seconds, Right},
                              {"last_status", "LAST STATUS"}},
                             "there are no bindings");
}

}  // namespace mipflow::tools
