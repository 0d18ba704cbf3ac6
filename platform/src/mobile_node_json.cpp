// SPDX-License-Identifier: GPL-3.0-or-later
// What the mobile node answers at its control socket; docs/schema/ has the same keys.
#include <nlohmann/json.hpp>

#include "json_values.hpp"
#include "mipflow/platform/control_protocol.hpp"

namespace mipflow::platform {

using nlohmann::json;

namespace {

json protocol_name(std::uint8_t protocol) {
  switch (protocol) {
    case kProtocolTcp: return "tcp";
    case kProtocolUdp: return "udp";
    case kProtocolIcmpv6: return "icmpv6";
    case kProtocolSctp: return "sctp";
    default: return std::to_string(protocol);
  }
}

bool has_ports(std::uint8_t protocol) {
  return protocol == kProtocolTcp || protocol == kProtocolUdp || protocol == kProtocolSctp || protocol == kProtocolIcmpv6;
}

json owner_or_null(const FlowOwnerPointer& owner) {
  if (!owner) return {};
  return {{"user", or_null(owner->user)},
          {"group", or_null(owner->group)},
          {"process", owner->process == 0 ? json() : json(owner->process)},
          {"program", text_or_null(owner->program)},
          {"cgroup", text_or_null(owner->cgroup)},
          {"unit", text_or_null(owner->unit)},
          {"wanted_class", text_or_null(owner->wanted_class)},
          {"wanted_interface", text_or_null(owner->wanted_interface)}};
}

json verdict_json(const mobile_node::InterfaceVerdict& verdict) {
  return {{"interface", verdict.interface}, {"chosen", verdict.chosen}, {"reason", verdict.reason}};
}

json move_json(const mobile_node::MoveSnapshot& move) {
  return {{"ago_seconds", seconds(move.ago)},
          {"from", text_or_null(move.from)},
          {"to", text_or_null(move.to)},
          {"cause", move.cause},
          {"gap_out_seconds", measured_or_null(move.gap_out)},
          {"gap_in_seconds", measured_or_null(move.gap_in)},
          {"retransmissions_out", or_null(move.retransmissions_out)},
          {"retransmissions_in", or_null(move.retransmissions_in)}};
}

json trial_json(const mobile_node::TrialSnapshot& trial) {
  return {{"from", text_or_null(trial.from)},
          {"to", text_or_null(trial.to)},
          {"ends_in_seconds", seconds(trial.ends_in)},
          {"outcome", trial.outcome},
          {"reason", text_or_null(trial.reason)}};
}

json in_words(const std::vector<InterfacePreference>& preferences) {
  auto out = json::array();
  for (const auto& preference : preferences) out.push_back(to_string(preference));
  return out;
}

const char* word_of(mobile_node::HomeAgentOrigin origin) {
  switch (origin) {
    case mobile_node::HomeAgentOrigin::Configured: return "configured";
    case mobile_node::HomeAgentOrigin::Discovered: return "discovered";
    case mobile_node::HomeAgentOrigin::Recovered: return "recovered";
  }
  return "";
}

}  // namespace

json to_json(const mobile_node::StatusSnapshot& status, Duration uptime) {
  auto home_agents = json::array();
  for (const auto& home_agent : status.home_agents) home_agents.push_back(to_string(home_agent));
  json out{{"role", "mobile-node"},
           {"version", MIPFLOW_VERSION},
           {"registered", status.registered},
           {"at_home", status.at_home},
           {"home_agent", address_or_null(status.home_agent)},
           {"home_agent_origin", word_of(status.home_agent_origin)},
           {"served_for_seconds", measured_or_null(status.served_for)},
           {"home_agents", std::move(home_agents)},
           {"home_agent_search", text_or_null(status.home_agent_search)},
           {"primary_home_address", address_or_null(status.primary_home_address)},
           {"authentication", status.authentication},
           {"flows", status.flows},
           {"home_addresses", status.home_addresses},
           {"home_address_cap", status.home_address_cap},
           {"home_addresses_resting", status.home_addresses_resting},
           {"spares", status.spares},
           {"address_mechanisms", status.address_mechanisms},
           {"usable_interfaces", status.usable_interfaces},
           {"network_policy", or_null(status.network_policy)},
           {"home_agent_clock_seconds", measured_or_null(status.home_agent_clock)},
           {"socket_addresses", text_or_null(status.socket_addresses)},
           {"problems", status.problems},
           {"uptime_seconds", seconds(uptime)}};
  out.update(to_json(present_privileges()));
  return out;
}

json to_json(const mobile_node::FlowSnapshot& flow) {
  const bool ports = has_ports(flow.key.protocol);
  return {{"id", flow.id},
          {"class", flow.class_name},
          {"protocol", protocol_name(flow.key.protocol)},
          {"source", to_string(flow.key.source)},
          {"source_port", ports ? json(flow.key.source_port) : json()},
          {"correspondent", to_string(flow.key.correspondent)},
          {"correspondent_port", ports ? json(flow.key.correspondent_port) : json()},
          {"owner", owner_or_null(flow.owner)},
          {"rule_origin", text_or_null(flow.rule_origin)},
          {"rule_layer", text_or_null(flow.rule_layer)},
          {"home_address", address_or_null(flow.home_address)},
          {"home_address_reason", text_or_null(flow.home_address_reason)},
          {"care_of_address", address_or_null(flow.care_of_address)},
          {"interface", text_or_null(flow.interface)},
          {"interface_reason", text_or_null(flow.interface_reason)},
          {"path", text_or_null(flow.path)},
          {"path_reason", text_or_null(flow.path_reason)},
          {"state", flow.state},
          {"initiated_by", flow.initiated_by_correspondent ? "correspondent-node" : "mobile-node"},
          {"packets_out", flow.packets_out},
          {"bytes_out", flow.bytes_out},
          {"packets_in", flow.packets_in},
          {"bytes_in", flow.bytes_in},
          {"idle_seconds", seconds(flow.idle)},
          {"moves_with", flow.moves_with}};
}

json to_json(const mobile_node::FlowExplanation& explanation) {
  json out = to_json(explanation.flow);
  auto& interfaces = out["interfaces"] = json::array();
  for (const auto& verdict : explanation.interfaces) interfaces.push_back(verdict_json(verdict));
  auto& moves = out["moves"] = json::array();
  for (const auto& move : explanation.moves) moves.push_back(move_json(move));
  out["trial"] = explanation.trial ? trial_json(*explanation.trial) : json();
  return out;
}

json to_json(const mobile_node::PolicyEffect& effect) {
  return {{"id", effect.id},
          {"class_before", effect.class_before},
          {"class_after", effect.class_after},
          {"interface_before", text_or_null(effect.interface_before)},
          {"interface_after", text_or_null(effect.interface_after)},
          {"note", text_or_null(effect.home_address_note)}};
}

json to_json(const mobile_node::MoveStatistics& statistics) {
  return {{"moves", statistics.moves},
          {"gap_bounds", statistics.kGapBounds},
          {"gaps", statistics.gaps},
          {"sum_of_gaps", statistics.sum_of_gaps},
          {"measured_gaps", statistics.measured_gaps},
          {"retransmission_bounds", statistics.kRetransmissionBounds},
          {"retransmissions", statistics.retransmissions},
          {"sum_of_retransmissions", statistics.sum_of_retransmissions},
          {"measured_retransmissions", statistics.measured_retransmissions}};
}

json to_json(const flow_separator::PolicyClass& item) {
  return {{"name", item.name},
          {"interfaces", in_words(item.interfaces.preferences)},
          {"never", in_words(item.interfaces.never)},
          {"return_after_seconds", seconds(item.interfaces.return_after)},
          {"home_address", item.fixed_home_address ? to_string(*item.fixed_home_address) : std::string(to_string(item.home_address))},
          {"route_optimization", to_string(item.route_optimization)},
          {"bypass", item.bypass},
          {"layer", to_string(item.layer)},
          {"user", or_null(item.user)},
          {"origin", text_or_null(item.origin)}};
}

json to_json(const mobile_node::HomeAddressSnapshot& item) {
  return {{"home_address", to_string(item.home_address)},
          {"primary", item.primary},
          {"care_of_address", address_or_null(item.care_of_address)},
          {"interface", text_or_null(item.interface)},
          {"state", item.state},
          {"flows", item.flows},
          {"lifetime_seconds", seconds_or_null(item.lifetime)},
          {"origin", item.origin},
          {"deprecated", item.deprecated},
          {"valid_for_seconds", seconds_or_null(item.valid_for)},
          {"pinned", item.pinned},
          {"note", text_or_null(item.note)}};
}

json to_json(const mobile_node::InterfaceSnapshot& item) {
  return {{"index", item.index},
          {"name", item.name},
          {"kind", to_string(item.kind)},
          {"up", item.up},
          {"running", item.running},
          {"usable", item.usable},
          {"why_not", text_or_null(item.why_not)},
          {"online", or_null(item.online)},
          {"round_trip_seconds", measured_or_null(item.round_trip)},
          {"loss_per_mille", or_null(item.loss)},
          {"metered", item.metered},
          {"care_of_address", address_or_null(item.care_of_address)},
          {"router", address_or_null(item.router)},
          {"mtu", item.mtu},
          {"flows", item.flows}};
}

json to_json(const mobile_node::BindingSnapshot& item) {
  return {{"peer", to_string(item.peer)},
          {"home_address", to_string(item.home_address)},
          {"care_of_address", address_or_null(item.care_of_address)},
          {"state", item.state},
          {"sequence", item.sequence},
          {"lifetime_seconds", seconds_or_null(item.lifetime)},
          {"last_status", text_or_null(item.last_status)}};
}

}  // namespace mipflow::platform
