// SPDX-License-Identifier: GPL-3.0-or-later
#include "move_sequence.hpp"

#include <algorithm>
#include <vector>

#include "forwarding.hpp"

namespace mipflow::mobile_node {
namespace {

// The registration has not been told the target yet, and there is a home agent to be told.
bool is_pending(const ManagedHomeAddress& address) {
  return !address.leaving && !address.going_home && !address.at_home_on && address.target && address.registration.wanted() != address.target &&
         !address.registration.given_up() && !address.registration.entry().peer.is_unspecified();
}

struct Destination {
  bool in_use = false;      // a home address is registered there
  bool on_the_way = false;  // a Binding Update for it is out
  std::vector<ManagedHomeAddress*> movers;  // pending ones that have a binding elsewhere, lowest address first
};

Destination destination_of(Node& node, const CareOf& care_of) {
  Destination out;
  for (auto& [home_address, address] : node.managed) {
    if (address.leaving) continue;
    if (address.registration.acknowledged() == care_of) out.in_use = true;
    if (is_pending(address)) {
      if (address.target == care_of && address.registration.acknowledged()) out.movers.push_back(&address);
    } else if (address.registration.wanted() == care_of && address.registration.state() != RegistrationState::Refused) {
      out.on_the_way = true;
    }
  }
  std::sort(out.movers.begin(), out.movers.end(),
            [](const auto* a, const auto* b) { return a->home_address < b->home_address; });
  return out;
}

void send(ManagedHomeAddress& address, Now now, Outputs& outputs) {
  address.waits_since = kNever;
  address.registration.bind(*address.target, now, outputs);
}

// Whether the warm pool is going to register a fresh home address at every usable interface that has none.
bool anchor_will_come(const Node& node) {
  return !node.prefix_allocation.prefixes().empty() && node.pool.has_room(node.home_addresses.size());
}

// Nothing moves at home, on the way there, or after the goodbye.
bool runs(const Node& node) { return !node.stopping && node.returning_home.phase == ReturningHome::Phase::Away; }

}  // namespace

void run_move_sequence(Node& node, Now now, Outputs& outputs) {
  if (!runs(node)) return;
  std::vector<CareOf> destinations;
  for (auto& [home_address, address] : node.managed) {
    if (!is_pending(address)) continue;
    if (!node.configuration.anchor_per_interface || !address.registration.acknowledged()) {
      send(address, now, outputs);
      continue;
    }
    if (std::find(destinations.begin(), destinations.end(), *address.target) == destinations.end())
      destinations.push_back(*address.target);
  }
  for (const auto& care_of : destinations) {
    auto destination = destination_of(node, care_of);
    for (auto* mover : destination.movers) {
      if (mover->waits_since == kNever) mover->waits_since = now.monotonic;
      const bool waited = now.monotonic >= mover->waits_since + kLongestWait;
      const bool alone = destination.movers.size() == 1;
      const bool waits_for_anchor = destination.on_the_way || (!alone && anchor_will_come(node));
      if (!destination.in_use && !waited && waits_for_anchor) continue;
      send(*mover, now, outputs);
      destination.on_the_way = true;
    }
  }
  for (auto& [home_address, address] : node.managed) plan_home_address(node, address);
  plan_default_route(node);
}

TimePoint move_sequence_deadline(const Node& node) {
  TimePoint next = kNever;
  if (!runs(node)) return next;
  for (const auto& [home_address, address] : node.managed)
    if (address.waits_since != kNever && is_pending(address)) next = std::min(next, address.waits_since + kLongestWait);
  return next;
}

}  // namespace mipflow::mobile_node
