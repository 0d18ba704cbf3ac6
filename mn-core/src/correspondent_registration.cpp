// SPDX-License-Identifier: GPL-3.0-or-later
#include "correspondent_registration.hpp"

#include <algorithm>
#include <optional>

#include "correspondent_exchange.hpp"
#include "route_optimization.hpp"

namespace mipflow::mobile_node {
namespace {

using Phase = CorrespondentRegistration::Phase;

// nullopt when the registration is gone, or its home address.
std::optional<CorrespondentExchange> exchange_of(Node& node, const HomeAddressAndCorrespondent& pair, Now now, Outputs& outputs) {
  auto* registration = node.correspondents.find(pair);
  const auto* address = node.find(pair.home_address);
  if (registration == nullptr || address == nullptr) return std::nullopt;
  return CorrespondentExchange(node, pair, *registration, *address, now, outputs);
}

}  // namespace

void forget_registration(Node& node, const HomeAddressAndCorrespondent& pair, TimePoint now) {
  auto* registration = node.correspondents.find(pair);
  if (registration == nullptr) return;
  unbind(*registration, RegistrationState::Unbound);
  plan_registration(node, pair, *registration, now);
  node.plan.routing_header_sources.erase(pair);
  node.correspondents.erase(pair, now);
  node.binding_updates.erase(pair.home_address, pair.correspondent);
}

void advance(Node& node, const HomeAddressAndCorrespondent& pair, Now now, Outputs& outputs) {
  auto exchange = exchange_of(node, pair, now, outputs);
  if (!exchange) return forget_registration(node, pair, now.monotonic);
  auto& registration = *node.correspondents.find(pair);
  if (registration.entry.acknowledged && now.monotonic >= registration.entry.expires_at)
    unbind(registration, RegistrationState::Unbound);
  const bool unused = registration.unused_since != kNever && now.monotonic >= registration.unused_since + kLingersFor;
  if (registration.phase == Phase::Binding && (unused || registration.forbidding > 0)) return release(node, pair, now, outputs);
  // bind() may give the correspondent node up, and so begin to release the registration, but never forgets it.
  if (registration.phase == Phase::Binding) exchange->bind();
  if (registration.phase == Phase::Releasing && !exchange->delete_binding()) return forget_registration(node, pair, now.monotonic);
  plan_registration(node, pair, registration, now.monotonic);
  node.correspondents.schedule(pair, registration, exchange->deadline());
}

void correspondent_deadlines(Node& node, Now now, Outputs& outputs) {
  while (const auto pair = node.correspondents.take_due(now.monotonic)) {
    auto& registration = *node.correspondents.find(*pair);
    registration.following = registration.follow_at <= now.monotonic;
    advance(node, *pair, now, outputs);
    // What wants to be looked at again at once waits for what was just sent to leave.
    const auto* again = node.correspondents.find(*pair);
    if (again != nullptr && again->due <= now.monotonic) break;
  }
}

void release(Node& node, const HomeAddressAndCorrespondent& pair, Now now, Outputs& outputs) {
  auto* registration = node.correspondents.find(pair);
  if (registration == nullptr || registration->phase == Phase::Releasing) return;
  begin_release(*registration);
  advance(node, pair, now, outputs);
}

void release_registrations_of(Node& node, const Address& home_address, Now now, Outputs& outputs) {
  for (const auto& pair : node.correspondents.of(home_address)) release(node, pair, now, outputs);
}

void look_again(Node& node, const Address& home_address, Now now) {
  for (const auto& pair : node.correspondents.of(home_address)) {
    auto& registration = *node.correspondents.find(pair);
    node.correspondents.schedule(pair, registration, std::min(registration.due, now.monotonic));
  }
}

void forget_registrations_of(Node& node, const Address& home_address, Now now) {
  for (const auto& pair : node.correspondents.of(home_address)) forget_registration(node, pair, now.monotonic);
}

}  // namespace mipflow::mobile_node
