// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <ostream>

#include "commands.hpp"
#include "mipflow/base/flow_key.hpp"

namespace mipflow::tools {
namespace {

using enum Table::Align;

// The whole text has to be a number from 1 up.
std::optional<FlowId> parse_flow_id(const std::string& text) {
  FlowId id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size() || id == 0) return std::nullopt;
  return id;
}

int complain_about_id(const Invocation& invocation) {
  return complain(invocation.console, kExitUsage,
                  fmt::format("'{}' is no flow: the number in the first column of 'mipflow flow list' is", invocation.arguments[0]));
}

std::string endpoint(const nlohmann::json& flow, const char* address_key, const char* port_key) {
  const auto address = render(field(flow, address_key), Look::Plain);
  const auto& port = field(flow, port_key);
  return port.is_null() || port == 0 ? address : fmt::format("[{}]:{}", address, render(port, Look::Plain));
}

// The rows of `flow list`: address and port in one cell.
nlohmann::json with_endpoints(const nlohmann::json& flows) {
  nlohmann::json out = flows;
  for (auto& flow : out) {
    if (!flow.is_object()) continue;
    flow["from"] = endpoint(flow, "source", "source_port");
    flow["to"] = endpoint(flow, "correspondent", "correspondent_port");
  }
  return out;
}

const std::vector<FieldColumn> kFlowColumns{
    {"id", "ID", Look::Plain, Right},
    {"class", "CLASS"},
    {"protocol", "PROTOCOL"},
    {"to", "CORRESPONDENT"},
    {"home_address", "HOME ADDRESS"},
    {"care_of_address", "CARE-OF ADDRESS"},
    {"interface", "INTERFACE"},
    {"state", "STATE"},
    {"bytes_out", "OUT", Look::Octets, Right},
    {"bytes_in", "IN", Look::Octets, Right},
    {"idle_seconds", "IDLE", Look::Seconds, Right},
    {"moves_with", "MOVES WITH"},
};

const std::vector<FieldColumn> kFlowFields{
    {"id", "flow"},
    {"class", "class"},
    {"protocol", "protocol"},
    {"source", "source"},
    {"source_port", "source port"},
    {"correspondent", "correspondent node"},
    {"correspondent_port", "correspondent port"},
    {"home_address", "home address"},
    {"care_of_address", "care-of address"},
    {"interface", "interface"},
    {"interface_reason", "why this interface"},
    {"path", "path"},
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
  const auto id = parse_flow_id(invocation.arguments[0]);
  if (!id) return complain_about_id(invocation);
  return ask_and_show(invocation, {{"request", "flow"}, {"id", *id}},
                      [&](const nlohmann::json& flow) { print_fields(invocation.console.out, flow, kFlowFields); });
}

int move_flow(const Invocation& invocation) {
  const auto id = parse_flow_id(invocation.arguments[0]);
  if (!id) return complain_about_id(invocation);
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

}  // namespace mipflow::tools
