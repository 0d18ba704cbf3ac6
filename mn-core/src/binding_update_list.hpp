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

// A peer may answer the first of several retransmissions late; more than a minute of them is not kept.
inline constexpr std::size_t kOutstandingUpdates = 6;

// The last quarter of a lifetime is left for retransmissions: of ten minutes that is 150 s, room for seven Binding
// Updates (1 + 2 + 4 + 8 + 16 + 32 + 32 s), of one minute room for four.
inline Duration refresh_after(Duration granted) { return granted - granted / 4; }

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
  // A little more than the second: the way out of the node may delay the first message and not the fourth.
  static constexpr Duration kInterval = std::chrono::milliseconds{1'020};

  // The earliest time, not before `now`, at which another one may leave.
  TimePoint permitted_at(TimePoint now) const {
    const TimePoint oldest = sent_[next_];
    if (count_ < wire::kMaxUpdateRate) return now;
    return std::max(now, oldest + kInterval);
  }
  void sent(TimePoint now) {
    sent_[next_] = now;
    next_ = (next_ + 1) % sent_.size();
    if (count_ < wire::kMaxUpdateRate) ++count_;
  }
  // When the newest left; nothing when none has.
  std::optional<TimePoint> newest() const {
    if (count_ == 0) return std::nullopt;
    return sent_[(next_ + sent_.size() - 1) % sent_.size()];
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
    const auto [found, is_new] = entries_.try_emplace({home_address, peer});
    auto& entry = found->second;
    entry.home_address = home_address;
    entry.peer = peer;
    if (is_new)
      if (const auto before = rates_.extract(found->first)) entry.rate = before.mapped();
    return entry;
  }
  BindingUpdateListEntry* find(const Address& home_address, const Address& peer) {
    const auto found = entries_.find({home_address, peer});
    return found == entries_.end() ? nullptr : &found->second;
  }
  void erase(const Address& home_address, const Address& peer) {
    const auto found = entries_.find({home_address, peer});
    if (found == entries_.end()) return;
    keep_rate(*found);
    entries_.erase(found);
  }
  // The entry is about another peer from now on; references to it stay valid. There must be none with that peer yet.
  void set_peer(const Address& home_address, const Address& from, const Address& to) {
    auto entry = entries_.extract({home_address, from});
    if (entry.empty()) return;
    entry.key().second = to;
    entry.mapped().peer = to;
    entries_.insert(std::move(entry));
  }

  using Entries = std::map<std::pair<Address, Address>, BindingUpdateListEntry>;
  const Entries& entries() const { return entries_; }

 private:
  // A home address that is given back and taken again at once has no more Binding Updates per second than another. What
  // permits the next one by now is forgotten; the newest of all that were erased tells what time it is.
  void keep_rate(const Entries::value_type& erased) {
    const auto newest = erased.second.rate.newest();
    if (!newest) return;
    std::erase_if(rates_, [&](const auto& item) { return *item.second.newest() + UpdateRateLimit::kInterval <= *newest; });
    rates_.insert_or_assign(erased.first, erased.second.rate);
  }

  Entries entries_;
  std::map<std::pair<Address, Address>, UpdateRateLimit> rates_;  // of erased entries
};

}  // namespace mipflow::mobile_node
