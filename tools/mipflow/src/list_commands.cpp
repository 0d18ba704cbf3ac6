// SPDX-License-Identifier: GPL-3.0-or-later
#include <ostream>

#include "commands.hpp"
#include "mipflow/base/address.hpp"

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
                              {"origin", "ORIGIN"}},
                             "there are no home addresses");
}

int show_home_address(const Invocation& invocation) {
  const auto& text = invocation.arguments[0];
  if (!Address::parse(text))
    return complain(invocation.console, kExitUsage,
                    "'" + text + "' is no IPv6 address; the first column of 'mipflow hoa list' has the home addresses");
  return ask_and_show(invocation, {{"request", "home-address"}, {"home_address", text}}, [&](const nlohmann::json& home_address) {
    print_fields(invocation.console.out, home_address,
                 {{"home_address", "home address"},
                  {"primary", "primary"},
                  {"care_of_address", "care-of address"},
                  {"interface", "interface"},
                  {"state", "state"},
                  {"flows", "flows"},
                  {"lifetime_seconds", "binding ends in", Look::Seconds},
                  {"origin", "origin"}});
  });
}

int list_interfaces(const Invocation& invocation) {
  return ask_and_print_table(invocation, {{"request", "interfaces"}},
                             {{"name", "INTERFACE"},
                              {"kind", "KIND"},
                              {"up", "UP"},
                              {"running", "CARRIER"},
                              {"usable", "USABLE"},
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
                              {"mobile_node", "MOBILE NODE"},
                              {"primary", "PRIMARY"},
                              {"state", "STATE"},
                              {"sequence", "SEQUENCE", Look::Plain, Right},
                              {"lifetime_seconds", "LIFETIME", Look::Seconds, Right},
                              {"last_status", "LAST STATUS"}},
                             "there are no bindings");
}

}  // namespace mipflow::tools
