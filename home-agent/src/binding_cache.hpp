// SPDX-License-Identifier: GPL-3.0-or-later
// The Binding Cache of home registrations, RFC 6275 §9.1 and §10.3.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/deadline_queue.hpp"
#include "mipflow/base/time.hpp"

namespace mipflow::home_agent {

//                        first BU            DAD passed           Lifetime 0, expiry             time over
//   (no entry) ───────► DetectingDuplicates ──────────► Bound ──────────────────────► Deleted ──────────► (no entry)
//                        │  duplicate found, Lifetime 0                               ▲    │
//                        └────────────────────────────────────────────────────────────┘    │ newer BU
//                        ▲─────────────────────────────────────────────────────────────────┘
// On a virtual home link there are no duplicates to detect and the first state is passed through at once.
enum class BindingState : std::uint8_t { DetectingDuplicates, Bound, Deleted };

// What is remembered about a home address. In the states but Bound only the lines of the replay protection count: a
// Deleted entry serves nobody, it answers Binding Updates that were delayed on their way (RFC 6275 §10.3.2).
struct Binding {
  Address home_address;
  Address care_of_address;
  Address primary_home_address;       // names the mobile node; the home address itself when nobody authenticated
  TimePoint ends = kNever;            // Bound: end of the lifetime; Deleted: when the entry is forgotten
  std::uint64_t last_timestamp = 0;   // of the last Binding Update taken, NTP; 0 = none
  std::uint32_t spi = 0;              // of the security association that authenticated it; 0 = none did
  std::uint16_t sequence = 0;         // of the last Binding Update taken
  BindingState state = BindingState::DetectingDuplicates;
  bool link_local_address_compatibility = false;  // L
};

class BindingCache {
 public:
  // nullptr when nothing is known about the home address. Pointers stay valid until the entry is erased.
  Binding* find(const Address& home_address);
  const Binding* find(const Address& home_address) const;
  const Binding* find_bound(const Address& home_address) const;

  // Adds an entry; there must be none for this home address yet.
  Binding& insert(const Binding& binding);
  void erase(const Address& home_address);
  // Changes the state and when the entry ends; kNever for DetectingDuplicates, which has a timer elsewhere.
  void enter(Binding& binding, BindingState state, TimePoint ends);
  // Hands the entry to another mobile node; only in the state Deleted.
  void change_owner(Binding& binding, const Address& primary_home_address);

  // Home addresses of the mobile node in any state, in no order.
  const std::vector<Address>& home_addresses_of(const Address& primary_home_address) const;
  // How many of them are Bound or DetectingDuplicates.
  std::size_t live_count(const Address& primary_home_address) const;

  TimePoint next_end() const { return ends_.next(); }
  // A home address whose entry ends now or has ended; the entry itself stays for the caller to deal with.
  std::optional<Address> take_ended(TimePoint now) { return ends_.take_due(now); }

  // Home addresses that became, were or ended being Bound since the last call: what is kept over a restart changed for them. No
  // more than there are, or lately were, entries; those that are inserted as Bound are not among them, they come from there.
  std::unordered_set<Address> take_touched() { return std::exchange(touched_, {}); }

  std::size_t size() const { return bindings_.size(); }
  const std::unordered_map<Address, Binding>& all() const { return bindings_; }

 private:
  struct Owner {
    std::vector<Address> home_addresses;
    std::size_t live = 0;
  };
  static bool is_live(BindingState state) { return state != BindingState::Deleted; }
  void add_to_owner(const Binding& binding);
  void remove_from_owner(const Binding& binding);

  std::unordered_map<Address, Binding> bindings_;
  std::unordered_map<Address, Owner> owners_;
  DeadlineQueue<Address> ends_;
  std::unordered_set<Address> touched_;
};

}  // namespace mipflow::home_agent
