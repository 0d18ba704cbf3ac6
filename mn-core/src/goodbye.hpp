// SPDX-License-Identifier: GPL-3.0-or-later
// A clean stop: every home address is de-registered, and what the address service leased is given back.
//
// The service is spoken with from where the primary home address is bound, and an address is given back when it is no longer
// bound (docs/agent-service.md). So the others are de-registered first, then given back, and the primary one goes last; but
// not later than kLongestGoodbye after the stop, answers or not, for the daemon does not wait for ever. Without leases they
// all go at once.
#pragma once

#include <chrono>

#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"

namespace mipflow::mobile_node {

struct Node;
struct ManagedHomeAddress;

// Room for a message that is lost twice; the daemon waits two seconds longer.
inline constexpr Duration kLongestGoodbye = std::chrono::seconds{4};

// Nothing new begins from now on.
void begin_goodbye(Node& node, Now now, Outputs& outputs);
// The next step, when it is time for it. To be called whenever something has happened.
void continue_goodbye(Node& node, Now now, Outputs& outputs);
// The home agent has no binding for the address any more.
void released_at_goodbye(Node& node, const ManagedHomeAddress& address);
// Everything was answered, or given up.
bool goodbye_is_over(const Node& node);

}  // namespace mipflow::mobile_node
