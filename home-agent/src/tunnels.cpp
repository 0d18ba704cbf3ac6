// SPDX-License-Identifier: GPL-3.0-or-later
#include "tunnels.hpp"

#include <algorithm>

namespace mipflow::home_agent {

void Tunnels::set(const Address& home_address, const Address& care_of_address, const Address& home_agent_address,
                  TimePoint keep_previous_until) {
  const auto* present = plan_.tunnels.find(home_address);
  const bool moves = present != nullptr && present->care_of_address != care_of_address;
  if (moves) {
    const Address before = present->care_of_address;
    forget_previous(home_address, care_of_address);
    auto& previous = previous_[home_address];
    previous.push_back(before);
    leaving_.set({home_address, before}, keep_previous_until);
    if (previous.size() > kMostPrevious) {
      plan_.tunnel_sources.erase({home_address, previous.front()});
      forget_previous(home_address, previous.front());
    }
  }
  plan_.tunnels.set(home_address, {care_of_address, home_agent_address});
  plan_.tunnel_sources.set({home_address, care_of_address}, {});
}

void Tunnels::set_outgoing(const Address& home_address, const Address& care_of_address, const Address& home_agent_address) {
  accept_nothing(home_address);
  plan_.tunnels.set(home_address, {care_of_address, home_agent_address});
}

void Tunnels::remove(const Address& home_address) {
  accept_nothing(home_address);
  plan_.tunnels.erase(home_address);
}

void Tunnels::set_home_networks(const std::vector<Prefix>& prefixes) {
  std::vector<Prefix> gone;
  for (const auto& entry : plan_.home_networks.items())
    if (std::ranges::find(prefixes, entry.first) == prefixes.end()) gone.push_back(entry.first);
  for (const Prefix& prefix : gone) plan_.home_networks.erase(prefix);
  for (const Prefix& prefix : prefixes) plan_.home_networks.set(prefix, {});
  if (gone.empty()) return;
  // What is still tunnelled below them needs a route of its own now.
  for (const auto& entry : plan_.tunnels.items())
    if (std::ranges::any_of(gone, [&](const Prefix& prefix) { return prefix.contains(entry.first); })) plan_.tunnels.repeat(entry.first);
}

void Tunnels::accept_nothing(const Address& home_address) {
  const auto* present = plan_.tunnels.find(home_address);
  if (present == nullptr) return;
  plan_.tunnel_sources.erase({home_address, present->care_of_address});
  const auto previous = previous_.extract(home_address);
  if (previous.empty()) return;
  for (const Address& care_of_address : previous.mapped()) {
    leaving_.cancel({home_address, care_of_address});
    plan_.tunnel_sources.erase({home_address, care_of_address});
  }
}

bool Tunnels::knows(const Address& home_address, const Address& care_of_address) const {
  return plan_.tunnel_sources.find({home_address, care_of_address}) != nullptr;
}

void Tunnels::on_deadline(TimePoint now) {
  while (const auto source = leaving_.take_due(now)) {
    plan_.tunnel_sources.erase(*source);
    forget_previous(source->home_address, source->care_of_address);
  }
}

// By value: the address may be an element of what is changed.
void Tunnels::forget_previous(const Address& home_address, Address care_of_address) {
  const auto found = previous_.find(home_address);
  if (found == previous_.end() || std::erase(found->second, care_of_address) == 0) return;
  leaving_.cancel({home_address, care_of_address});
  if (found->second.empty()) previous_.erase(found);
}

}  // namespace mipflow::home_agent
