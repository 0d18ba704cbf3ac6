// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <ostream>

#include "commands.hpp"
#include "flow_words.hpp"

namespace mipflow::tools {
namespace {

using enum Table::Align;

// The rows of `flow list`: address and port in one cell.
nlohmann::json with_endpoints(const nlohmann::json& flows) {
  nlohmann::json out = flows;
  for (auto& flow : out) {
    if (!flow.is_object()) continue;
    flow["from"] = endpoint(flow, "source", "source_port");
    flow["to"] = endpoint(flow, "correspondent", "correspondent_port");
    if (const auto program = program_of(flow); !program.empty()) flow["program"] = program;
  }
  return out;
}

const std::vector<FieldColumn> kFlowColumns{
    {"id", "ID", Look::Plain, Right},
    {"class", "CLASS"},
    {"program", "PROGRAM"},
    {"protocol", "PROTOCOL"},
    {"to", "CORRESPONDENT"},
    {"home_address", "HOME ADDRESS"},
    {"care_of_address", "CARE-OF ADDRESS"},
    {"interface", "INTERFACE"},
    {"path", "PATH"},
    {"state", "STATE"},
    {"bytes_out", "OUT", Look::Octets, Right},
    {"bytes_in", "IN", Look::Octets, Right},
    {"idle_seconds", "IDLE", Look::Seconds, Right},
    {"moves_with", "MOVES WITH"},
};

const std::vector<FieldColumn> kFlowFields{
    {"id", "flow"},
    {"class", "class"},
    {"rule_origin", "rule"},
    {"rule_layer", "layer of the rule"},
    {"protocol", "protocol"},
    {"source", "source"},
    {"source_port", "source port"},
    {"correspondent", "correspondent node"},
    {"correspondent_port", "correspondent port"},
    {"owner_in_words", "belongs to"},
    {"home_address", "home address"},
    {"home_address_reason", "why this home address"},
    {"care_of_address", "care-of address"},
    {"interface", "interface"},
    {"interface_reason", "why this interface"},
    {"path", "path"},
    {"path_reason", "why this path"},
    {"state", "state"},
    {"initiated_by", "initiated by"},
    {"packets_out", "packets out"},
    {"bytes_out", "octets out", Look::Octets},
    {"packets_in", "packets in"},
    {"bytes_in", "octets in", Look::Octets},
    {"idle_seconds", "idle", Look::Seconds},
    {"moves_with", "moves with"},
};

}  // namespace

int list_flows(const Invocation& invocation) {
  return ask_and_show(invocation, {{"request", "flows"}}, [&](const nlohmann::json& flows) {
    if (flows.empty())
      invocation.console.out << "there are no flows\n";
    else
      print_table(invocation.console.out, invocation.console.terminal, with_endpoints(flows), kFlowColumns);
  });
}

int show_flow(const Invocation& invocation) {
  const auto id = take_flow_id(invocation, 0);
  if (!id) return kExitUsage;
  return ask_and_show(invocation, {{"request", "flow"}, {"id", *id}}, [&](const nlohmann::json& flow) {
    auto shown = flow;
    if (shown.is_object()) {
      shown.erase("owner");
      if (const auto owner = owner_in_words(flow); !owner.empty()) shown["owner_in_words"] = owner;
    }
    print_fields(invocation.console.out, shown, kFlowFields);
  });
}

int move_flow(const Invocation& invocation) {
  const auto id = take_flow_id(invocation, 0);
  if (!id) return kExitUsage;
  const auto& interface = invocation.arguments[1];
  return ask_and_show(invocation, {{"request", "move-flow"}, {"id", *id}, {"interface", interface}},
                      [&](const nlohmann::json& result) {
                        invocation.console.out << fmt::format("flow {} moves to {}", *id, interface);
                        const auto& others = field(result, "moves_with");
                        if (!others.empty())
                          invocation.console.out << ", and with it " << render(others, Look::Plain);
                        invocation.console.out << '\n';
                      });
}

int keep_flow(const Invocation& invocation) {
  const auto id = take_flow_id(invocation, 0);
  if (!id) return kExitUsage;
  return ask_and_show(invocation, {{"request", "keep-flow"}, {"id", *id}},
                      [&](const nlohmann::json&) { invocation.console.out << fmt::format("flow {} stays where it is tried\n", *id); });
}

int undo_move(const Invocation& invocation) {
  nlohmann::json request{{"request", "undo-move"}};
  if (!invocation.arguments.empty()) {
    const auto id = take_flow_id(invocation, 0);
    if (!id) return kExitUsage;
    request["id"] = *id;
  }
  return ask_and_show(invocation, std::move(request), [&](const nlohmann::json& result) {
    invocation.console.out << fmt::format("flow {} goes back to {}\n", render(field(result, "id"), Look::Plain),
                                          render(field(result, "interface"), Look::Plain));
  });
}

int release_flow(const Invocation& invocation) {
  const auto id = take_flow_id(invocation, 0);
  if (!id) return kExitUsage;
  return ask_and_show(invocation, {{"request", "release-flow"}, {"id", *id}},
                      [&](const nlohmann::json&) { invocation.console.out << fmt::format("flow {} follows the policy again\n", *id); });
}

}  // namespace mipflow::tools
