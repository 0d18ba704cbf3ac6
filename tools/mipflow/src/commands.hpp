// SPDX-License-Identifier: GPL-3.0-or-later
// The commands: one function each, found by its words in the table of command.cpp.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "control_client.hpp"
#include "mipflow/tools/command.hpp"
#include "rendering.hpp"

namespace mipflow::tools {

struct Invocation {
  const CommandLine& line;
  std::vector<std::string> arguments;  // the words behind the command's own
  const Console& console;
};

// Each returns an ExitCode.
int show_status(const Invocation& invocation);
int show_counters(const Invocation& invocation);
int list_flows(const Invocation& invocation);
int show_flow(const Invocation& invocation);
int move_flow(const Invocation& invocation);
int list_home_addresses(const Invocation& invocation);
int show_home_address(const Invocation& invocation);
int list_interfaces(const Invocation& invocation);
int list_bindings(const Invocation& invocation);
int check_policy(const Invocation& invocation);
int reload_policy(const Invocation& invocation);

// "mipflow: message" on the error stream; returns `code`.
int complain(const Console& console, ExitCode code, const std::string& message);

// Asks the daemon; on success gives the result to `show` (or prints it as JSON when the user wants that), else complains.
template <class Show>
int ask_and_show(const Invocation& invocation, nlohmann::json request, Show&& show) {
  const auto result = ask(invocation.line.socket, std::move(request));
  if (!result)
    return complain(invocation.console, result.error().kind == ControlError::Kind::NotReachable ? kExitNoDaemon : kExitRefused,
                    result.error().message);
  if (invocation.line.json)
    print_json(invocation.console.out, *result);
  else
    show(*result);
  return kExitDone;
}

// Asks for a list and prints it as a table; `nothing` is the sentence for an empty one.
int ask_and_print_table(const Invocation& invocation, nlohmann::json request, const std::vector<FieldColumn>& columns,
                        const char* nothing);

}  // namespace mipflow::tools
