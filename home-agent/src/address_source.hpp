// SPDX-License-Identifier: GPL-3.0-or-later
// Where the home agent gets the home addresses that it gives out (WO 2004/057826: it chooses them itself, or asks a DHCPv6
// server of the home network on behalf of the mobile node).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"

namespace mipflow::home_agent {

// Names a request to a source; chosen by who asks, never used twice.
using AddressRequestId = std::uint64_t;

struct AddressLease {
  Address home_address;
  TimePoint preferred_until = kNever;
  TimePoint valid_until = kNever;
  // The source's own name for the lease among those of its mobile node (DHCPv6: the IAID), 0 when it needs none. Whoever
  // keeps leases over a restart keeps it with them, for adopt().
  std::uint32_t identity = 0;
};

// What became of a request, or of a lease later.
struct AddressSourceReport {
  enum class Kind : std::uint8_t {
    Leased,   // `request` is answered with `lease`
    Refused,  // `request` got none; `reason` says why, for the operator and for the mobile node
    Changed,  // the lease's lifetimes are others now (renewed, or not)
    Lost,     // the address may not be used any more: it expired, or the server took it back
  };
  Kind kind = Kind::Refused;
  AddressRequestId request = 0;  // Leased and Refused only
  Address mobile_node;           // its Primary Home Address
  AddressLease lease{};
  std::string reason{};
};

class AddressSource {
 public:
  virtual ~AddressSource() = default;

  // The answer is a report, at once or later, exactly one for each request.
  virtual void request(AddressRequestId id, const Address& mobile_node, Now now, Outputs& outputs) = 0;
  // Gives a leased address back. Unknown ones are ignored.
  virtual void release(const Address& home_address, Now now, Outputs& outputs) = 0;
  // Somebody else on the home link uses it: gives it back as unusable (DHCPv6 Decline), and never leases it again itself.
  virtual void decline(const Address& home_address, Now now, Outputs& outputs) = 0;
  // The lease is known to be wanted although this object did not make it (the home agent was restarted).
  virtual void adopt(const Address& mobile_node, const AddressLease& lease, Now now, Outputs& outputs) = 0;

  virtual void on_deadline(Now now, Outputs& outputs) = 0;
  virtual TimePoint next_deadline() const = 0;
  virtual std::vector<AddressSourceReport> take_reports() = 0;
  // For the operator: empty, or what is wrong ("the DHCPv6 server does not answer").
  virtual std::string trouble() const = 0;
};

}  // namespace mipflow::home_agent
