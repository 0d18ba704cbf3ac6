// SPDX-License-Identifier: GPL-3.0-or-later
#include "snapshots.hpp"

#include <algorithm>

namespace mipflow::home_agent {

namespace {

const char* to_string(BindingState state) {
  switch (state) {
    case BindingState::DetectingDuplicates: return "detecting-duplicates";
    case BindingState::Bound: return "bound";
    case BindingState::Deleted: return "deleted";
  }
  return "";
}

PersistedBinding persisted(const Binding& binding, const Authorizations& authorizations, Now now) {
  const auto* mobile_node = authorizations.find(binding.primary_home_address, binding.spi);
  return {.home_address = binding.home_address,
          .care_of_address = binding.care_of_address,
          .primary_home_address = binding.primary_home_address,
          .network_access_identifier =
              mobile_node != nullptr ? mobile_node->security_association.network_access_identifier : "",
          .spi = binding.spi,
          .sequence = binding.sequence,
          .last_timestamp = binding.last_timestamp,
          .wall_expiry = now.wall + (binding.ends - now.monotonic),
          .link_local_address_compatibility = binding.link_local_address_compatibility};
}

}  // namespace

std::vector<PersistedBinding> persisted_bindings(const BindingCache& cache, const Authorizations& authorizations, Now now) {
  std::vector<PersistedBinding> out;
  out.reserve(cache.size());
  for (const auto& [home_address, binding] : cache.all())
    if (binding.state == BindingState::Bound) out.push_back(persisted(binding, authorizations, now));
  return out;
}

PersistedChanges take_changed_bindings(BindingCache& cache, const Authorizations& authorizations, Now now) {
  PersistedChanges out;
  for (const Address& home_address : cache.take_touched()) {
    if (const Binding* binding = cache.find_bound(home_address))
      out.bound.push_back(persisted(*binding, authorizations, now));
    else
      out.ended.push_back(home_address);
  }
  return out;
}

std::vector<BindingSnapshot> binding_snapshots(const BindingCache& cache, const Authorizations& authorizations, Now now) {
  std::vector<BindingSnapshot> out;
  for (const auto& [home_address, binding] : cache.all()) {
    BindingSnapshot snapshot;
    snapshot.home_address = home_address;
    snapshot.care_of_address = binding.care_of_address;
    if (const auto* mobile_node = authorizations.find(binding.primary_home_address, binding.spi))
      snapshot.mobile_node = mobile_node->security_association.network_access_identifier;
    snapshot.primary = home_address == binding.primary_home_address;
    snapshot.state = to_string(binding.state);
    snapshot.sequence = binding.sequence;
    if (binding.state == BindingState::Bound) snapshot.lifetime = binding.ends - now.monotonic;
    out.push_back(std::move(snapshot));
  }
  std::ranges::sort(out, {}, &BindingSnapshot::home_address);
  return out;
}

}  // namespace mipflow::home_agent
