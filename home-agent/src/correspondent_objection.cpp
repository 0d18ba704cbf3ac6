// SPDX-License-Identifier: GPL-3.0-or-later
#include "correspondent_objection.hpp"

namespace mipflow::home_agent {

using correspondent_node::Refusal;
using wire::BindingStatus;

std::optional<Refusal> object_to_correspondent_registration(const correspondent_node::BindingRequest& request,
                                                            const BindingCache& cache, const HomePrefixes& prefixes,
                                                            TimePoint now) {
  const auto is_registered = [&](const Address& address) {
    const Binding* binding = cache.find(address);
    return binding != nullptr && binding->state != BindingState::Deleted;
  };
  if (is_registered(request.home_address))
    return Refusal{BindingStatus::RegistrationTypeChangeDisallowed, "there is a home registration"};
  if (request.asks_to_deregister()) return std::nullopt;
  if (prefixes.find(request.home_address, now))
    return Refusal{BindingStatus::AdministrativelyProhibited, "this node is the home agent for the home address"};
  if (is_registered(request.care_of_address))
    return Refusal{BindingStatus::InvalidCareOfAddress, "the care-of address is a registered home address"};
  return std::nullopt;
}

}  // namespace mipflow::home_agent
