// SPDX-License-Identifier: GPL-3.0-or-later
// The commands: one function each, found by its words in the table of command.cpp.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "control_client.hpp"
#include "mipflow/base/flow_key.hpp"
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
int reload_configuration(const Invocation& invocation);
int list_flows(const Invocation& invocation);
int show_flow(const Invocation& invocation);
int explain_flow(const Invocation& invocation);
int move_flow(const Invocation& invocation);
int try_flow(const Invocation& invocation);
int keep_flow(const Invocation& invocation);
int undo_move(const Invocation& invocation);
int release_flow(const Invocation& invocation);
int watch_flows(const Invocation& invocation);
int list_home_addresses(const Invocation& invocation);
int show_home_address(const Invocation& invocation);
int allocate_home_address(const Invocation& invocation);
int free_home_address(const Invocation& invocation);
int pin_home_address(const Invocation& invocation);
int unpin_home_address(const Invocation& invocation);
int list_interfaces(const Invocation& invocation);
int list_bindings(const Invocation& invocation);
int show_metrics(const Invocation& invocation);
int show_top(const Invocation& invocation);
int run_doctor(const Invocation& invocation);
int print_completion(const Invocation& invocation);
int show_load_sharing(const Invocation& invocation);
int list_delegations(const Invocation& invocation);
int delegate_home_address(const Invocation& invocation);
int recall_home_address(const Invocation& invocation);
int release_home_address(const Invocation& invocation);
int drain_agent(const Invocation& invocation);
int check_policy(const Invocation& invocation);
int show_policy(const Invocation& invocation);
int test_policy(const Invocation& invocation);
int reload_policy(const Invocation& invocation);
int set_user_policy(const Invocation& invocation);
int remove_user_policy(const Invocation& invocation);

// --watch: the command again and again until it is interrupted, nobody reads any more, or the daemon refuses.
int run_again_and_again(const Invocation& invocation, int (*command)(const Invocation&));

// `mipflow __complete WORD...`, what the shells' completions ask: the last word is the one that is being typed.
int complete_words(const std::vector<std::string>& words, const Console& console);

// "mipflow: message" on the error stream; returns `code`.
int complain(const Console& console, ExitCode code, const std::string& message);

// The same for what ask() came back with.
int complain(const Console& console, const ControlError& error);

// What --json prints: spread over lines, or with --watch on one.
void print_result(const Invocation& invocation, const nlohmann::json& result);

// Asks the daemon; on success gives the result to `show` (or prints it as JSON when the user wants that), else complains.
template <class Show>
int ask_and_show(const Invocation& invocation, nlohmann::json request, Show&& show) {
  const auto result = ask(invocation.line.socket, std::move(request));
  if (!result) return complain(invocation.console, result.error());
  if (invocation.line.json)
    print_result(invocation, *result);
  else
    show(*result);
  return kExitDone;
}

// A flow's number on the command line; nullopt after a complaint.
std::optional<FlowId> take_flow_id(const Invocation& invocation, std::size_t position);
// A home address likewise.
bool is_address(const Invocation& invocation, std::size_t position);

// Asks for a list and prints it as a table; `nothing` is the sentence for an empty one.
int ask_and_print_table(const Invocation& invocation, nlohmann::json request, const std::vector<FieldColumn>& columns,
                        const char* nothing);

}  // namespace mipflow::tools
