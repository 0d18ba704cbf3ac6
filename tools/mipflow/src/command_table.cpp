// SPDX-License-Identifier: GPL-3.0-or-later
#include "command_table.hpp"

namespace mipflow::tools {
namespace {

constexpr std::size_t kAny = static_cast<std::size_t>(-1);
using enum ArgumentKind;

std::vector<Command> flow_commands() {
  return {
      {{"flow", "list"}, "", 0, 0, {}, {"watch"}, "the live flows and where each of them goes",
       "Shows every flow with its home address, care-of address, interface and counters. PATH is direct or tunnel, by the\n"
       "home agent; 'mipflow flow explain' says why. MOVES WITH names the flows that share its home address: they move\n"
       "together.",
       list_flows},
      {{"flow", "show"}, "ID", 1, 1, {Flow}, {"watch"}, "everything about one flow", "Shows every field of the flow with this number.",
       show_flow},
      {{"flow", "explain"}, "ID", 1, 1, {Flow}, {"watch"}, "why a flow goes where it goes",
       "Tells in sentences whose flow it is, which rule of which file decides about it, which home address it has and why,\n"
       "which interface and why none of the others, which path, what moves with it, and what its last moves cost.",
       explain_flow},
      {{"flow", "move"}, "ID INTERFACE", 2, 2, {Flow, Interface}, {}, "move a live flow to another interface",
       "Moves the flow, and with it the flows that `moves_with` names, to the interface. The choice stays until the\n"
       "interface becomes unusable, the flow is moved again, or 'mipflow flow release' leaves it to the policy. Neither end\n"
       "of the flow notices.",
       move_flow},
      {{"flow", "try"}, "ID INTERFACE", 2, 2, {Flow, Interface}, {"for", "keep-if-better"}, "move a flow for a while, measure, and move back",
       "Moves the flow for --for seconds (10 when left out), then tells what was measured. On a terminal it asks whether the\n"
       "flow shall stay; without an answer it goes back. With --keep-if-better the measurements decide, and exit code 4 says\n"
       "that it went back. An interrupt takes the flow back at once; should this command die, the daemon does so in time.",
       try_flow},
      {{"flow", "keep"}, "ID", 1, 1, {Flow}, {}, "let a flow that is being tried stay where it is",
       "Ends the trial that 'mipflow flow try' began: the flow stays on the interface that is tried.", keep_flow},
      {{"flow", "undo"}, "[ID]", 0, 1, {Flow}, {}, "take back the last move by command",
       "Moves the flow back to where it was before the last move by command; without ID the flow that was moved last.", undo_move},
      {{"flow", "release"}, "ID", 1, 1, {Flow}, {}, "leave the choice of interface to the policy again",
       "Forgets that the flow was moved by command; it goes where the policy wants it.", release_flow},
      {{"flow", "watch"}, "", 0, 0, {}, {}, "a line whenever a flow begins, moves or ends",
       "Prints a line for each flow that begins, moves to another interface or path, changes its state, or ends, until\n"
       "interrupted. It looks four times a second: flows that live shorter may not be seen. With --json one object per line.",
       watch_flows},
  };
}

std::vector<Command> address_commands() {
  return {
      {{"hoa", "list"}, "", 0, 0, {}, {"watch"}, "the home addresses",
       "Shows every home address with its care-of address, state, the flows that use it, and where it came from.",
       list_home_addresses},
      {{"hoa", "show"}, "HOME-ADDRESS", 1, 1, {HomeAddress}, {"watch"}, "everything about one home address",
       "Shows every field of the home address.", show_home_address},
      {{"hoa", "allocate"}, "", 0, 0, {}, {}, "get one more home address",
       "Allocates a home address by the configured mechanisms and keeps it registered, flows or not. It is printed at once;\n"
       "'mipflow hoa list' shows when it is registered.",
       allocate_home_address},
      {{"hoa", "free"}, "HOME-ADDRESS", 1, 1, {HomeAddress}, {}, "give a home address back",
       "De-registers a home address that no flow uses, and gives it back to where it came from.", free_home_address},
      {{"hoa", "pin"}, "HOME-ADDRESS", 1, 1, {HomeAddress}, {}, "keep a home address registered without flows",
       "The home address stays registered when its last flow has ended, so that others can reach this host there.",
       pin_home_address},
      {{"hoa", "unpin"}, "HOME-ADDRESS", 1, 1, {HomeAddress}, {}, "no longer keep a home address", "Takes back 'mipflow hoa pin'.",
       unpin_home_address},
      {{"interface", "list"}, "", 0, 0, {}, {"watch"}, "the interfaces that flows can use",
       "Shows every interface, whether flows can use it, and if not, why not; whether the home agent answers over it, and how\n"
       "fast.",
       list_interfaces},
      {{"binding", "list"}, "", 0, 0, {}, {"watch"}, "the bindings of home addresses to care-of addresses",
       "Shows the Binding Update List of the mobile node, with its home agent and with correspondent nodes; or with\n"
       "--home-agent or --correspondent-node the Binding Cache of that daemon.",
       list_bindings},
  };
}

std::vector<Command> agent_commands() {
  return {
      {{"ha", "status"}, "", 0, 0, {}, {"watch"}, "home agents that share the load",
       "Shows how this home agent shares its load, and each secondary and primary of it: whether it answers, how many home\n"
       "addresses it has, what it carries, and its round trip.",
       show_load_sharing},
      {{"ha", "list"}, "", 0, 0, {}, {"watch"}, "which home agent has which home address, and why",
       "Shows every home address that is bound here or that a primary delegated to this home agent: who intercepts its\n"
       "packets, why, and what was carried since that is so.",
       list_delegations},
      {{"ha", "delegate"}, "HOME-ADDRESS AGENT", 2, 2, {BoundHomeAddress, Agent}, {}, "let a secondary serve a home address",
       "The secondary intercepts and tunnels the packets of the home address from now on. It keeps it until it is recalled,\n"
       "delegated to another one or left to the division again, is drained, or dies. No packet is lost.",
       delegate_home_address},
      {{"ha", "recall"}, "HOME-ADDRESS", 1, 1, {BoundHomeAddress}, {}, "take a home address back",
       "This home agent serves the home address itself, and keeps it whatever the division says, until 'mipflow ha release'.",
       recall_home_address},
      {{"ha", "release"}, "HOME-ADDRESS", 1, 1, {BoundHomeAddress}, {}, "leave a home address to the division again",
       "Forgets that the home address was delegated or recalled by command; it goes where the division wants it.",
       release_home_address},
      {{"ha", "drain"}, "AGENT", 1, 1, {Agent}, {"end", "wait"}, "empty a secondary, for maintenance",
       "The secondary gets nothing new, and what it has goes elsewhere without a lost packet. With --wait it shows how many\n"
       "home addresses are left, and ends when there are none. --end ends the draining. A restart of this home agent forgets\n"
       "it: for longer, write weight = 0 into the configuration.",
       drain_agent},
  };
}

std::vector<Command> policy_commands() {
  return {
      {{"policy", "check"}, "[FILE...]", 0, kAny, {File}, {}, "check policy files without the daemon",
       "Reads the files as the daemon would, in this order, and prints every mistake with file, line and reason.\n"
       "Without files: those of /etc/mipflow/policy.d and /usr/lib/mipflow/policy.d. Exit code 1 when something is wrong.",
       check_policy},
      {{"policy", "show"}, "", 0, 0, {}, {"watch"}, "the policy in use, in the order of decision",
       "Shows the classes of all layers as the daemon uses them: the first one that fits a flow decides. FROM is the file and\n"
       "line that a class comes from.",
       show_policy},
      {{"policy", "test"}, "[FILE...]", 0, kAny, {File}, {}, "what a policy would change for the live flows",
       "Lets the daemon compare the files, read in this order, with the policy in use, and shows for which live flows\n"
       "something would change. Nothing is changed. Without files: what is on disk now. Exit code 1 when the files are wrong\n"
       "or the daemon would refuse them.",
       test_policy},
      {{"policy", "reload"}, "", 0, 0, {}, {}, "let the daemon read its policy files again",
       "Reads the policy files again, moves the flows for which they now say something else, and shows what changed. A file\n"
       "that is wrong changes nothing.",
       reload_policy},
      {{"policy", "user", "set"}, "FILE", 1, 1, {File}, {}, "set your own policy",
       "Gives the daemon your own classes: they decide about your flows only, before the operator's default ones and behind\n"
       "the mandatory ones. FILE may be - for standard input. It replaces the one that you set before.",
       set_user_policy},
      {{"policy", "user", "remove"}, "", 0, 0, {}, {}, "remove your own policy", "Forgets what 'mipflow policy user set' gave.",
       remove_user_policy},
  };
}

std::vector<Command> other_commands() {
  return {
      {{"status"}, "", 0, 0, {}, {"watch"}, "is everything in order?",
       "Shows the home agent, whether the primary home address is registered, how many flows, home addresses and\n"
       "interfaces there are, and what is wrong, with what to do about it. With --home-agent or --correspondent-node: the\n"
       "state of that daemon.",
       show_status},
      {{"reload"}, "", 0, 0, {}, {}, "let a home agent or correspondent node read its configuration again",
       "Reads the configuration of the daemon that --home-agent or --correspondent-node names again. A file that is wrong\n"
       "changes nothing. What a mobile node reads again is its policy: 'mipflow policy reload'.",
       reload_configuration},
      {{"counters"}, "", 0, 0, {}, {"watch"}, "what the daemon counted since it started",
       "Shows how often each kind of event happened: messages sent, received, refused and dropped.", show_counters},
      {{"metrics"}, "", 0, 0, {}, {}, "numbers for a monitoring system",
       "Prints what the daemon knows as OpenMetrics text: flows by class and interface, home addresses, bindings, the\n"
       "interfaces with their round trips and octets, histograms of the gaps and retransmissions of moves, and all counters.",
       show_metrics},
      {{"top"}, "", 0, 0, {}, {}, "a live view of interfaces and flows, moves with a key",
       "Shows interfaces and flows with their rates on the whole terminal. Keys: arrows select a flow, m and a digit move it,\n"
       "u takes the last move back, e explains the flow, s sorts, q quits.",
       show_top},
      {{"doctor"}, "", 0, 0, {}, {}, "what is wrong with this host, and what to do",
       "Looks at the kernel, the clock, the configuration and its keys, the interfaces, what other programs put in our way,\n"
       "and the daemon. Works without the daemon and without root, and says what it could not see. Exit code 0: all good,\n"
       "1: warnings, 2: errors.",
       run_doctor},
      {{"completion"}, "bash|zsh|fish", 1, 1, {Shell}, {}, "completion for a shell",
       "Prints a script for the shell. For one session: source <(mipflow completion bash)",
       print_completion},
  };
}

}  // namespace

const std::vector<Command>& command_table() {
  static const auto table = [] {
    auto out = other_commands();
    for (auto&& part : {flow_commands(), address_commands(), policy_commands(), agent_commands()}) out.insert(out.end(), part.begin(), part.end());
    return out;
  }();
  return table;
}

const std::vector<ForeignCommand>& foreign_commands() {
  static const std::vector<ForeignCommand> table{
      {"setup", "setup [OPTIONS]", "write the configuration of this host, asking for what it needs"},
      {"run", "run [OPTIONS] PROGRAM...", "run a program whose flows go their own way"},
      {"decode", "decode FILE|HEX...", "explain the Mobile IPv6 packets of a capture file or of hex digits"},
  };
  return table;
}

}  // namespace mipflow::tools
