// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "mipflow/base/address.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::home_agent {

// A Binding Update whose form is right, taken apart. It outlives the packet: it waits while duplicates are looked for.
struct RegistrationRequest {
  Address home_address;     // of the Home Address option, else the source
  Address care_of_address;  // of the Alternate Care-of Address option, else the source
  Address wire_source;      // where the acknowledgement goes
  Address home_agent;       // where the Binding Update was sent to
  bool has_home_address_option = false;
  InterfaceIndex interface = 0;
  std::optional<LinkLayerAddress> link_layer_source;

  std::uint16_t sequence = 0;
  std::uint16_t lifetime_units = 0;  // of 4 s; 0 asks to de-register
  bool home_registration = false;    // H
  bool link_local_address_compatibility = false;  // L
  std::optional<std::uint64_t> timestamp;         // RFC 4285 §6

  // Filled in by the authentication: the mobile node and its security association; SPI 0 when nothing was authenticated.
  Address primary_home_address;
  std::uint32_t spi = 0;

  bool asks_to_deregister() const { return lifetime_units == 0; }
  // RFC 6275 §10.3.2: sent from the home link, where the home address is in use on the wire.
  bool sent_from_home() const { return wire_source == home_address; }
};

// RFC 6275 §9.5.1, the tests whose failure is answered by silence. The error says in a few words what was wrong.
Expected<RegistrationRequest, const char*> read_registration_request(const wire::PacketView& view,
                                                                     const wire::BindingUpdate& update,
                                                                     const PacketReceived& packet);

}  // namespace mipflow::home_agent
