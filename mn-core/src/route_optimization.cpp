// SPDX-License-Identifier: GPL-3.0-or-later
#include "route_optimization.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "correspondent_reactions.hpp"
#include "correspondent_registration.hpp"
#include "flows.hpp"
#include "forwarding.hpp"
#include "move_sequence.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {
namespace {

using flow_separator::FlowEntry;
using flow_separator::RouteOptimization;
using Phase = CorrespondentRegistration::Phase;

bool has_lasted(const FlowEntry& flow, TimePoint now) {
  if (!flow.replied) return false;
  // Who was called has shown by its answer that the flow is wanted.
  if (flow.initiated_by_correspondent) return true;
  return now >= flow.created + kLastsFor && flow.counters.packets_in + flow.counters.packets_out >= kLastsForPackets;
}

bool wants_it_now(const FlowEntry& flow, RouteOptimization wish, TimePoint now) {
  switch (wish) {
    case RouteOptimization::No: return false;
    case RouteOptimization::Prefer: return has_lasted(flow, now);
    case RouteOptimization::Yes: return true;
  }
  return false;
}

void attach(CorrespondentRegistration& registration, FlowId id, RouteOptimization wish) {
  registration.flows[id] = wish;
  if (wish == RouteOptimization::No) ++registration.forbidding;
  registration.unused_since = kNever;
}

void detach(CorrespondentRegistration& registration, FlowId id) {
  const auto found = registration.flows.find(id);
  if (found == registration.flows.end()) return;
  if (found->second == RouteOptimization::No) --registration.forbidding;
  registration.flows.erase(found);
}

// Those that only wait for a binding to end make room.
bool has_room(Node& node, TimePoint now) {
  const auto& registrations = node.correspondents.registrations();
  if (registrations.size() < node.configuration.correspondent_registration_cap) return true;
  const auto waiting = std::ranges::find_if(registrations, [](const auto& item) {
    return item.second.phase == Phase::Releasing && item.second.flows.empty();
  });
  if (waiting == registrations.end()) return false;
  forget_registration(node, HomeAddressAndCorrespondent(waiting->first), now);
  return true;
}

bool is_avoided(const Node& node, const Address& correspondent, TimePoint now) {
  const auto* known = node.correspondents.find(correspondent);
  return known != nullptr && known->avoidance(now) != nullptr;
}

bool may_have_registration(Node& node, const HomeAddressAndCorrespondent& pair, TimePoint now) {
  const auto* address = node.find(pair.home_address);
  const Address& correspondent = pair.correspondent;
  if (node.stopping || address == nullptr || address->leaving || address->at_home_on) return false;
  if (is_home_agent(node, correspondent) || !correspondent.is_unicast_routable() || node.find(correspondent) != nullptr)
    return false;
  if (is_avoided(node, correspondent, now)) return false;
  return has_room(node, now);
}

bool may_begin(Node& node, const FlowEntry& flow, TimePoint now) {
  return may_have_registration(node, pair_of(flow), now) && (!flow.initiated_by_correspondent || node.correspondents.may_begin_for_stranger(now));
}

flow_redirector::InterfaceChoice choice_for_registration(Node& node, const CorrespondentRegistration& registration, Now now) {
  const InterfaceIndex current = registration.target ? registration.target->interface : 0;
  const auto* leader = registration.flows.empty() ? nullptr : node.flows.find(registration.flows.begin()->first);
  const auto& policy_class = leader == nullptr ? node.policy->default_class() : class_of(node, *leader);
  return choose_and_look_again(node, {.class_name = policy_class.name,
                                      .wish = policy_class.interfaces,
                                      .commanded = leader == nullptr ? std::nullopt : leader->commanded_interface,
                                      .current = current,
                                      .now = now.monotonic});
}

// The direct path is wanted again after its binding was about to be deleted, or to end. Interfaces may have changed meanwhile.
// Nothing changes while the correspondent node is left alone.
void revive(Node& node, const HomeAddressAndCorrespondent& pair, CorrespondentRegistration& registration, Now now) {
  if (is_avoided(node, pair.correspondent, now.monotonic)) return;
  registration.phase = Phase::Binding;
  registration.entry.state = RegistrationState::Unbound;
  registration.entry.next_transmission = kNever;
  registration.outstanding.clear();
  registration.backoff.reset();
  const auto choice = choice_for_registration(node, registration, now);
  registration.target = node.movement.care_of(choice.interface);
  registration.interface_reason = choice.reason;
}

using Wishes = std::vector<std::pair<FlowId, RouteOptimization>>;

Wishes wishes_of(const Node& node, const HomeAddressAndCorrespondent& pair) {
  Wishes out;
  for (const auto id : node.flows.flows_of(pair.home_address)) {
    const auto* flow = node.flows.find(id);
    if (!flow->bypassed && flow->correspondent() == pair.correspondent) out.emplace_back(id, wish_of(node, *flow));
  }
  return out;
}

CorrespondentRegistration& add_registration(Node& node, const HomeAddressAndCorrespondent& pair, const Wishes& flows, Now now) {
  auto& entry = node.binding_updates.entry(pair.home_address, pair.correspondent);
  // RFC 6275 §11.7.2: the first sequence number is arbitrary, and better not to be guessed.
  entry.sequence = node.random.next_u16();
  auto& registration = node.correspondents.add(pair, entry);
  node.correspondents.correspondent(pair.correspondent);
  registration.binding = ++node.last_binding;
  for (const auto& [id, wish] : flows) attach(registration, id, wish);
  const auto choice = choice_for_registration(node, registration, now);
  registration.target = node.movement.care_of(choice.interface);
  registration.interface_reason = choice.reason;
  registration.last_active = now.monotonic;
  node.correspondents.schedule(pair, registration, now.monotonic);
  return registration;
}

void begin(Node& node, const FlowEntry& flow, Now now) {
  const auto pair = pair_of(flow);
  const auto flows = wishes_of(node, pair);
  // The correspondent node has one binding for all of them: whoever forbids it decides.
  const bool forbidden = std::ranges::any_of(flows, [](const auto& item) { return item.second == RouteOptimization::No; });
  if (!forbidden) add_registration(node, pair, flows, now);
}

// The path of the packets now; nullopt is the tunnel.
std::optional<CareOf> direct_path(const Node& node, const Address& correspondent_address,
                                  const CorrespondentRegistration& registration, TimePoint now) {
  const auto& entry = registration.entry;
  if (registration.phase == Phase::Releasing || !entry.acknowledged) return std::nullopt;
  if (entry.state == RegistrationState::Moving) {
    if (now >= registration.patience_ends) return std::nullopt;
    // While the former address works nothing has to hurry: the new one is used when it is acknowledged.
    if (node.movement.still_works(*entry.acknowledged)) {
      const auto* correspondent = node.correspondents.find(correspondent_address);
      return correspondent != nullptr && correspondent->refuses_former_care_of_address ? std::nullopt : entry.acknowledged;
    }
    if (!registration.following) return registration.path;
    if (!entry.wanted || !node.movement.still_works(*entry.wanted)) return std::nullopt;
    return entry.wanted;
  }
  return node.movement.still_works(*entry.acknowledged) ? entry.acknowledged : std::nullopt;
}

void hand_to_holder(Node& node, const FlowEntry& flow, const Address& holder) {
  if (flow.binding_holder == holder) return;
  node.home_addresses.holder_changed(flow.home_address, flow.binding_holder, holder);
  node.flows.set_binding_holder(flow.id, holder);
}

}  // namespace

RouteOptimization wish_of(const Node& node, const FlowEntry& flow) {
  return node.configuration.route_optimization ? class_of(node, flow).route_optimization : RouteOptimization::No;
}

void flow_came(Node& node, FlowId id, Now now) {
  const auto& flow = *node.flows.find(id);
  const auto pair = pair_of(flow);
  auto* registration = node.correspondents.find(pair);
  if (registration == nullptr) {
    if (wish_of(node, flow) == RouteOptimization::Yes && may_begin(node, flow, now.monotonic)) begin(node, flow, now);
    return;
  }
  attach(*registration, id, wish_of(node, flow));
  if (registration->forbidding > 0) {
    // Released with the next deadline: messages must not delay the verdict about a packet.
    node.correspondents.schedule(pair, *registration, now.monotonic);
    return;
  }
  if (registration->phase == Phase::Releasing) revive(node, pair, *registration, now);
  registration->last_active = now.monotonic;
  plan_registration(node, pair, *registration, now.monotonic);
  node.correspondents.schedule(pair, *registration, std::min(registration->due, now.monotonic));
}

void flow_went(Node& node, const FlowEntry& flow, Now now) {
  const auto pair = pair_of(flow);
  auto* registration = node.correspondents.find(pair);
  if (registration == nullptr) return;
  detach(*registration, flow.id);
  if (!registration->flows.empty()) return;
  registration->unused_since = now.monotonic;
  node.correspondents.schedule(pair, *registration, std::min(registration->due, now.monotonic + kLingersFor));
}

void flow_got_class(Node& node, FlowId id, Now now, Outputs& outputs) {
  const auto& flow = *node.flows.find(id);
  // It has no home address, whatever its class says by now, and no registration is told when it ends.
  if (flow.bypassed) return;
  const auto pair = pair_of(flow);
  auto* registration = node.correspondents.find(pair);
  if (registration == nullptr) {
    if (wish_of(node, flow) == RouteOptimization::Yes && may_begin(node, flow, now.monotonic)) begin(node, flow, now);
    return;
  }
  detach(*registration, id);
  attach(*registration, id, wish_of(node, flow));
  if (registration->forbidding > 0) return release(node, pair, now, outputs);
  if (registration->phase == Phase::Releasing) revive(node, pair, *registration, now);
  node.correspondents.schedule(pair, *registration, now.monotonic);
}

void flow_was_active(Node& node, FlowId id, const flow_separator::FlowCounters& before, Now now, Outputs& outputs) {
  const auto& flow = *node.flows.find(id);
  if (!node.configuration.route_optimization || flow.bypassed) return;
  const auto pair = pair_of(flow);
  if (auto* registration = node.correspondents.find(pair)) {
    const bool was_active = registration->is_active(now.monotonic);
    registration->last_active = std::max(registration->last_active, flow.last_active);
    if (registration->is_active(now.monotonic) && !was_active) node.correspondents.schedule(pair, *registration, std::min(registration->due, now.monotonic));
    return judge_progress(node, pair, *registration, before, flow.counters, now, outputs);
  }
  if (now.monotonic >= flow.last_active + kActiveFor) return;
  if (wants_it_now(flow, wish_of(node, flow), now.monotonic) && may_begin(node, flow, now.monotonic)) begin(node, flow, now);
}

void recover_direct_flow(Node& node, FlowId id, Now now) { recover_correspondent(node, {pair_of(*node.flows.find(id))}, now); }

void recover_correspondent(Node& node, const CorrespondentRecovered& event, Now now) {
  const auto& pair = event.pair;
  auto* registration = node.correspondents.find(pair);
  // Also when the direct path is forbidden by now, or nobody needs it: the binding draws packets until it is deleted, or ends.
  if (registration == nullptr && may_have_registration(node, pair, now.monotonic)) {
    registration = &add_registration(node, pair, wishes_of(node, pair), now);
    if (registration->flows.empty()) registration->phase = Phase::Releasing;
  }
  if (registration == nullptr) return;
  node.plan.routing_header_sources.set(pair, {});
  registration->peer_bound_until = now.monotonic + std::min<Duration>(wire::kMaxRrBindingLifetime, node.configuration.requested_lifetime);
}

void choose_registration_target(Node& node, const HomeAddressAndCorrespondent& pair, Now now, Outputs& outputs) {
  auto* registration = node.correspondents.find(pair);
  if (registration == nullptr) return;
  if (registration->phase == Phase::Releasing) return advance(node, pair, now, outputs);
  const auto choice = choice_for_registration(node, *registration, now);
  registration->target = node.movement.care_of(choice.interface);
  registration->interface_reason = choice.reason;
  advance(node, pair, now, outputs);
}

void choose_registration_targets(Node& node, Now now, Outputs& outputs) {
  std::vector<std::pair<TimePoint, HomeAddressAndCorrespondent>> pairs;
  for (const auto& [pair, registration] : node.correspondents.registrations()) pairs.emplace_back(registration.last_active, pair);
  // A correspondent node gets MAX_UPDATE_RATE Binding Updates a second (RFC 6275 §11.8), and until then what it sends may go where
  // nobody is any more: those whose flows were active last are the first.
  std::ranges::stable_sort(pairs, std::ranges::greater{}, [](const auto& item) { return item.first; });
  for (const auto& [last_active, pair] : pairs) choose_registration_target(node, pair, now, outputs);
}

void plan_registration(Node& node, const HomeAddressAndCorrespondent& pair, CorrespondentRegistration& registration,
                       TimePoint now) {
  const bool was_direct = registration.path.has_value();
  registration.path = direct_path(node, pair.correspondent, registration, now);
  if (registration.path) {
    node.plan.bindings.set(registration.binding, {.header = forwarding::HeaderKind::RouteOptimized,
                                                  .home_address = pair.home_address,
                                                  .care_of_address = registration.path->address,
                                                  .peer = pair.correspondent,
                                                  .uplink = registration.path->interface});
  } else {
    node.plan.bindings.erase(registration.binding);
  }
  const bool held_there = registration.entry.acknowledged.has_value() && registration.phase == Phase::Binding;
  const auto* address = node.find(pair.home_address);
  bool returns_to_home_agent = false;
  for (const auto& [id, wish] : registration.flows) {
    const auto& flow = *node.flows.find(id);
    const bool was_held_there = flow.binding_holder == pair.correspondent;
    hand_to_holder(node, flow, held_there ? pair.correspondent : node.home_agents);
    if (held_there) {
      take_to(node, id, registration.target.value_or(CareOf{}), registration.interface_reason);
    }
    returns_to_home_agent = returns_to_home_agent || (was_held_there && !held_there);
    if (was_direct != registration.path.has_value() || was_held_there != held_there) plan_flow_again(node, flow);
    if (flow.state != flow_separator::FlowState::Closing && address != nullptr)
      node.flows.set_state(id, state_of_flow(node, flow, *address), now);
  }
  // They move together with the other flows of the home address from now on.
  if (returns_to_home_agent && address != nullptr) node.upkeep_due = std::min(node.upkeep_due, now);
}

}  // namespace mipflow::mobile_node
