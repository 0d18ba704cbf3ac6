// SPDX-License-Identifier: GPL-3.0-or-later
// The Binding Cache of correspondent registrations, RFC 6275 §9.1 and §9.6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "mipflow/base/address.hpp"
#include "mipflow/base/deadline_queue.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"

namespace mipflow::correspondent_node {

//                   BU accepted             Lifetime 0, expiry, replacement, …        its nonces have expired
//   (no entry) ─────────────────► Bound ────────────────────────────────────► Deleted ────────────────────► (no entry)
//                                   ▲                                            │ newer BU, or newer nonces
//                                   └────────────────────────────────────────────┘
enum class BindingState : std::uint8_t { Bound, Deleted };

// §9.1: there is a cache for each of our addresses, so both addresses name an entry.
using BindingKey = forwarding::HomeAddressAndCorrespondent;

// In the state Deleted only the lines of the replay protection count: such an entry serves nobody.
struct Binding {
  Address care_of_address;
  Address previous_care_of_address;  // `::`: none
  TimePoint previous_ends = kNever;
  TimePoint ends;                    // of the lifetime
  TimePoint in_data_path_since;      // with this care-of address

  // Replay protection, §5.2.8.
  std::uint16_t sequence = 0;    // of the last Binding Update taken
  TimePoint replayable_until{};  // later than this no Binding Update taken so far is authorised any more
  TimePoint nonces_void_until{}; // nonces that end by then are as good as expired for this entry

  TimePoint last_used;           // by a packet; before the first one: when it was bound or refreshed
  bool carried_packets = false;
  TimePoint next_refresh_request = kNever;
  unsigned refresh_requests = 0;  // since the last Binding Update
  unsigned unreachables = 0;      // §9.3.4, those that count
  TimePoint last_unreachable{};

  BindingState state = BindingState::Bound;
};

// What an accepted Binding Update writes into its entry.
struct Registration {
  Address care_of_address;
  std::uint16_t sequence;
  TimePoint ends;
  TimePoint replayable_until;
  TimePoint keep_previous_until;   // the care-of address before, when it was another one; now: not at all
  TimePoint first_refresh_request;
};

// Keeps plan.correspondent_bindings equal to the entries that are Bound.
class BindingCache {
 public:
  explicit BindingCache(forwarding::ForwardingPlan& plan) : plan_(plan) {}

  // So many are Bound at most; of those that are Deleted as many are remembered.
  void set_capacity(std::size_t capacity) { capacity_ = capacity; }
  bool is_full() const { return bound_count() >= capacity_; }
  bool is_overfull() const { return bound_count() > capacity_; }
  std::size_t bound_count() const { return ends_.size(); }

  // nullptr when nothing is known; pointers stay valid until the entry is erased.
  Binding* find(const BindingKey& key);
  const Binding* find(const BindingKey& key) const;
  Binding* find_bound(const BindingKey& key);
  const Binding* find_bound(const BindingKey& key) const;
  const std::unordered_map<BindingKey, Binding>& all() const { return bindings_; }

  // §9.3.1: may packets with this home address come from `source` to the correspondent?
  bool permits(const BindingKey& key, const Address& source) const;
  // For who has no entry: nonces that end by then may have been used for one that had to be forgotten too early (§5.2.8).
  TimePoint forgotten_until() const { return forgotten_until_; }

  // Makes or changes the entry; there has to be room for a new one.
  void bind(const BindingKey& key, const Registration& registration, TimePoint now);
  // For an entry that is there: a Binding Update that was taken for another reason than to bind.
  void remember(Binding& binding, std::uint16_t sequence, TimePoint replayable_until);
  // Bound → Deleted, or away when no Binding Update of it could be replayed.
  void bury(const BindingKey& key, TimePoint now);
  void end_previous(const BindingKey& key, Binding& binding);
  void shorten(const BindingKey& key, Binding& binding, TimePoint ends);

  void note_use(const BindingKey& key, TimePoint at);
  // Which entry is to make room, §9.6: the one not used for longest, and none that carried a packet after `busy_since`.
  std::optional<BindingKey> replaceable(TimePoint busy_since) const;

  TimePoint next_deadline() const;
  // An entry that is Bound and of which something is due; arm() it again unless it is buried.
  std::optional<BindingKey> take_due(TimePoint now) { return ends_.take_due(now); }
  void arm(const BindingKey& key, const Binding& binding);
  void forget_due(TimePoint now);

 private:
  void publish(const BindingKey& key, const Binding& binding);

  forwarding::ForwardingPlan& plan_;
  std::size_t capacity_ = 0;
  std::unordered_map<BindingKey, Binding> bindings_;
  DeadlineQueue<BindingKey> ends_;     // Bound: the next thing that is due
  DeadlineQueue<BindingKey> deleted_;  // Deleted: when it is forgotten
  // Not deadlines but ages: by the time of the last packet, and of those that have carried none by when they were bound.
  DeadlineQueue<BindingKey> used_;
  DeadlineQueue<BindingKey> unused_;
  TimePoint forgotten_until_{};
};

}  // namespace mipflow::correspondent_node
