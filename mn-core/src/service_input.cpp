// SPDX-License-Identifier: GPL-3.0-or-later
#include "service_input.hpp"

#include <utility>
#include <vector>

#include "home_addresses.hpp"

namespace mipflow::mobile_node {
namespace {

void take_over(Node& node, Now now, Outputs& outputs) {
  for (const auto& changed : node.agent_service.take_changes()) {
    auto* address = node.find(changed.home_address);
    if (address == nullptr || address->leaving) continue;
    node.upkeep_due = now.monotonic;
    node.pins_changed |= node.pinned.contains(changed.home_address) || node.reserved.contains(changed.home_address);
    if (changed.valid_until > now.monotonic) {
      set_lifetimes(node, *address, changed.preferred_until, changed.valid_until, now, outputs);
      continue;
    }
    outputs.notices.push_back({Severity::Warning, "home-address-lost",
                               "The home address " + to_string(changed.home_address) +
                                   " may not be used any more, says the home agent; its flows end."});
    lose_home_address(node, changed.home_address, now, outputs);
  }
  if (node.agent_service.take_news()) node.upkeep_due = now.monotonic;
}

}  // namespace

const char* receive_agent_service(Node& node, const wire::PacketView& view, InterfaceIndex interface,
                                  const wire::AgentServiceMessage& message, Now now, Outputs& outputs) {
  if (const char* wrong = node.signalling.judge(view, message)) return wrong;
  node.agent_service.receive(message, CareOf{view.destination, interface}, now, outputs);
  take_over(node, now, outputs);
  return nullptr;
}

std::optional<CareOf> way_to_agent_service(const Node& node) {
  const auto& primary = node.primary();
  if (node.agents.serving().is_unspecified()) return std::nullopt;
  if (primary.at_home_on) return CareOf{primary.home_address, *primary.at_home_on};
  const auto& path = primary.registration.acknowledged();
  return path && node.movement.still_works(*path) ? path : std::nullopt;
}

void agent_service_deadline(Node& node, Now now, Outputs& outputs) {
  if (node.agent_service.next_deadline() > now.monotonic) return;
  const bool has_left = node.stopping && node.primary_leaves_at == kNever;
  node.agent_service.on_deadline(has_left ? std::nullopt : way_to_agent_service(node), now, outputs);
  take_over(node, now, outputs);
}

void refresh_leases(Node& node, Now now) {
  if (!node.agent_service.has_leases() || node.stopping) {
    node.leases_refreshed_at = kNever;
    return;
  }
  if (node.leases_refreshed_at == kNever) node.leases_refreshed_at = now.monotonic + kLeaseRefreshInterval;
  if (now.monotonic < node.leases_refreshed_at) return;
  node.leases_refreshed_at = now.monotonic + kLeaseRefreshInterval;
  std::vector<Address> unbound;
  for (const auto& [home_address, address] : node.managed)
    if (!address.leaving && !address.registration.acknowledged() && hoa_alloc::is_lease(address.origin)) unbound.push_back(home_address);
  node.agent_service.refresh(std::move(unbound), now.monotonic);
}

}  // namespace mipflow::mobile_node
