// SPDX-License-Identifier: GPL-3.0-or-later
// One address from a DHCPv6 server, from the first Solicit to its end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "address_source.hpp"
#include "dhcpv6_retransmission.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/wire/dhcpv6.hpp"

namespace mipflow::home_agent {

// Phase        sends     until                                      then
// Soliciting   Solicit   first wait over and a server offered,      Requesting
//                        or preference 255
//                        first wait over and servers only refused   the request is refused
// Requesting   Request   Reply with an address                      Bound
//                        Reply without, or REQ_MAX_RC               the next offer, else the request is refused
// Bound        -         T1                                         Renewing
// Renewing     Renew     Reply with the address                     Bound
//                        T2                                         Rebinding
// Rebinding    Rebind    Reply with the address                     Bound
//                        Reply NoBinding (Renewing, too)            Requesting, the same address again
// Releasing    Release   Reply, or REL_MAX_RC                       forgotten
// Declining    Decline   Reply, or DEC_MAX_RC                       forgotten
// (the address given was a mobile node's already: the request is refused, the address declined)
// In every phase with a lease: its valid lifetime is over, or a Reply takes it back: the lease is lost. A request that is
// not answered within kDhcpv6Patience is refused, and what a server may have given by then is released.
enum class Dhcpv6Phase : std::uint8_t { Soliciting, Requesting, Bound, Renewing, Rebinding, Releasing, Declining };

// How long a request may take. Long enough for a second and third Solicit and Request when messages get lost, short enough
// for a mobile node that waits and could get an address elsewhere.
inline constexpr Duration kDhcpv6Patience = std::chrono::seconds{10};

// A usable Advertise.
struct Dhcpv6Offer {
  Bytes server;  // DUID
  unsigned preference = 0;
  Address address;
  // A mobile node has the address already. Asked for only when nothing better is offered, to be declined: else the server
  // would offer it for ever.
  bool is_taken = false;
};

struct Dhcpv6Lease {
  Address mobile_node;                 // its Primary Home Address
  std::uint32_t identity = 0;          // IAID
  Dhcpv6Phase phase = Dhcpv6Phase::Soliciting;

  std::optional<AddressRequestId> request;      // not answered yet
  TimePoint patience_until = kNever;            // of the request, or of `then`
  std::vector<Dhcpv6Offer> offers{};            // the best first; the first one is being requested in Requesting
  std::string complaint{};                      // why servers that answered gave nothing

  AddressLease lease{};                // the address is `::` until there is a lease
  Bytes server{};                      // DUID of who gave it; empty when only the time before a restart knew
  TimePoint t1 = kNever;
  TimePoint t2 = kNever;
  std::vector<Address> given_back{};   // in Releasing and Declining
  // Given back before it was known to which server: goes on there when a Rebind was answered.
  std::optional<Dhcpv6Phase> then = std::nullopt;

  std::uint32_t transaction_id = 0;    // of the exchange that runs; 0 in Bound
  Dhcpv6Retransmission retransmission{};
  TimePoint next_transmission = kNever;

  bool is_leased() const { return !lease.home_address.is_unspecified(); }
};

wire::Dhcpv6Type message_type(Dhcpv6Phase phase);  // not for Bound
// `longest_solicit_timeout`: SOL_MAX_RT.
Dhcpv6Retransmission::Parameters retransmission_parameters(Dhcpv6Phase phase, Duration longest_solicit_timeout);
// The message that the lease's phase sends at `now` (RFC 8415 §18.2.1 to §18.2.8), with the client's DUID.
wire::Dhcpv6Message message_of(const Dhcpv6Lease& lease, const Bytes& client, TimePoint now);

// The DUID that the home agent has for the mobile node: a DUID-UUID (RFC 8415 §11.5) whose UUID is made of both addresses,
// so that a restarted home agent is the same client, and another home agent of the link is not.
Bytes dhcpv6_client_identifier(const Address& home_agent, const Address& primary_home_address);

// "NoAddrsAvail", with the server's own words behind it when it sent some. Those come from the network: of them only
// printable ASCII, and not more than a line of it.
std::string shown(const wire::Dhcpv6Status& status);

}  // namespace mipflow::home_agent
