// SPDX-License-Identifier: GPL-3.0-or-later
// `mipflow metrics`: what the daemon knows, as numbers for a monitoring system.
#include <fmt/format.h>

#include <tuple>

#include "commands.hpp"
#include "link_counters.hpp"
#include "open_metrics.hpp"

namespace mipflow::tools {
namespace {

using enum MetricFamily::Type;
using nlohmann::json;

// The answers that metrics are made of; null for what the daemon of this role does not know.
struct Answers {
  json status, flows, home_addresses, interfaces, bindings, moves, load_sharing, counters;
};

Expected<Answers, ControlError> ask_for_all(const std::string& socket) {
  Answers out;
  const auto take = [&](const char* request, json& answer) -> std::optional<ControlError> {
    auto result = ask(socket, {{"request", request}});
    if (result) answer = std::move(*result);
    else if (result.error().name != "unknown-request") return result.error();
    return std::nullopt;
  };
  for (const auto& [request, answer] :
       {std::pair{"status", &out.status}, std::pair{"flows", &out.flows}, std::pair{"home-addresses", &out.home_addresses},
        std::pair{"interfaces", &out.interfaces}, std::pair{"bindings", &out.bindings},
        std::pair{"move-statistics", &out.moves}, std::pair{"load-sharing", &out.load_sharing},
        std::pair{"counters", &out.counters}})
    if (auto error = take(request, *answer)) return Unexpected{std::move(*error)};
  return out;
}

std::string word(const json& object, const char* key) {
  const auto& value = field(object, key);
  return value.is_string() ? value.get<std::string>() : value.is_null() ? "" : value.dump();
}

// A number, a switch as 0 or 1; nothing for what is not known.
void add(MetricFamily& family, const json& value, std::map<std::string, std::string> labels = {}) {
  if (value.is_boolean()) family.samples.push_back({"", std::move(labels), value.get<bool>() ? 1.0 : 0.0});
  else if (value.is_number()) family.samples.push_back({"", std::move(labels), value.get<double>()});
}

// How many objects of the list have the same values of the keys, which become labels.
MetricFamily count_by(std::string name, std::string help, const json& list, const std::vector<const char*>& keys) {
  MetricFamily out{std::move(name), Gauge, "", std::move(help), {}};
  std::map<std::map<std::string, std::string>, double> counts;
  if (list.is_array())
    for (const auto& item : list) {
      std::map<std::string, std::string> labels;
      for (const auto* key : keys) labels[key] = word(item, key);
      ++counts[labels];
    }
  for (const auto& [labels, count] : counts) out.samples.push_back({"", labels, count});
  return out;
}

std::vector<MetricFamily> of_status(const json& status) {
  std::vector<MetricFamily> out;
  out.push_back({"mipflow_build",
                 Info,
                 "",
                 "Version and role of the daemon.",
                 {{"_info", {{"version", word(status, "version")}, {"role", word(status, "role")}}, 1}}});
  for (const auto& [name, key, unit, help] :
       {std::tuple{"mipflow_uptime_seconds", "uptime_seconds", "seconds", "How long the daemon runs."},
        std::tuple{"mipflow_registered", "registered", "",
                   "1 when the Primary Home Address is bound, or the node is at home."},
        std::tuple{"mipflow_at_home", "at_home", "", "1 on the home link."},
        std::tuple{"mipflow_spare_home_addresses", "spares", "", "Registered home addresses without flows."},
        std::tuple{"mipflow_resting_home_addresses", "home_addresses_resting", "",
                   "Home addresses that are not used again yet."},
        std::tuple{"mipflow_most_home_addresses", "home_address_cap", "", "Cap on home addresses."},
        std::tuple{"mipflow_mobile_nodes", "mobile_nodes", "", "Mobile nodes that the home agent serves."},
        std::tuple{"mipflow_binding_cache_capacity", "binding_cache_capacity", "", "Room for bindings."}}) {
    MetricFamily family{name, Gauge, unit, help, {}};
    add(family, field(status, key));
    out.push_back(std::move(family));
  }
  MetricFamily problems{"mipflow_problems", Gauge, "", "Problems that mipflow status lists.", {}};
  add(problems, field(status, "problems").size());
  out.push_back(std::move(problems));
  return out;
}

std::vector<MetricFamily> of_interfaces(const json& interfaces) {
  std::vector<MetricFamily> out;
  if (!interfaces.is_array()) return out;
  const auto labels = [](const json& item) {
    return std::map<std::string, std::string>{{"interface", word(item, "name")}, {"kind", word(item, "kind")}};
  };
  for (const auto& [name, key, unit, help] :
       {std::tuple{"mipflow_interface_usable", "usable", "", "1 when flows can use the interface."},
        std::tuple{"mipflow_interface_online", "online", "",
                   "1 when the home agent answers over it; absent while that is not known."},
        std::tuple{"mipflow_interface_metered", "metered", "", "1 when traffic on it costs money."},
        std::tuple{"mipflow_interface_flows", "flows", "", "Flows on it."},
        std::tuple{"mipflow_interface_mtu_bytes", "mtu", "bytes", "Largest packet."},
        std::tuple{"mipflow_interface_round_trip_seconds", "round_trip_seconds", "seconds",
                   "To the home agent and back."}}) {
    MetricFamily family{name, Gauge, unit, help, {}};
    for (const auto& item : interfaces) add(family, field(item, key), labels(item));
    out.push_back(std::move(family));
  }
  MetricFamily loss{
      "mipflow_interface_loss_ratio", Gauge, "ratio", "Part of the last probes to the home agent that was lost.", {}};
  MetricFamily in{"mipflow_interface_received_bytes", Counter, "bytes", "Everything that came in on it.", {}};
  MetricFamily sent{"mipflow_interface_sent_bytes", Counter, "bytes", "Everything that went out on it.", {}};
  const auto counters = read_link_counters();
  for (const auto& item : interfaces) {
    if (const auto& value = field(item, "loss_per_mille"); value.is_number())
      loss.samples.push_back({"", labels(item), value.get<double>() / 1000});
    if (const auto found = counters.find(word(item, "name")); found != counters.end()) {
      in.samples.push_back({"_total", labels(item), static_cast<double>(found->second.bytes_in)});
      sent.samples.push_back({"_total", labels(item), static_cast<double>(found->second.bytes_out)});
    }
  }
  for (auto* family : {&loss, &in, &sent}) out.push_back(std::move(*family));
  return out;
}

// `counts` are of values at or below the bound of the same place.
MetricFamily histogram(std::string name, std::string unit, std::string help, const json& bounds, const json& counts,
                       const json& sum, const json& all) {
  MetricFamily out{std::move(name), Histogram, std::move(unit), std::move(help), {}};
  if (!bounds.is_array() || !counts.is_array() || bounds.size() != counts.size() || !sum.is_number() || !all.is_number())
    return out;
  for (std::size_t index = 0; index < bounds.size(); ++index) {
    if (!bounds[index].is_number() || !counts[index].is_number()) return {};
    // OpenMetrics has its bounds as floating point numbers, whole ones too.
    const auto bound = bounds[index].get<double>();
    const auto text = fmt::format("{}", bound);
    out.samples.push_back({"_bucket",
                           {{"le", text.find_first_of(".e") == std::string::npos ? text + ".0" : text}},
                           counts[index].get<double>()});
  }
  out.samples.push_back({"_bucket", {{"le", "+Inf"}}, all.get<double>()});
  out.samples.push_back({"_sum", {}, sum.get<double>()});
  out.samples.push_back({"_count", {}, all.get<double>()});
  return out;
}

std::vector<MetricFamily> of_moves(const json& moves) {
  std::vector<MetricFamily> out;
  if (!moves.is_object()) return out;
  MetricFamily count{"mipflow_moves", Counter, "", "Moves of single flows, whatever the cause.", {}};
  if (const auto& value = field(moves, "moves"); value.is_number())
    count.samples.push_back({"_total", {}, value.get<double>()});
  out.push_back(std::move(count));
  out.push_back(histogram(
      "mipflow_move_gap_seconds", "seconds", "Longest time between two packets in a row in the two seconds behind a move.",
      field(moves, "gap_bounds"), field(moves, "gaps"), field(moves, "sum_of_gaps"), field(moves, "measured_gaps")));
  out.push_back(histogram("mipflow_move_retransmitted_segments", "segments",
                          "TCP segments sent a second time in the two seconds behind a move.",
                          field(moves, "retransmission_bounds"), field(moves, "retransmissions"),
                          field(moves, "sum_of_retransmissions"), field(moves, "measured_retransmissions")));
  return out;
}

std::vector<MetricFamily> of_load_sharing(const json& sharing) {
  std::vector<MetricFamily> out;
  if (!sharing.is_object()) return out;
  MetricFamily rate{"mipflow_tunnelled_packets_per_second", Gauge, "", "Packets a second to home addresses through this home agent.", {}};
  add(rate, field(sharing, "packets_per_second"));
  out.push_back(std::move(rate));
  const auto& agents = field(sharing, "agents");
  if (!agents.is_array()) return out;
  const auto labels = [](const json& agent) {
    return std::map<std::string, std::string>{{"agent", word(agent, "name")}, {"agent_role", word(agent, "role")}};
  };
  MetricFamily up{"mipflow_agent_answers", Gauge, "", "1 while the other home agent answers.", {}};
  for (const auto& agent : agents)
    up.samples.push_back({"", labels(agent), field(agent, "state") == "serving" || field(agent, "state") == "draining" ? 1.0 : 0.0});
  out.push_back(std::move(up));
  for (const auto& [name, key, unit, help] :
       {std::tuple{"mipflow_agent_home_addresses", "home_addresses", "", "Home addresses that are delegated to the secondary, or by the primary."},
        std::tuple{"mipflow_agent_home_addresses_in_exchange", "in_exchange", "", "Home addresses that are going there or coming back."},
        std::tuple{"mipflow_agent_packets_per_second", "packets_per_second", "", "What it tunnels of them."},
        std::tuple{"mipflow_agent_weight", "weight", "", "Of its share."},
        std::tuple{"mipflow_agent_round_trip_seconds", "round_trip_seconds", "seconds", "Of a heartbeat."},
        std::tuple{"mipflow_agent_silent_seconds", "silent_seconds", "seconds", "Since it was heard of."}}) {
    MetricFamily family{name, Gauge, unit, help, {}};
    for (const auto& agent : agents) add(family, field(agent, key), labels(agent));
    out.push_back(std::move(family));
  }
  return out;
}

MetricFamily of_counters(const json& counters) {
  MetricFamily out{"mipflow_events", Counter, "", "What the daemon counted since it started, by kind of event.", {}};
  if (counters.is_object())
    for (const auto& [name, value] : counters.items())
      if (value.is_number()) out.samples.push_back({"_total", {{"event", name}}, value.get<double>()});
  return out;
}

}  // namespace

int show_metrics(const Invocation& invocation) {
  const auto answers = ask_for_all(invocation.line.socket);
  if (!answers) return complain(invocation.console, answers.error());
  auto families = of_status(answers->status);
  const auto append = [&](std::vector<MetricFamily> more) {
    for (auto& family : more) families.push_back(std::move(family));
  };
  families.push_back(count_by("mipflow_flows", "Live flows.", answers->flows, {"class", "interface", "path", "state"}));
  families.push_back(count_by("mipflow_home_addresses", "Home addresses.", answers->home_addresses, {"state", "origin"}));
  families.push_back(count_by("mipflow_bindings", "Bindings.", answers->bindings, {"state"}));
  append(of_interfaces(answers->interfaces));
  append(of_moves(answers->moves));
  append(of_load_sharing(answers->load_sharing));
  families.push_back(of_counters(answers->counters));
  if (invocation.line.json) print_result(invocation, metrics_json(families));
  else print_open_metrics(invocation.console.out, families);
  return kExitDone;
}

}  // namespace mipflow::tools
