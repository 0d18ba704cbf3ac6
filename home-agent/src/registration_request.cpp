// SPDX-License-Identifier: GPL-3.0-or-later
#include "registration_request.hpp"

namespace mipflow::home_agent {

Expected<RegistrationRequest, const char*> read_registration_request(const wire::PacketView& view,
                                                                     const wire::BindingUpdate& update,
                                                                     const PacketReceived& packet) {
  auto read = correspondent_node::read_binding_request(view, update, packet.interface);
  if (!read) return Unexpected{read.error()};
  RegistrationRequest request;
  static_cast<correspondent_node::BindingRequest&>(request) = *read;
  request.link_layer_source = packet.link_layer_source;
  request.link_local_address_compatibility = update.link_local_address_compatibility;
  if (const auto* replay = wire::find_option<wire::ReplayProtection>(update.options))
    request.timestamp = replay->ntp_timestamp;

  if (request.home_registration && wire::find_option<wire::NonceIndices>(update.options) != nullptr)
    return Unexpected{"a home registration carries nonce indices"};
  // RFC 6275 §10.3.1 and §10.3.2: only a de-registration at home may do without the option.
  if (request.home_registration && !request.has_home_address_option && !request.asks_to_deregister())
    return Unexpected{"a home registration lacks the Home Address option"};
  return request;
}

}  // namespace mipflow::home_agent
