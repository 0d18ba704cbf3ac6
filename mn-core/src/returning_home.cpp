// SPDX-License-Identifier: GPL-3.0-or-later
#include "returning_home.hpp"

#include <algorithm>
#include <chrono>

#include "correspondent_registration.hpp"
#include "flows.hpp"
#include "forwarding.hpp"
#include "home_agent_search.hpp"
#include "home_addresses.hpp"
#include "move_sequence.hpp"
#include "node.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {
namespace {

constexpr unsigned kSolicitations = 3;                             // MAX_MULTICAST_SOLICIT, RFC 4861 §10
constexpr unsigned kAnnouncements = 3;                             // MAX_NEIGHBOR_ADVERTISEMENT
constexpr Duration kRetransTimer = std::chrono::milliseconds{1'000};  // RETRANS_TIMER
constexpr Duration kLookAgain = std::chrono::minutes{1};           // whether the other node with the home address has left
constexpr std::uint8_t kNeighbourDiscoveryHopLimit = 255;

Address all_nodes() { return *Address::parse("ff02::1"); }

void send(Outputs& outputs, InterfaceIndex interface, const Address& source, const Address& destination,
          const wire::Icmpv6Message& message, std::optional<LinkLayerAddress> to = std::nullopt) {
  const wire::Envelope envelope{.source = source, .destination = destination, .hop_limit = kNeighbourDiscoveryHopLimit};
  outputs.packets.push_back(
      {.packet = wire::build_packet(envelope, message), .interface = interface, .link_layer_destination = to});
}

// Every home address in use has to be wanted on the home link, under the address that its sockets have.
bool may_return(const Node& node) {
  if (node.stopping || !is_on_home_link(node)) return false;
  const InterfaceIndex home = node.primary().target->interface;
  // Without it no neighbour could be told where the home addresses are.
  if (!node.movement.link_layer_address(home)) return false;
  for (const auto& entry : node.home_addresses.entries()) {
    const auto* address = node.find(entry.home_address);
    if (address == nullptr || !address->target || address->target->interface != home) return false;
  }
  return std::all_of(node.flows.entries().begin(), node.flows.entries().end(), [&node](const auto& item) {
    if (item.second.bypassed) return true;  // at home as anywhere else
    return item.second.information.key.source == item.second.home_address && !has_planned_answer(node, item.second);
  });
}

void solicit_home_agent(Node& node, Now now, Outputs& outputs) {
  const Address& home_address = node.configuration.primary_home_address;
  send(outputs, node.returning_home.interface, Address{}, solicited_node_multicast(home_address),
       wire::NeighborSolicitation{.target = home_address, .source_link_layer_address = std::nullopt});
  ++node.returning_home.solicitations;
  node.returning_home.next_solicitation = now.monotonic + kRetransTimer;
}

void resolve(Node& node, Now now, Outputs& outputs) {
  auto& state = node.returning_home;
  state.phase = ReturningHome::Phase::Resolving;
  state.solicitations = 0;
  state.answered = false;
  solicit_home_agent(node, now, outputs);
}

void start(Node& node, Now now, Outputs& outputs) {
  auto& state = node.returning_home;
  state = {};
  state.interface = node.primary().target->interface;
  for (const auto& entry : node.home_addresses.entries())
    node.plan.watched_addresses.set({state.interface, entry.home_address}, {});
  resolve(node, now, outputs);
}

void stay_away(Node& node, Now now, Outputs& outputs) {
  auto& state = node.returning_home;
  state.phase = ReturningHome::Phase::InUse;
  state.next_solicitation = now.monotonic + kLookAgain;
  outputs.notices.push_back({Severity::Error, "home-address-in-use",
                             "Another node on the home link has the primary home address " +
                                 to_string(node.configuration.primary_home_address) + ", which is not used; configure another one."});
}

void announce(Node& node, std::optional<LinkLayerAddress> home_agent, Now now, Outputs& outputs) {
  auto& state = node.returning_home;
  return_to_serving(node, now.monotonic);
  state.phase = ReturningHome::Phase::Announcing;
  state.next_solicitation = kNever;
  node.signalling.set_home_agent_link_layer_address(home_agent);
  outputs.notices.push_back({Severity::Info, "returning-home", "The node is on its home link and gives its bindings back."});
  // Spares and anchors have no work at home.
  std::vector<Address> pooled;
  for (const auto& item : node.pool.addresses()) pooled.push_back(item.entry.home_address);
  for (const auto& home_address : pooled) {
    node.pool.released(home_address);
    if (auto* address = node.find(home_address)) free_home_address(node, *address, now, outputs);
  }
  for (const auto& entry : std::vector<hoa_alloc::HomeAddressEntry>(node.home_addresses.entries())) {
    auto* address = node.find(entry.home_address);
    if (address == nullptr) continue;
    address->going_home = true;
    const CareOf home{entry.home_address, state.interface};
    registration_changed(node, entry.home_address, address->registration.release(home, now, outputs), now, outputs);
  }
}

void leave(Node& node, Now now, Outputs& outputs) {
  auto& state = node.returning_home;
  const InterfaceIndex interface = state.interface;
  state = {};
  std::vector<forwarding::OnInterface> watched;
  for (const auto& [where, present] : node.plan.watched_addresses.items())
    if (where.interface == interface) watched.push_back(where);
  for (const auto& where : watched) node.plan.watched_addresses.erase(where);
  node.signalling.set_home_agent_link_layer_address(std::nullopt);
  bool gave_back = false;
  for (auto& [home_address, address] : node.managed) {
    gave_back = gave_back || address.going_home || address.at_home_on;
    address.going_home = false;
    address.at_home_on.reset();
  }
  if (!gave_back) return;
  // At home nobody counted the flows' packets.
  std::vector<std::pair<FlowId, flow_separator::FlowCounters>> flows;
  for (const auto& [id, flow] : node.flows.entries()) flows.emplace_back(id, flow.counters);
  for (const auto& [id, counters] : flows) node.flows.set_activity(id, counters, now.monotonic);
  node.upkeep_due = now.monotonic;
  run_move_sequence(node, now, outputs);
}

void send_announcement(const Node& node, const Address& home_address, Outputs& outputs) {
  const InterfaceIndex interface = node.returning_home.interface;
  wire::NeighborAdvertisement advertisement{.override_flag = true,
                                            .target = home_address,
                                            .target_link_layer_address = node.movement.link_layer_address(interface)};
  send(outputs, interface, home_address, all_nodes(), advertisement);
  // What the home agent did for the link-local address of the same identifier ends too.
  const Address link_local = link_local_with_same_interface_identifier(home_address);
  if (node.movement.link_local(interface) != link_local) return;
  advertisement.target = link_local;
  send(outputs, interface, link_local, all_nodes(), advertisement);
}

}  // namespace

TimePoint ReturningHome::next_deadline() const {
  TimePoint next = next_solicitation;
  for (const auto& announcement : announcements) next = std::min(next, announcement.next);
  return next;
}

bool is_on_home_link(const Node& node) {
  const auto& target = node.primary().target;
  return target && node.movement.on_home_link(*target);
}

void check_returning_home(Node& node, Now now, Outputs& outputs) {
  if (node.stopping) return;
  auto& state = node.returning_home;
  const bool wanted = may_return(node);
  switch (state.phase) {
    case ReturningHome::Phase::Away:
      if (wanted) start(node, now, outputs);
      return;
    case ReturningHome::Phase::Resolving:
    case ReturningHome::Phase::Announcing:
    case ReturningHome::Phase::InUse:
      if (!wanted || node.primary().target->interface != state.interface) leave(node, now, outputs);
      return;
  }
}

void returning_home_deadline(Node& node, Now now, Outputs& outputs) {
  auto& state = node.returning_home;
  if (state.next_solicitation <= now.monotonic) {
    if (state.phase == ReturningHome::Phase::InUse)
      resolve(node, now, outputs);
    else if (state.solicitations < kSolicitations)
      solicit_home_agent(node, now, outputs);
    else
      announce(node, std::nullopt, now, outputs);
  }
  for (auto& announcement : state.announcements) {
    if (announcement.next > now.monotonic) continue;
    send_announcement(node, announcement.address, outputs);
    announcement.next = --announcement.left > 0 ? now.monotonic + kRetransTimer : kNever;
  }
  std::erase_if(state.announcements, [](const auto& announcement) { return announcement.left == 0; });
}

void arrived_home(Node& node, ManagedHomeAddress& address, Now now, Outputs& outputs) {
  // Then it is not the home agent who has answered, as far as it has told, and the home address may be another node's.
  const auto& status = address.registration.entry().last_status;
  const bool unknown = !status || *status == wire::BindingStatus::NotHomeAgentForThisMobileNode;
  if (unknown && node.returning_home.answered && address.home_address == node.configuration.primary_home_address)
    return resolve(node, now, outputs);
  address.going_home = false;
  address.at_home_on = node.returning_home.interface;
  address.carries_packets = true;
  plan_home_address(node, address);
  plan_default_route(node);
  // RFC 6275 §11.5.5: correspondent nodes send to the home address again.
  release_registrations_of(node, address.home_address, now, outputs);
  show_progress(node, address, now.monotonic);
  if (address.home_address == node.configuration.primary_home_address) node.agent_service.registered(now.monotonic);
  node.returning_home.announcements.push_back({address.home_address, kAnnouncements, now.monotonic});
  returning_home_deadline(node, now, outputs);
}

void handle_neighbour_advertisement(Node& node, const wire::NeighborAdvertisement& advertisement, InterfaceIndex interface,
                                    Now now, Outputs& outputs) {
  // The home agent answers for our home address as long as it serves it: its link-layer address is in the answer.
  const auto& state = node.returning_home;
  if (state.phase != ReturningHome::Phase::Resolving || interface != state.interface ||
      advertisement.target != node.configuration.primary_home_address || !advertisement.target_link_layer_address)
    return;
  node.returning_home.answered = true;
  auto& registration = node.primary().registration;
  if (!registration.peer_may_be_bound(now.monotonic)) {
    if (registration.entry().last_status == wire::BindingStatus::NotHomeAgentForThisMobileNode)
      return stay_away(node, now, outputs);
    registration.suspect_binding(now.monotonic + node.configuration.requested_lifetime);
  }
  announce(node, advertisement.target_link_layer_address, now, outputs);
}

void handle_neighbour_solicitation(Node& node, const wire::PacketView& view, const wire::NeighborSolicitation& solicitation,
                                   const PacketReceived& event, Outputs& outputs) {
  const auto& state = node.returning_home;
  const auto* address = node.find(solicitation.target);
  if (state.phase != ReturningHome::Phase::Announcing || event.interface != state.interface || address == nullptr ||
      !(address->going_home || address->at_home_on))
    return;
  const bool from_nobody = view.source.is_unspecified();
  const wire::NeighborAdvertisement advertisement{.solicited = !from_nobody,
                                                  .override_flag = true,
                                                  .target = solicitation.target,
                                                  .target_link_layer_address = node.movement.link_layer_address(state.interface)};
  if (from_nobody)
    send(outputs, state.interface, solicitation.target, all_nodes(), advertisement);
  else
    send(outputs, state.interface, solicitation.target, view.source, advertisement, event.link_layer_source);
}

}  // namespace mipflow::mobile_node
