// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/control_protocol.hpp"

#include <nlohmann/json.hpp>

#include "json_values.hpp"

namespace mipflow::platform {

using nlohmann::json;

namespace {

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

std::optional<bool> ControlRequest::flag(const char* parameter) const {
  const auto found = body_->find(parameter);
  if (found == body_->end() || !found->is_boolean()) return std::nullopt;
  return found->get<bool>();
}

bool ControlRequest::has(const char* parameter) const {
  const auto found = body_->find(parameter);
  return found != body_->end() && !found->is_null();
}

std::optional<std::vector<ControlRequest::NamedText>> ControlRequest::named_texts(const char* parameter) const {
  const auto found = body_->find(parameter);
  if (found == body_->end() || !found->is_array()) return std::nullopt;
  std::vector<NamedText> out;
  for (const auto& item : *found) {
    if (!item.is_object()) return std::nullopt;
    const auto name = item.find("name");
    const auto text = item.find("text");
    if (name == item.end() || !name->is_string() || text == item.end() || !text->is_string()) return std::nullopt;
    out.push_back({name->get<std::string>(), text->get<std::string>()});
  }
  return out;
}

std::string answer(const json& result) { return line_of({{"version", kControlProtocolVersion}, {"ok", true}, {"result", result}}); }

std::string error_answer(const std::string& kind, const std::string& message) {
  return line_of({{"version", kControlProtocolVersion}, {"ok", false}, {"error", {{"kind", kind}, {"message", message}}}});
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

json to_json(const correspondent_node::BindingSnapshot& item) {
  return {{"home_address", to_string(item.home_address)},
          {"care_of_address", address_or_null(item.care_of_address)},
          {"correspondent", to_string(item.correspondent)},
          {"state", item.state},
          {"sequence", item.sequence},
          {"lifetime_seconds", seconds_or_null(item.lifetime)},
          {"idle_seconds", seconds_or_null(item.idle)}};
}

std::map<std::string, std::uint64_t> counters_of(const correspondent_node::Counters& counters) {
  return {{"home-test-inits", counters.home_test_inits},
          {"care-of-test-inits", counters.care_of_test_inits},
          {"binding-updates", counters.binding_updates},
          {"binding-updates-accepted", counters.accepted},
          {"binding-updates-refused", counters.refused},
          {"dropped-unauthenticated", counters.dropped_unauthenticated},
          {"dropped-malformed", counters.dropped_malformed},
          {"binding-errors", counters.binding_errors},
          {"binding-refresh-requests", counters.refresh_requests},
          {"bindings-expired", counters.expired},
          {"bindings-replaced", counters.replaced}};
}

const char* kind_of(const mobile_node::CommandError& error) {
  using enum mobile_node::CommandError::Kind;
  switch (error.kind) {
    case UnknownFlow: return "unknown-flow";
    case UnknownInterface: return "unknown-interface";
    case InterfaceNotUsable: return "interface-not-usable";
    case UnknownHomeAddress: return "unknown-home-address";
    case UnknownClass: return "unknown-class";
    case NotPossible: return "not-possible";
  }
  return "not-possible";
}

json to_json(const Privileges& privileges) {
  return {{"runs_as", privileges.user}, {"capabilities", privileges.effective.names()}};
}

}  // namespace mipflow::platform
