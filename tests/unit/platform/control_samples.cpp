// SPDX-License-Identifier: GPL-3.0-or-later
// Prints one line of JSON per answer of the control socket, {"schema":"flow.json","value":{…}}, each once with everything
// that may be absent and once without: tests/unit/tools/schema_test.py holds them against docs/schema/.
#include <iostream>
#include <nlohmann/json.hpp>

#include "mipflow/platform/control_protocol.hpp"

namespace {

using namespace mipflow;
using namespace mipflow::platform;
using namespace std::chrono_literals;
using nlohmann::json;

const Address kHome = *Address::parse("2001:db8:1::101");
const Address kCareOf = *Address::parse("2001:db8:a::1");
const Address kPeer = *Address::parse("2001:db8:3::1");

void print(const char* schema, const json& value) { std::cout << json{{"schema", schema}, {"value", value}} << '\n'; }

mobile_node::FlowSnapshot bare_flow() {
  mobile_node::FlowSnapshot out;
  out.id = 7;
  out.class_name = "default";
  out.key = {kHome, kPeer, 0, 0, 47};
  out.state = "held";
  return out;
}

mobile_node::FlowSnapshot full_flow() {
  auto out = bare_flow();
  out.key = {kHome, kPeer, 40'000, 5060, kProtocolUdp};
  out.home_address = kHome;
  out.care_of_address = kCareOf;
  out.interface = "wlan0";
  out.interface_reason = "policy class 'voice'";
  out.path = "tunnel";
  out.path_reason = "return routability is under way";
  out.state = "active";
  out.initiated_by_correspondent = true;
  out.moves_with = {8, 9};
  out.owner = std::make_shared<const FlowOwner>(FlowOwner{1000, 1000, 4711, "/usr/bin/baresip", "/user.slice/voice.scope", "voice.scope", "voice", "wlan0"});
  out.rule_origin = "/etc/mipflow/policy.d/voice.toml:1";
  out.rule_layer = "operator, mandatory";
  out.home_address_reason = "no other flow goes to this correspondent node with it";
  return out;
}

void print_flows() {
  auto half_known = full_flow();
  half_known.owner = std::make_shared<const FlowOwner>();
  for (const auto& flow : {bare_flow(), full_flow(), half_known}) {
    print("flow.json", to_json(flow));
    print("flows.json", json::array({to_json(flow)}));
  }
  mobile_node::FlowExplanation explanation;
  explanation.flow = full_flow();
  print("flow-explanation.json", to_json(explanation));
  explanation.interfaces = {{"wlan0", true, "first choice"}, {"wwan0", false, "second choice"}};
  explanation.moves = {{3s, "wwan0", "wlan0", "command", 12'345us, std::nullopt, 2, 0}, {60s, "", "wwan0", "interface came", {}, {}, {}, {}}};
  for (const auto* outcome : {"running", "kept", "rolled back", "ended by another move"}) {
    explanation.trial = mobile_node::TrialSnapshot{"wwan0", "", 4s, outcome, ""};
    print("flow-explanation.json", to_json(explanation));
  }
}

void print_addresses_and_interfaces() {
  mobile_node::HomeAddressSnapshot address;
  address.home_address = kHome;
  address.origin = "agent";
  for (const auto* state : {"registering", "registered", "spare", "anchor", "moving", "releasing", "refused", "at-home"}) {
    address.state = state;
    print("home-address.json", to_json(address));
  }
  address.care_of_address = kCareOf;
  address.interface = "wlan0";
  address.flows = {7};
  address.lifetime = 590s;
  address.valid_for = 24h;
  address.note = "no answer from the DHCPv6 server; asked again in 8 s";
  print("home-addresses.json", json::array({to_json(address)}));

  mobile_node::InterfaceSnapshot interface;
  interface.index = 3;
  interface.name = "wwan0";
  interface.why_not = "has no carrier";
  print("interfaces.json", json::array({to_json(interface)}));
  interface.kind = InterfaceKind::Cellular;
  interface.online = false;
  interface.round_trip = 48'250us;
  interface.loss = 1000;
  interface.care_of_address = kCareOf;
  interface.router = *Address::parse("fe80::1");
  interface.why_not.clear();
  print("interfaces.json", json::array({to_json(interface)}));
}

void print_bindings_and_status() {
  mobile_node::BindingSnapshot entry;
  entry.peer = kPeer;
  entry.home_address = kHome;
  entry.state = "unbound";
  print("bindings.json", json::array({to_json(entry)}));
  home_agent::BindingSnapshot cached;
  cached.home_address = kHome;
  cached.state = "bound";
  correspondent_node::BindingSnapshot correspondent;
  correspondent.home_address = kHome;
  correspondent.correspondent = kPeer;
  correspondent.state = "bound";
  print("bindings.json", json::array({to_json(cached), to_json(correspondent)}));

  mobile_node::StatusSnapshot status;
  status.authentication = "rfc4285";
  print("status.json", to_json(status, 5s));
  status.home_agent = kPeer;
  status.home_agent_origin = mobile_node::HomeAgentOrigin::Discovered;
  status.served_for = 90s;
  status.home_agents = {kPeer, kHome};
  status.home_agent_search = "asks who the home agents are";
  status.primary_home_address = kHome;
  status.address_mechanisms = {"agent", "dhcpv6 (does not answer)"};
  status.network_policy = 4;
  status.home_agent_clock = -93s;
  status.socket_addresses = "on";
  status.problems = {"no interface is usable: plug one in"};
  print("status.json", to_json(status, 5s));
}

void print_load_sharing() {
  LoadSharingPicture picture;
  print("load-sharing.json", to_json(picture));
  home_agent::AgentSnapshot agent;
  agent.name = "ha2";
  agent.address = kPeer;
  for (const auto state : {home_agent::AgentState::Unknown, home_agent::AgentState::Serving, home_agent::AgentState::Draining, home_agent::AgentState::Dead}) {
    agent.state = state;
    print("agent.json", to_json(agent));
  }
  agent.round_trip = 312us;
  agent.silent_for = 40ms;
  agent.packets_per_second = 1234.5678;
  picture.agents.push_back(agent);
  agent.secondary = false;
  picture.agents.push_back(agent);
  for (const auto division : {home_agent::Division::Manual, home_agent::Division::Equal, home_agent::Division::Load}) {
    picture.configuration.division = division;
    print("load-sharing.json", to_json(picture));
  }
  picture.configuration.answer = home_agent::AnswerMoment::AfterSecondary;
  picture.configuration.tunnel_from_primary = false;
  print("load-sharing.json", to_json(picture));

  home_agent::DelegationSnapshot delegation;
  delegation.home_address = kHome;
  delegation.state = "own";
  print("delegations.json", json::array({to_json(delegation)}));
  delegation.agent = "ha2";
  delegation.reason = "refused: no resources";
  delegation.remaining = 600s;
  for (const auto* state : {"starting", "delegated", "handing-over", "recalling", "forwarding", "lingering"}) {
    delegation.state = state;
    print("delegations.json", json::array({to_json(delegation)}));
  }
}

void print_policy_and_statistics() {
  flow_separator::PolicyClass item;
  item.name = "default";
  print("policy-class.json", to_json(item));
  item.origin = "/etc/mipflow/policy.d/voice.toml:1";
  item.layer = flow_separator::PolicyLayer::User;
  item.user = 1000;
  item.home_address = flow_separator::HomeAddressRule::Fixed;
  item.fixed_home_address = kHome;
  item.interfaces.never = {{.kind = InterfaceKind::Cellular}};
  item.interfaces.return_after = 30s;
  print("policy-class.json", to_json(item));
  print("policy-effect.json", to_json(mobile_node::PolicyEffect{7, "web", "voice", "", "", ""}));
  print("policy-effect.json", to_json(mobile_node::PolicyEffect{7, "web", "voice", "wlan0", "wwan0", "keeps its home address until it ends"}));
  mobile_node::MoveStatistics statistics;
  statistics.moves = 3;
  statistics.gaps[2] = 1;
  statistics.sum_of_gaps = 0.004;
  print("move-statistics.json", to_json(statistics));
}

}  // namespace

int main() {
  print_flows();
  print_addresses_and_interfaces();
  print_bindings_and_status();
  print_load_sharing();
  print_policy_and_statistics();
  return 0;
}
