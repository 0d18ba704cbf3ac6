// SPDX-License-Identifier: GPL-3.0-or-later
// Mobile nodes with home addresses, and the authenticated Binding Updates that they send, octet by octet.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::benchmarks {

inline const Address kHomeAgent = *Address::parse("2001:db8:100::1");
inline const Address kCareOf = *Address::parse("2001:db8:200::5");

inline wire::SecurityAssociation association_of(unsigned mobile_node) {
  return {"node-" + std::to_string(mobile_node) + "@example.net", 1000, Bytes(16, static_cast<std::uint8_t>(mobile_node))};
}

// The n-th home address of all, below 2001:db8:100::/64.
inline Address home_address_of(unsigned number) {
  Address out = *Address::parse("2001:db8:100::");
  for (unsigned octet = 0; octet < 4; ++octet) out.octets[12 + octet] = static_cast<std::uint8_t>((number + 0x1000) >> (8 * (3 - octet)));
  out.octets[8] = 1;
  return out;
}

class MobileNodes {
 public:
  // `each`: home addresses of every mobile node; those but the first have keys derived from its own.
  MobileNodes(unsigned home_addresses, unsigned each) : count_(home_addresses), each_(each), sequences_(home_addresses) {}

  home_agent::Configuration configuration() const {
    home_agent::Configuration out;
    out.home_agent_address = kHomeAgent;
    out.home_prefixes = {{.prefix = *Prefix::parse("2001:db8:100::/64")}};
    for (unsigned node = 0; node * each_ < count_; ++node)
      out.mobile_nodes.push_back({.security_association = association_of(node),
                                  .primary_home_address = home_address_of(node * each_),
                                  .home_address_cap = each_});
    out.binding_cache_capacity = std::max(1'000'000u, count_);
    return out;
  }

  // Moves the home address to another care-of address.
  Bytes update_of(unsigned number, Duration wall) {
    Address care_of = kCareOf;
    const std::uint16_t sequence = ++sequences_[number];
    care_of.octets[15] = static_cast<std::uint8_t>(sequence);
    const Address home_address = home_address_of(number);
    const unsigned node = number / each_;
    const auto association = association_of(node);
    wire::BindingUpdate update{.sequence = sequence, .acknowledge = true, .home_registration = true, .lifetime_units = 1000};
    update.options.push_back(wire::AlternateCareOfAddress{care_of});
    const Bytes key = number % each_ == 0 ? association.key : wire::derived_key(association, home_address_of(node * each_), home_address);
    return wire::build_packet_from_header({.source = care_of, .destination = kHomeAgent, .home_address_option = home_address},
                                          wire::encode_authenticated(update, {.association = association,
                                                                              .key = key,
                                                                              .care_of_address = care_of,
                                                                              .home_address = home_address,
                                                                              .timestamp = wire::ntp_timestamp(wall),
                                                                              .with_identifier = true}));
  }
  unsigned count() const { return count_; }

 private:
  unsigned count_;
  unsigned each_;
  std::vector<std::uint16_t> sequences_;
};

}  // namespace mipflow::benchmarks
