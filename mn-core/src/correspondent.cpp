// SPDX-License-Identifier: GPL-3.0-or-later
#include "correspondent.hpp"

#include <algorithm>

namespace mipflow::mobile_node {

void end_exchange(CorrespondentRegistration& registration) {
  registration.outstanding.clear();
  registration.backoff.reset();
  registration.entry.next_transmission = kNever;
  registration.follow_at = kNever;
  registration.patience_ends = kNever;
  registration.following = false;
}

void unbind(CorrespondentRegistration& registration, RegistrationState state) {
  auto& entry = registration.entry;
  if (entry.acknowledged) {
    // An update that was not acknowledged may have been accepted all the same.
    const bool is_certain = std::ranges::all_of(registration.outstanding, [&](const auto& update) { return update.care_of == *entry.acknowledged; });
    registration.peer_sends_to = is_certain ? entry.acknowledged : std::nullopt;
  }
  end_exchange(registration);
  entry.acknowledged.reset();
  entry.expires_at = kNever;
  entry.refresh_at = kNever;
  entry.state = state;
}

void begin_release(CorrespondentRegistration& registration) {
  registration.phase = CorrespondentRegistration::Phase::Releasing;
  unbind(registration, RegistrationState::Deregistering);
}

CorrespondentRegistration& Correspondents::add(const HomeAddressAndCorrespondent& pair, BindingUpdateListEntry& entry) {
  const auto [position, added] = registrations_.try_emplace(pair, entry);
  if (added) ++uses_[pair.correspondent];
  return position->second;
}

void Correspondents::erase(const HomeAddressAndCorrespondent& pair, TimePoint now) {
  const auto found = registrations_.find(pair);
  if (found == registrations_.end()) return;
  const Address correspondent = pair.correspondent;
  schedule(pair, found->second, kNever);
  registrations_.erase(found);
  if (const auto uses = uses_.find(correspondent); --uses->second == 0) {
    uses_.erase(uses);
    forget_when_unused(correspondent, now);
  }
}

// Who can not do it is remembered beyond the flows. Of too many such memories the one that ends first makes room.
void Correspondents::forget_when_unused(const Address& correspondent, TimePoint now) {
  const auto found = correspondents_.find(correspondent);
  if (found == correspondents_.end()) return;
  if (!found->second.avoided || found->second.avoided->until <= now) {
    correspondents_.erase(found);
    return;
  }
  if (correspondents_.size() <= kRemembered) return;
  auto first = correspondents_.end();
  for (auto each = correspondents_.begin(); each != correspondents_.end(); ++each) {
    if (uses_.contains(each->first) || !each->second.avoided) continue;
    if (first == correspondents_.end() || each->second.avoided->until < first->second.avoided->until) first = each;
  }
  if (first != correspondents_.end()) correspondents_.erase(first);
}

std::vector<HomeAddressAndCorrespondent> Correspondents::with(const Address& correspondent) const {
  std::vector<HomeAddressAndCorrespondent> out;
  for (const auto& [pair, registration] : registrations_)
    if (pair.correspondent == correspondent) out.push_back(pair);
  return out;
}

std::vector<HomeAddressAndCorrespondent> Correspondents::of(const Address& home_address) const {
  std::vector<HomeAddressAndCorrespondent> out;
  for (const auto& [pair, registration] : registrations_)
    if (pair.home_address == home_address) out.push_back(pair);
  return out;
}

void Correspondents::schedule(const HomeAddressAndCorrespondent& pair, CorrespondentRegistration& registration,
                              TimePoint due) {
  if (registration.due == due) return;
  const std::pair<Address, Address> key{pair.home_address, pair.correspondent};
  if (registration.due != kNever) due_.erase({registration.due, registration.active_when_filed, key});
  registration.due = due;
  registration.active_when_filed = registration.last_active;
  if (due != kNever) due_.insert({due, registration.active_when_filed, key});
}

std::optional<HomeAddressAndCorrespondent> Correspondents::take_due(TimePoint now) {
  if (next_due() > now) return std::nullopt;
  const auto [home_address, correspondent] = due_.begin()->pair;
  const HomeAddressAndCorrespondent pair{home_address, correspondent};
  schedule(pair, registrations_.at(pair), kNever);
  return pair;
}

}  // namespace mipflow::mobile_node
