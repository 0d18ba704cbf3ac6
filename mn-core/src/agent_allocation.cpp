// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent_allocation.hpp"

#include <algorithm>
#include <chrono>

namespace mipflow::mobile_node {

using hoa_alloc::AllocatedHomeAddress;
using hoa_alloc::AllocationRefusal;

TimePoint end_of_lifetime(std::uint32_t seconds, TimePoint now) {
  return seconds == wire::kInfiniteLifetime ? kNever : now + std::chrono::seconds{seconds};
}

wire::HomeAddressSource AgentAllocation::source() const {
  return origin_ == hoa_alloc::Origin::Dhcpv6 ? wire::HomeAddressSource::Dhcpv6 : wire::HomeAddressSource::Agent;
}

Expected<AllocatedHomeAddress, AllocationRefusal> AgentAllocation::allocate(TimePoint now) {
  while (!arrived_.empty()) {
    const AllocatedHomeAddress address = arrived_.front().address;
    arrived_.pop_front();
    if (address.preferred_until <= now) {
      returned_.emplace_back(address.home_address, wire::HomeAddressReleaseReason::NotNeeded);
      continue;
    }
    given_.insert_or_assign(address.home_address, address);
    return address;
  }
  if (state_ == State::Waiting) {
    if (now < retry_at_) return Unexpected{AllocationRefusal::Failed};
    state_ = State::Idle;
  }
  if (now != asked_last_) in_vain_ = 0;
  asked_last_ = now;
  ++in_vain_;
  if (state_ == State::Idle) {
    state_ = State::Asking;
    asked_at_ = now;
    wanted_ = 0;
    note_ = "asked for";
  }
  wanted_ = std::min<unsigned>(std::max(wanted_, in_vain_), wire::kMostAddressesPerMessage);
  return Unexpected{AllocationRefusal::Pending};
}

void AgentAllocation::free(const Address& home_address) {
  if (given_.erase(home_address) > 0) returned_.emplace_back(home_address, wire::HomeAddressReleaseReason::NotNeeded);
}

void AgentAllocation::duplicate(const Address& home_address) {
  if (given_.erase(home_address) > 0) returned_.emplace_back(home_address, wire::HomeAddressReleaseReason::Duplicate);
}

AllocatedHomeAddress AgentAllocation::allocated(const wire::HomeAddressLifetimes& lifetimes, TimePoint now) const {
  const TimePoint valid_until = end_of_lifetime(lifetimes.valid, now);
  return {.home_address = lifetimes.home_address,
          .origin = origin_,
          .preferred_until = std::min(end_of_lifetime(lifetimes.preferred, now), valid_until),
          .valid_until = valid_until};
}

void AgentAllocation::arrived(const std::vector<wire::HomeAddressLifetimes>& addresses, TimePoint now) {
  state_ = State::Idle;
  note_.clear();
  retry_.reset();
  for (const auto& lifetimes : addresses)
    if (!knows(lifetimes.home_address)) arrived_.push_back({allocated(lifetimes, now), now});
}

void AgentAllocation::failed(std::string reason, TimePoint retry_at) {
  state_ = State::Waiting;
  note_ = std::move(reason);
  retry_at_ = retry_at;
}

void AgentAllocation::refused(std::string reason, TimePoint now) { failed(std::move(reason), retry_.sent_at(now)); }

bool AgentAllocation::knows(const Address& home_address) const {
  return given_.contains(home_address) ||
         std::ranges::any_of(arrived_, [&](const Arrived& item) { return item.address.home_address == home_address; });
}

bool AgentAllocation::change(const wire::HomeAddressLifetimes& lifetimes, TimePoint now) {
  const AllocatedHomeAddress changed = allocated(lifetimes, now);
  if (const auto given = given_.find(lifetimes.home_address); given != given_.end()) {
    given->second = changed;
    // It is the home agent's no longer, so there is nothing to give back.
    if (lifetimes.valid == 0) given_.erase(given);
    return true;
  }
  const auto waiting = std::ranges::find(arrived_, lifetimes.home_address,
                                         [](const Arrived& item) { return item.address.home_address; });
  if (waiting == arrived_.end()) return false;
  waiting->address = changed;
  if (lifetimes.valid == 0) arrived_.erase(waiting);
  return false;
}

void AgentAllocation::stop() {
  state_ = State::Idle;
  for (const Arrived& unclaimed : std::exchange(arrived_, {}))
    returned_.emplace_back(unclaimed.address.home_address, wire::HomeAddressReleaseReason::NotNeeded);
}

bool AgentAllocation::take_retry(TimePoint now) {
  if (state_ != State::Waiting || now < retry_at_) return false;
  state_ = State::Idle;
  return true;
}

std::vector<AllocatedHomeAddress> AgentAllocation::on_deadline(TimePoint now) {
  while (!arrived_.empty() && arrived_.front().at + kUnclaimed <= now) {
    returned_.emplace_back(arrived_.front().address.home_address, wire::HomeAddressReleaseReason::NotNeeded);
    arrived_.pop_front();
  }
  std::vector<AllocatedHomeAddress> ended;
  std::erase_if(given_, [&](const auto& item) {
    if (item.second.valid_until > now) return false;
    ended.push_back(item.second);
    return true;
  });
  return ended;
}

TimePoint AgentAllocation::next_deadline() const {
  TimePoint next = arrived_.empty() ? kNever : arrived_.front().at + kUnclaimed;
  if (state_ == State::Waiting) next = std::min(next, retry_at_);
  for (const auto& [home_address, address] : given_) next = std::min(next, address.valid_until);
  return next;
}

std::string AgentAllocation::trouble(TimePoint now) const {
  switch (state_) {
    case State::Idle: return "";
    case State::Asking: return note_;
    case State::Waiting: break;
  }
  if (retry_at_ <= now) return note_;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(retry_at_ - now).count();
  return note_ + "; asked again in " + std::to_string(seconds) + " s at the earliest";
}

}  // namespace mipflow::mobile_node
