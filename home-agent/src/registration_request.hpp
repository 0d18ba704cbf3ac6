// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "mipflow/base/address.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/correspondent-node/binding_request.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::home_agent {

// What a home agent wants to know of a Binding Update beyond what every correspondent node does.
struct RegistrationRequest : correspondent_node::BindingRequest {
  std::optional<LinkLayerAddress> link_layer_source;
  bool link_local_address_compatibility = false;  // L
  std::optional<std::uint64_t> timestamp;         // RFC 4285 §6

  // Filled in by the authentication: the mobile node and its security association; SPI 0 when nothing was authenticated.
  Address primary_home_address;
  std::uint32_t spi = 0;
};

// RFC 6275 §9.5.1, the tests whose failure is answered by silence. The error says in a few words what was wrong.
Expected<RegistrationRequest, const char*> read_registration_request(const wire::PacketView& view,
                                                                     const wire::BindingUpdate& update,
                                                                     const PacketReceived& packet);

}  // namespace mipflow::home_agent
