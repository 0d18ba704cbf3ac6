// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "mobile_node_fixture.hpp"

namespace mipflow::datapath {

// A mobile node whose home addresses can also go straight to the correspondent node: bindings 11 and 12.
class RouteOptimizedFixture : public MobileNodeFixture {
 public:
  RouteOptimizedFixture() {
    must(path->set_binding(11, direct(kHome1, kCareOf, "wlan0")));
    must(path->set_binding(12, direct(kHome2, kOtherCareOf, "wwan0")));
    must(path->set_routing_header_source({kHome1, kCorrespondent}));
    must(path->set_routing_header_source({kHome2, kCorrespondent}));
  }
  static forwarding::BindingItem direct(const Address& home, const Address& care_of, const char* uplink) {
    return {forwarding::HeaderKind::RouteOptimized, home, care_of, kCorrespondent, interface_named(uplink)};
  }
  // The flow of the socket's kHome1 leaves with `home` over the binding.
  void flow(std::uint8_t protocol, std::uint16_t port, std::uint16_t correspondent_port, const Address& home = kHome1,
            forwarding::BindingId id = 11) {
    must(path->set_flow(key(protocol, port, correspondent_port), {7, home, id}));
  }
};

inline packets::Octets behind_routing_header(const packets::Octets& packet, const Address& home,
                                             const packets::Ends& wire = {kCorrespondent, kCareOf}) {
  const packets::Read inner = packets::read(packet);
  return packets::ipv6(wire, packets::kRouting,
                       packets::joined(packets::type_2_routing_header(inner.next_header, home), inner.payload), inner.traffic_class,
                       inner.hop_limit);
}

// As `packet` leaves from the care-of address.
inline packets::Octets behind_home_address_option(const packets::Octets& packet, const Address& care_of = kCareOf) {
  const packets::Read inner = packets::read(packet);
  return packets::ipv6({care_of, inner.destination}, packets::kDestinationOptions,
                       packets::joined(packets::home_address_option(inner.next_header, inner.source), inner.payload),
                       inner.traffic_class, inner.hop_limit);
}

}  // namespace mipflow::datapath
