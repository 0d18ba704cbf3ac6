// SPDX-License-Identifier: GPL-3.0-or-later
// What a Binding Update asks for and from whom, the same for correspondent and home registrations (RFC 6275 §9.5.1).
#pragma once

#include <cstdint>

#include "mipflow/base/address.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::correspondent_node {

// A Binding Update whose form is right, taken apart. It does not refer to the packet and may outlive it.
struct BindingRequest {
  Address home_address;     // of the Home Address option, else the source
  Address care_of_address;  // of the Alternate Care-of Address option, else the source
  Address wire_source;      // where the acknowledgement goes
  Address destination;      // our address that the Binding Update was sent to
  bool has_home_address_option = false;
  InterfaceIndex interface = 0;

  std::uint16_t sequence = 0;
  std::uint16_t lifetime_units = 0;  // of 4 s; 0 asks to de-register
  bool acknowledge = false;          // A
  bool home_registration = false;    // H

  bool asks_to_deregister() const { return lifetime_units == 0; }
  // The home address is in use on the wire: the mobile node is at home, or sends through its home agent's tunnel.
  bool sent_from_home() const { return wire_source == home_address; }
};

// RFC 6275 §9.5.1 and §6.1.7, the tests of the addresses; who fails gets no answer. The error says in a few words what was
// wrong. `interface` is where the packet arrived.
Expected<BindingRequest, const char*> read_binding_request(const wire::PacketView& view, const wire::BindingUpdate& update,
                                                           InterfaceIndex interface);

// RFC 6275 §9.5.4: to where the Binding Update came from, by a type 2 routing header unless it came from the home address
// itself, and by the Binding Cache never.
wire::Envelope acknowledgement_envelope(const BindingRequest& request);

}  // namespace mipflow::correspondent_node
