// SPDX-License-Identifier: GPL-3.0-or-later
#include "tunnels.hpp"

namespace mipflow::home_agent {

void Tunnels::set(const Address& home_address, const Address& care_of_address, const Address& home_agent_address,
                  TimePoint keep_previous_until) {
  const auto* present = plan_.tunnels.find(home_address);
  if (present != nullptr && present->care_of_address != care_of_address)
    leaving_.set({home_address, present->care_of_address}, keep_previous_until);
  leaving_.cancel({home_address, care_of_address});
  plan_.tunnels.set(home_address, {care_of_address, home_agent_address});
  plan_.tunnel_sources.set({home_address, care_of_address}, {});
}

void Tunnels::remove(const Address& home_address, TimePoint keep_source_until) {
  const auto* present = plan_.tunnels.find(home_address);
  if (present == nullptr) return;
  leaving_.set({home_address, present->care_of_address}, keep_source_until);
  plan_.tunnels.erase(home_address);
}

void Tunnels::remove_at_once(const Address& home_address) {
  const auto* present = plan_.tunnels.find(home_address);
  if (present == nullptr) return;
  plan_.tunnel_sources.erase({home_address, present->care_of_address});
  plan_.tunnels.erase(home_address);
}

bool Tunnels::knows(const Address& home_address, const Address& care_of_address) const {
  return plan_.tunnel_sources.find({home_address, care_of_address}) != nullptr;
}

void Tunnels::on_deadline(TimePoint now) {
  while (const auto source = leaving_.take_due(now)) plan_.tunnel_sources.erase(*source);
}

}  // namespace mipflow::home_agent
