// SPDX-License-Identifier: GPL-3.0-or-later
#include "registration_request.hpp"

namespace mipflow::home_agent {

Expected<RegistrationRequest, const char*> read_registration_request(const wire::PacketView& view,
                                                                     const wire::BindingUpdate& update,
                                                                     const PacketReceived& packet) {
  RegistrationRequest request;
  request.home_address = view.logical_source();
  request.wire_source = view.source;
  request.home_agent = view.destination;
  request.has_home_address_option = view.home_address_option.has_value();
  request.interface = packet.interface;
  request.link_layer_source = packet.link_layer_source;
  const auto* alternate = wire::find_option<wire::AlternateCareOfAddress>(update.options);
  request.care_of_address = alternate != nullptr ? alternate->care_of_address : view.source;
  request.sequence = update.sequence;
  request.lifetime_units = update.lifetime_units;
  request.home_registration = update.home_registration;
  request.link_local_address_compatibility = update.link_local_address_compatibility;
  if (const auto* replay = wire::find_option<wire::ReplayProtection>(update.options))
    request.timestamp = replay->ntp_timestamp;

  if (view.source.is_unspecified() || view.source.is_multicast() || view.source.is_loopback())
    return Unexpected{"the source is no unicast address"};
  if (!request.home_address.is_unicast_routable()) return Unexpected{"the home address is not unicast routable"};
  if (!request.care_of_address.is_unicast_routable()) return Unexpected{"the care-of address is not unicast routable"};
  if (request.home_registration && wire::find_option<wire::NonceIndices>(update.options) != nullptr)
    return Unexpected{"a home registration carries nonce indices"};
  // RFC 6275 §10.3.1 and §10.3.2: only a de-registration at home may do without the option.
  if (request.home_registration && !request.has_home_address_option && !request.asks_to_deregister())
    return Unexpected{"a home registration lacks the Home Address option"};
  return request;
}

}  // namespace mipflow::home_agent
