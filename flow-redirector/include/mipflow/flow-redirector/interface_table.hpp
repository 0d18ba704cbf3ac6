// SPDX-License-Identifier: GPL-3.0-or-later
// The network interfaces of the mobile node: which can carry flows now, and with which care-of address.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/interface_preference.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/flow-redirector/condition_record.hpp"

namespace mipflow::flow_redirector {

using mipflow::InterfaceKind;

// A global address of an interface: a candidate care-of address.
struct CandidateAddress {
  Address address;
  unsigned prefix_length = 64;
  bool tentative = false;    // duplicate address detection runs or has failed
  bool deprecated = false;   // RFC 4862 §5.5.4: chosen only when there is no other
  bool temporary = false;    // RFC 8981: never chosen, a care-of address has to stay
  TimePoint valid_until = kNever;  // bounds the lifetime of bindings to it (RFC 6275 §11.7.1)
};

// A default router of an interface's link, from its Router Advertisements (RFC 4861 §6.3.4).
struct Router {
  Address address;        // link-local
  bool reachable = true;  // false: neighbour unreachability detection (RFC 4861 §7.3) found that it does not answer
};

// A network interface as the kernel reports it, and what follows from that for flows.
struct Interface {
  InterfaceIndex index = 0;
  std::string name;
  InterfaceKind kind = InterfaceKind::Other;
  bool up = false;       // administratively
  bool running = false;  // has carrier
  std::uint32_t mtu = 1500;  // octets
  std::vector<CandidateAddress> addresses{};  // in the order in which they appeared
  std::vector<Router> routers{};              // likewise

  InterfaceQuality quality{};
  ConditionRecord record{};

  // The primary care-of address (RFC 6275 §11.5.2): the one chosen before as long as it can be used, so that a second address
  // on the link moves nothing. `::` while there is none.
  Address care_of_address{};

  // Up, running, with a care-of address and a reachable default router.
  bool usable() const { return why_not().empty(); }
  // What is missing, as words for the operator ("has no carrier"); empty when usable.
  std::string why_not() const;
  // The first reachable default router, else the first; `::` when there is none.
  Address router() const;
};

// Follows the kernel's reports about links, addresses and routers. The changing functions return true when something that
// concerns flows is different now: usable or not, the care-of address, the router, the MTU or the name.
// When an interface becomes usable, or gets another care-of address, what was measured before is forgotten: it was about
// another network.
class InterfaceTable {
 public:
  // Addresses and routers that were reported before the interface itself are kept, whatever the order of the reports. An
  // interface without a name has not been reported itself and is not usable.
  bool set_link(InterfaceIndex index, std::string name, InterfaceKind kind, bool up, bool running, std::uint32_t mtu,
                TimePoint now);
  bool remove_link(InterfaceIndex index);  // with its addresses and routers
  // Adds the address or changes what is known of it. Addresses that are not unicast routable are ignored. The caller leaves
  // out its own home addresses: one of them as care-of address would be a loop.
  bool set_address(InterfaceIndex index, const CandidateAddress& address, TimePoint now);
  bool remove_address(InterfaceIndex index, const Address& address, TimePoint now);
  bool set_router(InterfaceIndex index, const Address& router, bool reachable, TimePoint now);
  bool remove_router(InterfaceIndex index, const Address& router, TimePoint now);

  // True when the quality is another one now. Ignored for an interface that is not known.
  bool set_quality(InterfaceIndex index, const InterfaceQuality& quality, TimePoint now);

  // nullptr when there is none.
  const Interface* find(InterfaceIndex index) const;
  const Interface* find(std::string_view name) const;
  const std::map<InterfaceIndex, Interface>& interfaces() const { return interfaces_; }
  // By kind, then by name: the order of preference when nothing else decides.
  std::vector<const Interface*> usable() const;

 private:
  std::map<InterfaceIndex, Interface> interfaces_;
};

}  // namespace mipflow::flow_redirector
