// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mipflow/base/deadline_queue.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"

namespace mipflow::home_agent {

// Binding Acknowledgements that wait for a secondary: one per home address, the last one, as the mobile node heeds no other.
class HeldAnswers {
 public:
  // One that takes the place of another waits no longer than that would have: mobile nodes ask again while they wait.
  void hold(const Address& home_address, OutgoingPacket answer, TimePoint until) {
    if (answers_.insert_or_assign(home_address, std::move(answer)).second) until_.set(home_address, until);
  }
  bool holds(const Address& home_address) const { return answers_.contains(home_address); }
  // It leaves with the next take_released().
  void release(const Address& home_address) {
    auto answer = answers_.extract(home_address);
    if (answer.empty()) return;
    until_.cancel(home_address);
    released_.push_back(std::move(answer.mapped()));
  }
  void forget(const Address& home_address) {
    answers_.erase(home_address);
    until_.cancel(home_address);
  }
  std::vector<OutgoingPacket> take_released() { return std::exchange(released_, {}); }

  // A home address whose answer has waited long enough; it is held still.
  std::optional<Address> take_late(TimePoint now) { return until_.take_due(now); }
  TimePoint next_deadline() const { return until_.next(); }
  std::vector<Address> home_addresses() const {
    std::vector<Address> out;
    for (const auto& [home_address, answer] : answers_) out.push_back(home_address);
    return out;
  }

 private:
  std::unordered_map<Address, OutgoingPacket> answers_;
  DeadlineQueue<Address> until_;
  std::vector<OutgoingPacket> released_;
};

}  // namespace mipflow::home_agent
