// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/control_protocol.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

namespace mipflow::platform {

using nlohmann::json;

namespace {

json address_or_null(const Address& address) { return address.is_unspecified() ? json() : json(to_string(address)); }
json text_or_null(const std::string& text) { return text.empty() ? json() : json(text); }
json seconds(Duration duration) {
  return std::round(std::chrono::duration<double, std::milli>(duration).count()) / 1000;
}
json seconds_or_null(const std::optional<Duration>& duration) { return duration ? seconds(*duration) : json(); }

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

const char* kind_name(mobile_node::InterfaceKind kind) {
  using enum mobile_node::InterfaceKind;
  switch (kind) {
    case Wired: return "wired";
    case Wifi: return "wifi";
    case Cellular: return "cellular";
    case Other: return "other";
  }
  return "other";
}

// Names of classes and interfaces may hold octets that are no UTF-8; dump() must not throw over them.
std::string line_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

Expected<ControlRequest, ControlRequest::Refusal> ControlRequest::parse(const std::string& line) {
  const auto refuse = [](const char* kind, std::string message) { return Unexpected{Refusal{kind, std::move(message)}}; };
  auto body = std::make_shared<json>(json::parse(line, nullptr, false));
  if (!body->is_object()) return refuse("malformed", "a request is one JSON object on one line, like {\"version\":1,\"request\":\"status\"}");
  const auto version = body->find("version");
  if (version == body->end() || !version->is_number_integer() || *version != kControlProtocolVersion)
    return refuse("version", "this daemon speaks version 1 of the control protocol; expected \"version\":1");
  const auto name = body->find("request");
  if (name == body->end() || !name->is_string()) return refuse("malformed", "the request has no name; expected \"request\":\"status\" or the like");
  ControlRequest out;
  out.name_ = name->get<std::string>();
  out.body_ = std::move(body);
  return out;
}

std::optional<std::uint64_t> ControlRequest::number(const char* parameter) const {
  const auto found = body_->find(parameter);
  if (found == body_->end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

std::optional<std::string> ControlRequest::text(const char* parameter) const {
  const auto found = body_->find(parameter);
  if (found == body_->end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

std::string answer(const json& result) { return line_of({{"version", kControlProtocolVersion}, {"ok", true}, {"result", result}}); }

std::string error_answer(const std::string& kind, const std::string& message) {
  return line_of({{"version", kControlProtocolVersion}, {"ok", false}, {"error", {{"kind", kind}, {"message", message}}}});
}

json to_json(const mobile_node::StatusSnapshot& status, Duration uptime) {
  return {{"role", "mobile-node"},
          {"version", MIPFLOW_VERSION},
          {"registered", status.registered},
          {"at_home", status.at_home},
          {"home_agent", address_or_null(status.home_agent)},
          {"primary_home_address", address_or_null(status.primary_home_address)},
          {"authentication", status.authentication},
          {"flows", status.flows},
          {"home_addresses", status.home_addresses},
          {"spares", status.spares},
          {"usable_interfaces", status.usable_interfaces},
          {"problems", status.problems},
          {"uptime_seconds", seconds(uptime)}};
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
          {"home_address", address_or_null(flow.home_address)},
          {"care_of_address", address_or_null(flow.care_of_address)},
          {"interface", text_or_null(flow.interface)},
          {"interface_reason", text_or_null(flow.interface_reason)},
          {"path", text_or_null(flow.path)},
          {"state", flow.state},
          {"initiated_by", flow.initiated_by_correspondent ? "correspondent-node" : "mobile-node"},
          {"packets_out", flow.packets_out},
          {"bytes_out", flow.bytes_out},
          {"packets_in", flow.packets_in},
          {"bytes_in", flow.bytes_in},
          {"idle_seconds", seconds(flow.idle)},
          {"moves_with", flow.moves_with}};
}

json to_json(const mobile_node::HomeAddressSnapshot& item) {
  return {{"home_address", to_string(item.home_address)},
          {"primary", item.primary},
          {"care_of_address", address_or_null(item.care_of_address)},
          {"interface", text_or_null(item.interface)},
          {"state", item.state},
          {"flows", item.flows},
          {"lifetime_seconds", seconds_or_null(item.lifetime)},
          {"origin", item.origin}};
}

json to_json(const mobile_node::InterfaceSnapshot& item) {
  return {{"index", item.index},
          {"name", item.name},
          {"kind", kind_name(item.kind)},
          {"up", item.up},
          {"running", item.running},
          {"usable", item.usable},
          {"why_not", text_or_null(item.why_not)},
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

json to_json(const home_agent::BindingSnapshot& item) {
  return {{"home_address", to_string(item.home_address)},
          {"care_of_address", address_or_null(item.care_of_address)},
          {"mobile_node", text_or_null(item.mobile_node)},
          {"primary", item.primary},
          {"state", item.state},
          {"sequence", item.sequence},
          {"lifetime_seconds", seconds_or_null(item.lifetime)}};
}

const char* kind_of(const mobile_node::CommandError& error) {
  using enum mobile_node::CommandError::Kind;
  switch (error.kind) {
    case UnknownFlow: return "unknown-flow";
    case UnknownInterface: return "unknown-interface";
    case InterfaceNotUsable: return "interface-not-usable";
    case UnknownHomeAddress: return "unknown-home-address";
    case NotPossible: return "not-possible";
  }
  return "not-possible";
}

}  // namespace mipflow::platform
