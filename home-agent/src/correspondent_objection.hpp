// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>

#include "binding_cache.hpp"
#include "home_prefixes.hpp"
#include "mipflow/correspondent-node/correspondent_node.hpp"

namespace mipflow::home_agent {

// What a home agent has against an authentic Binding Update that asks for a correspondent registration: RFC 6275 §9.5.1
// forbids that a home registration becomes one. Home addresses that are this home agent's to serve get none either: it
// would stand in the way of their home registration, by the same rule.
std::optional<correspondent_node::Refusal> object_to_correspondent_registration(
    const correspondent_node::BindingRequest& request, const BindingCache& cache, const HomePrefixes& prefixes,
    TimePoint now);

}  // namespace mipflow::home_agent
