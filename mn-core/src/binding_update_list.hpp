// SPDX-License-Identifier: GPL-3.0-or-later
// The Binding Update List, RFC 6275 §11.1: one entry per home address and peer, for the newest Binding Update only.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "care_of.hpp"
#include "mipflow/base/address.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/wire/constants.hpp"

namespace mipflow::mobile_node {

enum class RegistrationState : std::uint8_t {
  Unbound,        // the peer has no binding as far as we know, and none is wanted now
  Registering,    // a Binding Update is out, there was no binding before
  Bound,          // acknowledged; a refresh may be out
  Moving,         // bound, and a Binding Update for another care-of address is out
  Deregistering,  // a Binding Update with lifetime 0 is out
  Refused,        // the peer refused; waits for the time of the next try, if there is one
};
const char* to_string(RegistrationState state);

// A Binding Update that may still be acknowledged.
struct OutstandingUpdate {
  std::uint16_t sequence = 0;
  std::uint64_t timestamp = 0;  // NTP, RFC 4285 §5.2; 0 without authentication
  TimePoint sent_at{};
  CareOf care_of;
  std::uint16_t lifetime_units = 0;
};

// RFC 6275 §11.7.1, §11.8: no more than MAX_UPDATE_RATE Binding Updates per second.
class UpdateRateLimit {
 public:
  // The earliest time, not before `now`, at which another one may leave.
  TimePoint permitted_at(TimePoint now) const {
    const TimePoint oldest = sent_[next_];
    if (count_ < wire::kMaxUpdateRate) return now;
    return std::max(now, oldest + std::chrono::seconds{1});
  }
  void sent(TimePoint now) {
    sent_[next_] = now;
    next_ = (next_ + 1) % sent_.size();
    if (count_ < wire::kMaxUpdateRate) ++count_;
  }

 private:
  std::array<TimePoint, wire::kMaxUpdateRate> sent_{};
  std::size_t next_ = 0;
  unsigned count_ = 0;
};

struct BindingUpdateListEntry {
  Address peer;
  Address home_address;
  RegistrationState state = RegistrationState::Unbound;

  std::optional<CareOf> acknowledged;  // the care-of address that the peer accepted last
  TimePoint expires_at = kNever;       // of that binding, counted from when its Binding Update was sent
  TimePoint refresh_at = kNever;
  std::optional<CareOf> wanted;        // of the newest Binding Update; empty while there is nothing to send from

  std::uint16_t sequence = 0;                  // of the newest Binding Update, or as the peer told it (status 135)
  std::vector<OutstandingUpdate> outstanding;  // newest last
  UpdateRateLimit rate;
  TimePoint next_transmission = kNever;
  TimePoint exchange_started{};  // when the first Binding Update of the present exchange left, or was to leave
  std::optional<wire::BindingStatus> last_status;
};

class BindingUpdateList {
 public:
  // The entry, made when there is none. References stay valid until erase().
  BindingUpdateListEntry& entry(const Address& home_address, const Address& peer) {
    auto& entry = entries_[{home_address, peer}];
    entry.home_address = home_address;
    entry.peer = peer;
    return entry;
  }
  BindingUpdateListEntry* find(const Address& home_address, const Address& peer) {
    const auto found = entries_.find({home_address, peer});
    return found == entries_.end() ? nullptr : &found->second;
  }
  void erase(const Address& home_address, const Address& peer) { entries_.erase({home_address, peer}); }

  using Entries = std::map<std::pair<Address, Address>, BindingUpdateListEntry>;
  const Entries& entries() const { return entries_; }

 private:
  Entries entries_;
};

}  // namespace mipflow::mobile_node
