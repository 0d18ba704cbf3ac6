// SPDX-License-Identifier: GPL-3.0-or-later
#include "control_requests.hpp"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "mipflow/platform/clock.hpp"
#include "mipflow/platform/configuration.hpp"

namespace mipflow::mnd {

using nlohmann::json;
using platform::ControlRequest;

namespace {

using Reply = platform::ControlServer::Reply;

Reply refuse(std::string kind, std::string message) {
  return [kind = std::move(kind), message = std::move(message)] { return platform::error_answer(kind, message); };
}

Reply refuse(const CommandError& error) { return refuse(platform::kind_of(error), error.message); }

// The snapshot is taken now, its text is made elsewhere.
template <class Snapshot>
Reply list(std::vector<Snapshot> items) {
  return [items = std::make_shared<const std::vector<Snapshot>>(std::move(items))] {
    json out = json::array();
    for (const auto& item : *items) out.push_back(platform::to_json(item));
    return platform::answer(out);
  };
}

}  // namespace

Reply ControlRequests::handle(const std::string& line) {
  const auto request = ControlRequest::parse(line);
  if (!request) return refuse(request.error().kind, request.error().message);
  const auto& name = request->name();
  const Now now = platform::read_clock();
  if (name == "status") return status();
  if (name == "flows") return list(context_.node.flows(now));
  if (name == "flow") return flow(*request);
  if (name == "move-flow") return move_flow(*request);
  if (name == "home-addresses") return list(context_.node.home_addresses(now));
  if (name == "home-address") return home_address(*request);
  if (name == "interfaces") return list(context_.node.interfaces(now));
  if (name == "bindings") return list(context_.node.bindings(now));
  if (name == "policy-reload") return policy_reload();
  if (name == "counters") return [counters = context_.counters()] { return platform::answer(json(counters)); };
  return refuse("unknown-request", "a mobile node knows no request '" + name +
                                       "'; it knows status, flows, flow, move-flow, home-addresses, home-address, interfaces, bindings, policy-reload, counters");
}

Reply ControlRequests::status() {
  const Now now = platform::read_clock();
  return [status = context_.node.status(now), uptime = now.monotonic - context_.started] {
    return platform::answer(platform::to_json(status, uptime));
  };
}

Reply ControlRequests::flow(const ControlRequest& request) {
  const auto id = request.number("id");
  if (!id) return refuse("malformed", "the request flow needs the number of a flow: \"id\":7");
  const auto flows = context_.node.flows(platform::read_clock());
  const auto found = std::find_if(flows.begin(), flows.end(), [&](const FlowSnapshot& flow) { return flow.id == *id; });
  if (found == flows.end())
    return refuse({CommandError::Kind::UnknownFlow,
                   "There is no flow " + std::to_string(*id) + "; 'mipflow flow list' shows the live ones."});
  return [flow = *found] { return platform::answer(platform::to_json(flow)); };
}

Reply ControlRequests::move_flow(const ControlRequest& request) {
  const auto id = request.number("id");
  const auto interface = request.text("interface");
  if (!id || !interface) return refuse("malformed", "the request move-flow needs a flow and an interface: \"id\":7,\"interface\":\"wlan0\"");
  const auto moved = context_.runner.command(
      [&](Now now, Outputs& outputs) { return context_.node.move_flow(*id, *interface, now, outputs); });
  if (!moved) return refuse(moved.error());
  std::vector<FlowId> with;
  for (const auto& flow : context_.node.flows(platform::read_clock()))
    if (flow.id == *id) with = flow.moves_with;
  return [id = *id, interface = *interface, with] {
    return platform::answer({{"id", id}, {"interface", interface}, {"moves_with", with}});
  };
}

Reply ControlRequests::home_address(const ControlRequest& request) {
  const auto text = request.text("home_address");
  const auto wanted = text ? Address::parse(*text) : std::nullopt;
  if (!wanted)
    return refuse("malformed", "the request home-address needs an IPv6 address: \"home_address\":\"2001:db8:1::100\"");
  const auto all = context_.node.home_addresses(platform::read_clock());
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const HomeAddressSnapshot& each) { return each.home_address == *wanted; });
  if (found == all.end())
    return refuse({CommandError::Kind::UnknownHomeAddress,
                   "There is no home address " + to_string(*wanted) + "; 'mipflow hoa list' shows those that there are."});
  return [home_address = *found] { return platform::answer(platform::to_json(home_address)); };
}

Expected<std::vector<FlowId>, std::string> ControlRequests::reload_policy() {
  auto policy = platform::load_policy(context_.policy_directory);
  if (!policy) {
    std::string mistakes;
    for (const auto& error : policy.error()) mistakes += (mistakes.empty() ? "" : "\n") + platform::to_string(error);
    return Unexpected{mistakes};
  }
  return context_.runner.command(
      [&](Now now, Outputs& outputs) { return context_.node.set_policy(std::move(*policy), now, outputs); });
}

Reply ControlRequests::policy_reload() {
  const auto moved = reload_policy();
  if (!moved) return refuse("policy", moved.error());
  return [moved = *moved] { return platform::answer({{"moved", moved}}); };
}

}  // namespace mipflow::mnd
