// SPDX-License-Identifier: GPL-3.0-or-later
#include "goodbye.hpp"

#include <algorithm>
#include <vector>

#include "correspondent_registration.hpp"
#include "home_addresses.hpp"
#include "home_agent_search.hpp"
#include "node.hpp"
#include "service_input.hpp"

namespace mipflow::mobile_node {
namespace {

// A kept one is the mobile node's after a restart, too.
bool goes_back(const Node& node, const ManagedHomeAddress& address) {
  return hoa_alloc::is_lease(address.origin) && !node.pinned.contains(address.home_address) &&
         !node.reserved.contains(address.home_address);
}

bool something_goes_back(const Node& node) {
  return node.agent_service.has_to_release() || std::any_of(node.managed.begin(), node.managed.end(), [&](const auto& item) {
           return goes_back(node, item.second) && item.second.registration.awaits_release();
         });
}

void release(Node& node, const Address& home_address, Now now, Outputs& outputs) {
  auto* address = node.find(home_address);
  if (address == nullptr) return;
  registration_changed(node, home_address, address->registration.release(way_out(node, *address), now, outputs), now, outputs);
}

}  // namespace

void begin_goodbye(Node& node, Now now, Outputs& outputs) {
  return_to_serving(node, now.monotonic);
  node.stopping = true;
  node.primary_leaves_at = now.monotonic + kLongestGoodbye;
  node.agent_service.stop();
  std::vector<Address> others;
  for (const auto& [home_address, address] : node.managed) {
    release_registrations_of(node, home_address, now, outputs);
    if (home_address != node.configuration.primary_home_address) others.push_back(home_address);
  }
  for (const auto& home_address : others) release(node, home_address, now, outputs);
  continue_goodbye(node, now, outputs);
}

void continue_goodbye(Node& node, Now now, Outputs& outputs) {
  if (!node.stopping || node.primary_leaves_at == kNever) return;
  const bool can_wait = way_to_agent_service(node) && now.monotonic < node.primary_leaves_at;
  if (can_wait && something_goes_back(node)) return;
  node.primary_leaves_at = kNever;
  release(node, node.configuration.primary_home_address, now, outputs);
}

void released_at_goodbye(Node& node, const ManagedHomeAddress& address) {
  if (goes_back(node, address)) node.allocation.free(address.home_address);
}

bool goodbye_is_over(const Node& node) {
  return node.stopping && node.primary_leaves_at == kNever && node.correspondents.registrations().empty() &&
         std::none_of(node.managed.begin(), node.managed.end(),
                      [](const auto& item) { return item.second.registration.awaits_release(); });
}

}  // namespace mipflow::mobile_node
