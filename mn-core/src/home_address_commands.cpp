// SPDX-License-Identifier: GPL-3.0-or-later
#include "home_address_commands.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "command_refusal.hpp"
#include "home_addresses.hpp"
#include "move_sequence.hpp"
#include "targets.hpp"

namespace mipflow::mobile_node {
namespace {

using Kind = CommandError::Kind;

// The home address in question, or why nothing can be done about it.
Expected<ManagedHomeAddress*, CommandError> named(Node& node, const Address& home_address) {
  auto* address = node.find(home_address);
  if (address == nullptr || address->leaving)
    return refuse(Kind::UnknownHomeAddress,
                  "There is no home address " + to_string(home_address) + "; 'mipflow hoa list' shows those that there are.");
  if (node.stopping) return refuse(Kind::NotPossible, "The daemon is stopping.");
  return address;
}

// An address of the pool becomes one of the table, where no flow has it yet.
void take_out_of_pool(Node& node, const ManagedHomeAddress& address, Now now) {
  if (const auto* pooled = node.pool.find(address.home_address)) {
    node.home_addresses.append(pooled->entry);
    node.pool.released(address.home_address);
    node.upkeep_due = now.monotonic;
  }
}

// "flow 7", "each of the flows 7, 9 and 12": those whose packets are rewritten from this home address to another one.
std::string flows_sending_from(const Node& node, const Address& home_address) {
  constexpr std::size_t kNamed = 5;
  std::vector<FlowId> ids;
  for (const auto& [id, flow] : node.flows.entries())
    if (flow.information.key.source == home_address && flow.home_address != home_address) ids.push_back(id);
  std::ranges::sort(ids);
  if (ids.size() == 1) return "flow " + std::to_string(ids.front());
  std::string out = "each of the flows ";
  for (std::size_t i = 0; i < std::min(ids.size(), kNamed); ++i) {
    if (i > 0) out += i + 1 == ids.size() ? " and " : ", ";
    out += std::to_string(ids[i]);
  }
  if (ids.size() > kNamed) out += " and " + std::to_string(ids.size() - kNamed) + " more";
  return out;
}

// Without flows and without anybody who wants it.
void let_go(Node& node, ManagedHomeAddress& address, Now now, Outputs& outputs) {
  node.home_addresses.remove(address.home_address);
  node.pool.released(address.home_address);
  node.upkeep_due = now.monotonic;
  free_home_address(node, address, now, outputs);
}

}  // namespace

Expected<Address, CommandError> allocate_home_address(Node& node, Now now, Outputs& outputs) {
  if (node.stopping) return refuse(Kind::NotPossible, "The daemon is stopping.");
  if (!node.primary().live())
    return refuse(Kind::NotPossible, "The primary home address is not registered, so the home agent gives no others; 'mipflow status' says why.");
  if (node.primary().at_home_on) return refuse(Kind::NotPossible, "This host is at home, where it needs no further home addresses.");
  if (auto spare = node.pool.take_spare({}, now.monotonic)) {
    node.home_addresses.append(*spare);
    node.pinned.insert(spare->home_address);
    node.pins_changed = true;
    node.upkeep_due = now.monotonic;
    return spare->home_address;
  }
  if (!node.pool.has_room(node.home_addresses.size()))
    return refuse(Kind::NotPossible, "There are " + std::to_string(node.configuration.home_address_cap) +
                                         " home addresses already, as many as may be (cap in [home-addresses]).");
  const auto allocated = node.allocation.allocate(now.monotonic);
  if (!allocated) {
    switch (allocated.error()) {
      case hoa_alloc::AllocationRefusal::NoPrefix:
        return refuse(Kind::NotPossible, "No home prefix is known yet that allows another home address; try again in a moment.");
      case hoa_alloc::AllocationRefusal::Pending:
        return refuse(Kind::NotPossible, "The home agent has been asked for another home address; try again in a moment.");
      case hoa_alloc::AllocationRefusal::Failed:
        return refuse(Kind::NotPossible, "No further home address can be had now; 'mipflow status' says why.");
    }
  }
  const hoa_alloc::HomeAddressEntry entry{.home_address = allocated->home_address,
                                          .origin = allocated->origin,
                                          .preferred_until = allocated->preferred_until,
                                          .valid_until = allocated->valid_until};
  auto& address = manage(node, entry);
  node.home_addresses.append(entry);
  node.pinned.insert(entry.home_address);
  node.pins_changed = true;
  choose_target(node, address, now);
  run_move_sequence(node, now, outputs);
  return entry.home_address;
}

Expected<void, CommandError> free_home_address_by_command(Node& node, const Address& home_address, Now now, Outputs& outputs) {
  const auto address = named(node, home_address);
  if (!address) return Unexpected{address.error()};
  if (home_address == node.configuration.primary_home_address)
    return refuse(Kind::NotPossible, to_string(home_address) + " is the primary home address, which stays (WO 2004/057826).");
  if (node.reserved.contains(home_address))
    return refuse(Kind::NotPossible, "The policy has given " + to_string(home_address) + " to a class for good; take it out of the policy.");
  if (const auto flows = node.flows.flows_of(home_address).size(); flows > 0)
    return refuse(Kind::NotPossible, to_string(home_address) + " is used by " + std::to_string(flows) + (flows == 1 ? " flow" : " flows") +
                                         "; it can be freed when they have ended.");
  if (node.socket_sources.contains(home_address))
    return refuse(Kind::NotPossible, "The socket of " + flows_sending_from(node, home_address) + " has " + to_string(home_address) +
                                         " as its address, although the flow itself has another one; it can be freed when that has ended.");
  node.pins_changed |= node.pinned.erase(home_address) > 0;
  let_go(node, **address, now, outputs);
  return {};
}

Expected<void, CommandError> pin_home_address(Node& node, const Address& home_address, bool pinned, Now now, Outputs& outputs) {
  const auto address = named(node, home_address);
  if (!address) return Unexpected{address.error()};
  if (home_address == node.configuration.primary_home_address)
    return refuse(Kind::NotPossible, to_string(home_address) + " is the primary home address, which stays anyway.");
  if (pinned) {
    take_out_of_pool(node, **address, now);
    node.pins_changed |= node.pinned.insert(home_address).second;
    return {};
  }
  const bool was_pinned = node.pinned.erase(home_address) > 0;
  node.pins_changed |= was_pinned;
  if (was_pinned && node.home_addresses.removable(home_address) && !node.reserved.contains(home_address))
    let_go(node, **address, now, outputs);
  return {};
}

}  // namespace mipflow::mobile_node
