// SPDX-License-Identifier: GPL-3.0-or-later
// The Binding Cache as it is shown to the operator and kept over a restart.
#pragma once

#include <vector>

#include "authorizations.hpp"
#include "binding_cache.hpp"
#include "mipflow/home-agent/home_agent.hpp"

namespace mipflow::home_agent {

std::vector<PersistedBinding> persisted_bindings(const BindingCache& cache, const Authorizations& authorizations, Now now);
// Of what was touched since the last call.
PersistedChanges take_changed_bindings(BindingCache& cache, const Authorizations& authorizations, Now now);
// By home address.
std::vector<BindingSnapshot> binding_snapshots(const BindingCache& cache, const Authorizations& authorizations, Now now);

}  // namespace mipflow::home_agent
