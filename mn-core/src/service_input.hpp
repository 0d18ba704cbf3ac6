// SPDX-License-Identifier: GPL-3.0-or-later
// The address and policy service within the mobile node: what its messages and timers bring about for the other parts.
#pragma once

#include <chrono>
#include <optional>

#include "node.hpp"

namespace mipflow::mobile_node {

// Returns nullptr, or why the message changes nothing, as the name of a notice.
const char* receive_agent_service(Node& node, const wire::PacketView& view, InterfaceIndex interface,
                                  const wire::AgentServiceMessage& message, Now now, Outputs& outputs);
void agent_service_deadline(Node& node, Now now, Outputs& outputs);

// From where the home agent hears the service's messages: where the primary home address is bound, or that address itself at
// home. nullopt while there is no such place.
std::optional<CareOf> way_to_agent_service(const Node& node);

// Leases that are not bound, at home for instance, end after an hour (unbound-lease of the home agent) unless it is told that they
// are wanted still.
inline constexpr Duration kLeaseRefreshInterval = std::chrono::minutes{10};
void refresh_leases(Node& node, Now now);

}  // namespace mipflow::mobile_node
