// SPDX-License-Identifier: GPL-3.0-or-later
// What a receiver finds wrong with a packet that decodes, as far as the packet alone shows it. Wrong authenticators,
// missing bindings and foreign home addresses need a node's state and are not found here.
#include "describe.hpp"

namespace mipflow::tools {

namespace {

using wire::find_option;

std::optional<Problem> problem(const char* kind, std::size_t offset, const char* explanation) {
  return Problem{kind, offset, explanation};
}

// RFC 6275 §9.5.1
std::optional<Problem> broken_rule_of_update(const wire::PacketView& view, const wire::BindingUpdate& update) {
  const std::size_t start = view.payload_offset;
  const auto* alternate = find_option<wire::AlternateCareOfAddress>(update.options);
  const Address& care_of_address = alternate != nullptr ? alternate->care_of_address : view.source;
  if (!view.logical_source().is_unicast_routable())
    return problem("home-address-not-routable", 8,
                   "the home address of a Binding Update has to be a unicast routable one; a receiver drops it silently "
                   "(RFC 6275 §9.5.1)");
  if (!care_of_address.is_unicast_routable())
    return problem("care-of-address-not-routable", start,
                   "the care-of address of a Binding Update has to be a unicast routable one; a receiver drops it silently "
                   "(RFC 6275 §9.5.1)");
  const bool has_nonces = find_option<wire::NonceIndices>(update.options) != nullptr;
  const bool is_authorized = find_option<wire::BindingAuthorizationData>(update.options) != nullptr;
  if (update.home_registration && has_nonces)
    return problem("nonce-indices-misplaced", start,
                   "a home registration has no Nonce Indices option; a home agent drops it silently (RFC 6275 §9.5.1)");
  if (!update.home_registration && !has_nonces)
    return problem("nonce-indices-missing", start,
                   "a Binding Update to a correspondent node has a Nonce Indices option; without one it is dropped silently "
                   "(RFC 6275 §9.5.1)");
  if (!update.home_registration && !is_authorized)
    return problem("binding-authorization-data-missing", start,
                   "a Binding Update to a correspondent node has a Binding Authorization Data option; without one it is "
                   "dropped silently (RFC 6275 §9.5.1)");
  return std::nullopt;
}

std::optional<Problem> broken_rule_of(const wire::PacketView& view, const wire::MobilityMessage& message) {
  const bool is_test_init =
      std::holds_alternative<wire::HomeTestInit>(message) || std::holds_alternative<wire::CareOfTestInit>(message);
  if (is_test_init && view.home_address_option)
    return problem("home-address-option-misplaced", view.home_address_option_offset,
                   "Home Test Init and Care-of Test Init carry no Home Address option; a correspondent node drops them "
                   "silently (RFC 6275 §9.4.1, §9.4.2)");
  if (const auto* update = std::get_if<wire::BindingUpdate>(&message)) return broken_rule_of_update(view, *update);
  return std::nullopt;
}

std::optional<Problem> broken_rule_of(const wire::PacketView& view, const wire::Icmpv6Message& message) {
  if (std::holds_alternative<wire::MobilePrefixAdvertisement>(message) && !view.routing_header_home_address)
    return problem("routing-header-missing", view.payload_offset,
                   "a Mobile Prefix Advertisement comes with a type 2 routing header; a mobile node drops it silently without "
                   "one (RFC 6275 §11.4.3)");
  if (std::holds_alternative<wire::MobilePrefixSolicitation>(message) && !view.home_address_option)
    return problem("home-address-option-missing", view.payload_offset,
                   "a Mobile Prefix Solicitation carries a Home Address option (RFC 6275 §6.7)");
  return std::nullopt;
}

}  // namespace

std::optional<Problem> broken_rule(const wire::PacketView& view) {
  if (view.home_address_option && !view.home_address_option->is_unicast_routable())
    return problem("home-address-not-routable", view.home_address_option_offset,
                   "the Home Address option has to hold a unicast routable address; a receiver drops the packet (RFC 6275 §9.3.1)");
  if (view.routing_header_home_address && !view.routing_header_home_address->is_unicast_routable())
    return problem("home-address-not-routable", 40,
                   "a type 2 routing header has to hold a unicast routable address; a receiver drops the packet silently "
                   "(RFC 6275 §6.4)");
  return std::nullopt;
}

std::optional<Problem> broken_rule(const wire::SignallingPacket& packet) {
  if (auto found = broken_rule(packet.view)) return found;
  return std::visit([&](const auto& message) { return broken_rule_of(packet.view, message); }, packet.message);
}

}  // namespace mipflow::tools
