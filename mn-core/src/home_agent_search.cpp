// SPDX-License-Identifier: GPL-3.0-or-later
#include "home_agent_search.hpp"

#include <algorithm>
#include <vector>

#include "acknowledgement_reaction.hpp"
#include "correspondent_registration.hpp"
#include "forwarding.hpp"
#include "in_words.hpp"
#include "mipflow/wire/packet.hpp"
#include "move_sequence.hpp"

namespace mipflow::mobile_node {
namespace {

void change_peer(Node& node, ManagedHomeAddress& address, const Address& home_agent, TimePoint now) {
  // It may have been a correspondent node until now.
  forget_registration(node, {address.home_address, home_agent}, now);
  node.binding_updates.set_peer(address.home_address, address.registration.entry().peer, home_agent);
  address.registration.peer_changed();
}

// What the home agent of before has stays good until the other one has accepted, or until it ends.
void hand_over(Node& node, ManagedHomeAddress& address, const Address& home_agent, TimePoint now) {
  const auto& entry = address.registration.entry();
  if (entry.acknowledged) address.former = FormerBinding{entry.peer, *entry.acknowledged, entry.expires_at};
  change_peer(node, address, home_agent, now);
  address.waits_since = kNever;
  if (const auto* pooled = node.pool.find(address.home_address)) {
    const auto spare = pooled->entry;
    node.pool.rebinding(address.home_address, spare.care_of_address, spare.interface);
  }
}

void serve_by(Node& node, const Address& home_agent) {
  node.signalling.set_home_agent(home_agent);
  node.reachability.set_home_agent(home_agent);
}

bool is_unreachable(const Node& node) {
  const auto usable = node.movement.table().usable();
  return !usable.empty() && std::ranges::all_of(usable, [](const auto* interface) { return interface->quality.online == false; });
}

bool is_silent(const Node& node, TimePoint now) {
  const auto& registration = node.primary().registration;
  if (!registration.wanted() || !registration.waited_in_vain(now)) return false;
  switch (registration.state()) {
    case RegistrationState::Registering: return registration.unanswered() >= kSilentStranger;
    case RegistrationState::Bound:
    case RegistrationState::Moving: return registration.unanswered() >= (is_unreachable(node) ? kSilentUnreachable : kSilentServing);
    case RegistrationState::Unbound:
    case RegistrationState::Deregistering:
    case RegistrationState::Refused: return false;
  }
  return false;
}

void end_former_bindings(Node& node, TimePoint now) {
  bool ended = false;
  for (auto& [home_address, address] : node.managed) {
    if (!address.former || now < address.former->until) continue;
    address.former.reset();
    plan_home_address(node, address);
    ended = true;
  }
  if (!ended) return;
  plan_default_route(node);
  plan_home_agents(node);
}

void ask(Node& node, Now now, Outputs& outputs) {
  auto& primary = node.primary();
  const Address before = primary.registration.entry().peer;
  const Address& home_agent = node.agents.asked();
  if (!before.is_unspecified() && before != home_agent)
    outputs.notices.push_back({Severity::Warning, "home-agent-asked",
                               "The home agent " + to_string(before) + " does not serve this mobile node; " + to_string(home_agent) +
                                   " is asked."});
  hand_over(node, primary, home_agent, now.monotonic);
  node.signalling.security().forget_clock();
  run_move_sequence(node, now, outputs);
}

// RFC 6275 §11.4.1. Another interface each time: the home agents may be silent because one of them leads nowhere.
void request_home_agents(Node& node, Now now, Outputs& outputs) {
  const auto ways = node.movement.online();
  if (ways.empty()) return node.agent_discovery.postpone();
  const CareOf& way = ways[node.agent_discovery.transmissions() % ways.size()];
  const auto request = node.agent_discovery.on_deadline(now.monotonic);
  if (!request) return;
  outputs.packets.push_back({.packet = wire::build_packet({.source = way.address, .destination = node.home_agents}, wire::Icmpv6Message{*request}),
                             .interface = way.interface});
}

void discovery_deadline(Node& node, Now now, Outputs& outputs) {
  if (node.agent_discovery.next_deadline() > now.monotonic) return;
  if (!node.agent_discovery.has_failed(now.monotonic)) return request_home_agents(node, now, outputs);
  node.agent_discovery.stop();
  node.agents.discovery_failed(now.monotonic);
  outputs.notices.push_back({Severity::Warning, "home-agents-not-found",
                             "Nobody at " + to_string(node.home_agents) + " says who the home agents are; they are asked for again later."});
}

}  // namespace

void home_agent_deadlines(Node& node, Now now, Outputs& outputs) {
  end_former_bindings(node, now.monotonic);
  if (!node.agents.has_choice() || node.stopping) return;
  if (is_silent(node, now.monotonic)) node.agents.failed(node.primary().registration.entry().exchange_started, now.monotonic);
  discovery_deadline(node, now, outputs);
  switch (node.agents.on_deadline(now.monotonic)) {
    case AgentChoice::Step::Wait: return;
    case AgentChoice::Step::Ask: return ask(node, now, outputs);
    case AgentChoice::Step::Discover:
      node.agent_discovery.start(now.monotonic);
      return request_home_agents(node, now, outputs);
  }
}

TimePoint next_home_agent_deadline(const Node& node) {
  TimePoint next = kNever;
  for (const auto& [home_address, address] : node.managed)
    if (address.former) next = std::min(next, address.former->until);
  if (!node.agents.has_choice() || node.stopping) return next;
  return std::min({next, node.agents.next_deadline(), node.agent_discovery.next_deadline()});
}

const char* receive_home_agents(Node& node, const wire::PacketView& view, InterfaceIndex interface,
                                const wire::HomeAgentAddressDiscoveryReply& reply, Now now, Outputs& outputs) {
  if (!node.agent_discovery.answers(reply)) return "it answers no request of ours";
  if (view.home_address_option || view.routing_header_home_address || !view.source.is_unicast_routable() ||
      !node.movement.still_works({view.destination, interface}))
    return "it was not sent from a home agent to the care-of address that asked";
  std::vector<Address> home_agents = reply.home_agents;
  const auto own = node.movement.addresses();
  std::erase_if(home_agents, [&](const Address& named) {
    return node.find(named) != nullptr || std::ranges::any_of(own, [&](const CareOf& care_of) { return care_of.address == named; });
  });
  const bool somebody = node.agents.named(home_agents, now.monotonic);
  if (!somebody && node.agents.phase() == AgentChoice::Phase::Discovering) return "it names nobody who could be asked";
  node.agent_discovery.answered();
  outputs.notices.push_back({Severity::Info, "home-agents-found",
                             to_string(view.source) + " names " + std::to_string(reply.home_agents.size()) +
                                 (somebody ? " home agents." : " home agents, none of which is to be asked now.")});
  return nullptr;
}

void home_agent_accepted(Node& node, Now now, Outputs& outputs) {
  const bool another = node.agents.serving() != node.agents.asked();
  const bool searched = node.agents.phase() != AgentChoice::Phase::Served;
  node.agents.accepted(now.monotonic);
  node.agent_discovery.stop();
  const Address& home_agent = node.agents.serving();
  if (another) {
    serve_by(node, home_agent);
    node.agent_service.home_agent_changed(now.monotonic);
    node.prefix_discovery.solicit(now.monotonic);
  }
  if (!node.agents.has_choice()) return;
  if (searched)
    outputs.notices.push_back({Severity::Info, "home-agent-serves", "The home agent " + to_string(home_agent) + " serves this mobile node."});
  for (auto& [home_address, address] : node.managed)
    if (!address.leaving && address.registration.entry().peer != home_agent) hand_over(node, address, home_agent, now.monotonic);
}

void home_agent_refused(Node& node, wire::BindingStatus status, Now now, Outputs&) {
  switch (reaction_to(status, false)) {
    case Reaction::RetrySoon:
    case Reaction::RetryLate:
    case Reaction::RetrySeldom:
    case Reaction::AbandonAddress:
      return node.agents.failed(node.primary().registration.entry().exchange_started, now.monotonic);
    case Reaction::Accept:
    case Reaction::AcceptAndSolicitPrefixes:
    case Reaction::Resynchronise:
    case Reaction::AdjustClock:
    case Reaction::AvoidCareOfAddress:
    case Reaction::AlreadyReleased: return;
  }
}

void ways_changed(Node& node, Now now) {
  if (!node.agents.has_choice()) return;
  auto ways = node.movement.usable();
  const bool is_new = std::ranges::any_of(ways, [&](const CareOf& way) { return std::ranges::find(node.ways, way) == node.ways.end(); });
  node.ways = std::move(ways);
  if (!is_new) return;
  node.agents.way_changed(now.monotonic);
  node.agent_discovery.resume(now.monotonic);
}

void doubt_home_agent(Node& node, Now now, Outputs& outputs) {
  if (!node.agents.has_choice() || node.stopping || node.agents.phase() != AgentChoice::Phase::Served) return;
  const bool before = std::exchange(node.home_agent_doubted, is_unreachable(node));
  if (node.home_agent_doubted && !before) node.primary().registration.refresh(now, outputs);
}

void home_agent_recovered(Node& node, const HomeAgentRecovered& event, TimePoint now) {
  if (!node.agents.recovered(event.home_agent)) return;
  node.agent_discovery.stop();
  hand_over(node, node.primary(), event.home_agent, now);
  serve_by(node, event.home_agent);
  plan_home_agents(node);
}

void return_to_serving(Node& node, TimePoint now) {
  auto& primary = node.primary();
  if (!primary.former || !node.agents.return_to_serving()) return;
  const FormerBinding former = *std::exchange(primary.former, std::nullopt);
  change_peer(node, primary, former.home_agent, now);
  primary.registration.resume_binding(former.care_of, former.until);
}

std::string describe_search(const Node& node, TimePoint now) {
  const auto& agents = node.agents;
  switch (agents.phase()) {
    case AgentChoice::Phase::Served: return {};
    case AgentChoice::Phase::Asking:
      return agents.asked().is_unspecified() ? "waits for an interface to ask by" : "asks " + to_string(agents.asked());
    case AgentChoice::Phase::Discovering: return "asks at " + to_string(node.home_agents) + " who the home agents are";
    case AgentChoice::Phase::Pausing: return "found none that serves, tries again in " + in_words(agents.next_deadline() - now);
  }
  return {};
}

}  // namespace mipflow::mobile_node
