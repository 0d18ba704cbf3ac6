// SPDX-License-Identifier: GPL-3.0-or-later
// The Home Address Table of WO 2004/057826: the home addresses in use, in order, and who uses them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/time.hpp"

namespace mipflow::hoa_alloc {

// Where a home address came from; decides which mechanism frees it.
enum class Origin : std::uint8_t {
  Configured,  // the Primary Home Address
  Prefix,      // stateless autoconfiguration below an advertised home prefix
  Agent,       // chosen by the home agent, by the address service
  Dhcpv6,      // leased by the home agent from a DHCPv6 server, by the address service
};
// "configured", "prefix", "agent", "dhcpv6".
const char* to_string(Origin origin);
// By the address service: the home agent has a lease for it, which has to be given back.
constexpr bool is_lease(Origin origin) { return origin == Origin::Agent || origin == Origin::Dhcpv6; }

// One element of the table.
struct HomeAddressEntry {
  Address home_address;
  Address care_of_address{};            // of the Binding Updates to the home agent; `::` while there is none
  InterfaceIndex interface = 0;         // that the care-of address belongs to; 0 while there is none
  Origin origin = Origin::Prefix;
  TimePoint preferred_until = kNever;   // later it is deprecated: old flows keep it, new ones do not get it (RFC 4862 §5.5.4)
  TimePoint valid_until = kNever;       // bounds the lifetime of its bindings (RFC 6275 §11.7.1)
};

// Why a home address can not be taken out of the table.
enum class RemovalRefusal : std::uint8_t {
  Primary,  // "it is not possible to free the Primary Home Address"
  InUse,    // a flow still has it
  Unknown,  // not in the table
};

// The Primary Home Address is the first element from construction to destruction. Spares and anchors are not in here but
// in the WarmPool: an address enters the table with its first flow and leaves when its last flow has ended.
//
// Next to each element stands how many flows use it, by correspondent node and by binding holder (the home agent for a
// tunnelled flow, the correspondent node for a route-optimised one), so that the questions of Figure 6 cost one look-up per
// home address however many flows there are.
class HomeAddressTable {
 public:
  explicit HomeAddressTable(HomeAddressEntry primary);

  const Address& primary() const { return entries_.front().home_address; }
  bool is_primary(const Address& home_address) const { return home_address == primary(); }

  // In order; the first is the Primary Home Address.
  const std::vector<HomeAddressEntry>& entries() const { return entries_; }
  std::size_t size() const { return entries_.size(); }
  // nullptr when it is not in the table. Valid until the next append() or remove().
  const HomeAddressEntry* find(const Address& home_address) const;
  bool contains(const Address& home_address) const { return index_.contains(home_address); }

  // Adds behind the last element. False, and nothing changes, when the address is in the table already.
  bool append(HomeAddressEntry entry);
  // Takes the address out and returns nullopt, or says why it stays.
  std::optional<RemovalRefusal> remove(const Address& home_address);
  // True when `remove` would succeed: what WO 2004/057826 asks when a flow has finished.
  bool removable(const Address& home_address) const;

  // These return false when the address is not in the table.
  bool set_care_of_address(const Address& home_address, const Address& care_of_address, InterfaceIndex interface);
  bool set_lifetimes(const Address& home_address, TimePoint preferred_until, TimePoint valid_until);

  // To be called for every flow that gets, loses or changes what it has here. False, and nothing changes, when the address
  // is not in the table or no such flow was added before.
  bool flow_added(const Address& home_address, const Address& correspondent, const Address& holder);
  bool flow_removed(const Address& home_address, const Address& correspondent, const Address& holder);
  bool holder_changed(const Address& home_address, const Address& old_holder, const Address& new_holder);

  // Numbers of flows; 0 when the address is not in the table.
  std::size_t flows(const Address& home_address) const;
  std::size_t flows_to_correspondent(const Address& home_address, const Address& correspondent) const;
  std::size_t flows_with_holder(const Address& home_address, const Address& holder) const;

 private:
  // Not noexcept, so that libstdc++ keeps the hash beside each element: a look-up then does not hash its neighbours in the
  // bucket again, which is what would make a large table slower than a small one.
  struct PeerHash {
    std::size_t operator()(const Address& peer) const { return std::hash<Address>{}(peer); }
  };
  using Counts = std::unordered_map<Address, std::size_t, PeerHash>;
  struct Usage {
    std::size_t flows = 0;
    Counts by_correspondent;
    Counts by_holder;
  };

  Usage* usage_of(const Address& home_address);
  const Usage* usage_of(const Address& home_address) const;

  std::vector<HomeAddressEntry> entries_;
  std::vector<Usage> usages_;                         // parallel to entries_
  std::unordered_map<Address, std::size_t> index_;    // home address -> position in entries_
};

}  // namespace mipflow::hoa_alloc
