// SPDX-License-Identifier: GPL-3.0-or-later
// Home addresses that are registered before a flow needs them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/backoff.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/hoa-alloc/home_address_table.hpp"

namespace mipflow::hoa_alloc {

enum class PoolPurpose : std::uint8_t {
  Spare,   // waits for a flow: the home agent's second of duplicate address detection is over already
  Anchor,  // keeps its care-of address in use at the home agent, so that addresses that move there together find it in use
};

struct PooledAddress {
  HomeAddressEntry entry;   // care-of address and interface: where it is bound, or is being bound
  PoolPurpose purpose = PoolPurpose::Spare;
  bool registered = false;  // the home agent has accepted the binding to entry.care_of_address
  // A flow had it until lately. Before that time it is given to none: who saw the address then could tell that the next
  // flow is of the same host.
  TimePoint rests_until = TimePoint::min();
};

struct WarmPoolLimits {
  unsigned spares = 2;               // registered spares to keep
  unsigned cap = 64;                 // home addresses at the same time: the table's, spares and anchors
  bool anchor_per_interface = true;
  unsigned in_flight = 4;            // registrations at the same time
  Duration rest = std::chrono::seconds{60};  // see PooledAddress::rests_until
  std::size_t resting = 4;        // addresses that rest at the same time; further ones are freed
  Duration initial_retry = std::chrono::seconds{1};   // after the first failure in a row; doubles
  Duration maximum_retry = std::chrono::seconds{256};
};

// A usable interface, in the order in which the caller prefers them.
struct Uplink {
  InterfaceIndex interface = 0;
  Address care_of_address;
  // A registered home address that stays (the Primary Home Address) is bound here, so no anchor of our own is needed.
  bool anchored = false;
};

// What the caller should do now; it tells the pool when it has done so (the calls in brackets).
struct AllocateAddress {  // allocate a home address and register it there [registering()]
  PoolPurpose purpose = PoolPurpose::Spare;
  InterfaceIndex interface = 0;
  Address care_of_address;
  friend bool operator==(const AllocateAddress&, const AllocateAddress&) = default;
};
struct RebindAddress {  // its uplink is gone: send a Binding Update for the new care-of address [rebinding()]
  Address home_address;
  InterfaceIndex interface = 0;
  Address care_of_address;
  friend bool operator==(const RebindAddress&, const RebindAddress&) = default;
};
struct ReleaseAddress {  // more than needed: de-register and free it [released()]
  Address home_address;
  friend bool operator==(const ReleaseAddress&, const ReleaseAddress&) = default;
};
using PoolAction = std::variant<AllocateAddress, RebindAddress, ReleaseAddress>;

// State only: sends nothing, allocates nothing, reads no clock.
//
// Two rules that look strange without their reason: an anchor is always a fresh address, never a spare that moves, and a
// spare that lost its uplink moves only to one that is anchored. There are home agents (UMIP 1.0) that go on tunnelling to
// the old care-of address when addresses that shared it move to one that no home address uses yet.
class WarmPool {
 public:
  explicit WarmPool(WarmPoolLimits limits);

  // What is missing or too much. `in_use`: home addresses in the HomeAddressTable, the primary one included. Empty while no
  // uplink is usable; allocations stop until retry_at() after failures. Anchors come before spares, spares spread over
  // the uplinks.
  std::vector<PoolAction> actions(std::span<const Uplink> uplinks, std::size_t in_use, TimePoint now) const;
  // When actions() may yield an allocation that it withholds now; kNever when nothing is withheld because of failures.
  TimePoint retry_at(TimePoint now) const;
  // True when the cap leaves room for one more home address.
  bool has_room(std::size_t in_use) const { return in_use + pool_.size() < limits_.cap; }

  // A Binding Update for a new home address goes out. False, and nothing changes, when the address is in the pool already.
  bool registering(const HomeAddressEntry& entry, PoolPurpose purpose);
  // A Binding Update to another care-of address goes out; the address becomes a spare. False when it is not in the pool.
  bool rebinding(const Address& home_address, const Address& care_of_address, InterfaceIndex interface);
  // The home agent accepted the binding. False when the address is not in the pool.
  bool registered(const Address& home_address);
  // The registration was refused or never answered: takes the address out and waits before the next allocation, longer
  // after every failure in a row. False when the address is not in the pool.
  bool failed(const Address& home_address, TimePoint now);
  // The address was de-registered. False when it is not in the pool.
  bool released(const Address& home_address);
  // The last flow of a home address has ended: keeps it registered, to be a spare when it has rested, which saves the home
  // agent a de-registration and a duplicate address detection. False when it has to be freed.
  bool adopt(const HomeAddressEntry& entry, TimePoint now);
  // What a Mobile Prefix Advertisement said of the address's prefix. False when the address is not in the pool.
  bool set_lifetimes(const Address& home_address, TimePoint preferred_until, TimePoint valid_until);

  // Figure 6, step 43 without delay: takes a registered spare out of the pool, one bound to the wanted care-of address if there is
  // one (its first packet then needs no Binding Update before it), else any that is bound. nullopt when there is none.
  // Anchors are not given away.
  std::optional<HomeAddressEntry> take_spare(const Address& wanted_care_of_address, TimePoint now);
  // What take_spare() would take, one after the other.
  std::vector<Address> givable_spares(const Address& wanted_care_of_address, TimePoint now) const;
  // True when take_spare() would succeed.
  bool has_spare(TimePoint now) const;

  // nullptr when it is not in the pool. Valid until the pool changes.
  const PooledAddress* find(const Address& home_address) const;
  const std::vector<PooledAddress>& addresses() const { return pool_; }
  // Registered spares that may be given to a flow now.
  std::size_t spares(TimePoint now) const;
  // Those that rest.
  std::size_t resting(TimePoint now) const;
  // When the next one has rested; kNever when none rests.
  TimePoint rested_at(TimePoint now) const;

 private:
  std::vector<PooledAddress>::iterator position(const Address& home_address);

  WarmPoolLimits limits_;
  std::vector<PooledAddress> pool_;
  Backoff retry_;
  TimePoint retry_at_ = TimePoint::min();
};

}  // namespace mipflow::hoa_alloc
