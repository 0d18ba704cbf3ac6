// SPDX-License-Identifier: GPL-3.0-or-later
#include "authentication.hpp"

#include <string>

#include "mipflow/wire/authentication.hpp"

namespace mipflow::home_agent {

std::optional<std::string> network_access_identifier(const wire::MobilityOptions& options) {
  const auto* option = wire::find_option<wire::MobileNodeIdentifier>(options);
  if (option == nullptr || option->subtype != wire::MobileNodeIdentifier::kNai) return std::nullopt;
  return std::string(option->identifier.begin(), option->identifier.end());
}

const wire::MessageAuthentication* find_mobile_node_home_agent_option(const wire::MobilityOptions& options) {
  for (const auto& option : options) {
    const auto* found = std::get_if<wire::MessageAuthentication>(&option);
    if (found != nullptr && found->subtype == wire::MessageAuthentication::kMobileNodeHomeAgent) return found;
  }
  return nullptr;
}

Authentication authenticate(RegistrationRequest& request, const wire::BindingUpdate& update, BytesView mobility_header,
                            const Authorizations& authorizations, bool accept_unauthenticated) {
  const auto* option = find_mobile_node_home_agent_option(update.options);
  if (option == nullptr) {
    // Also a home agent that lets everybody register keeps the home addresses that have a key for those who know it.
    if (!accept_unauthenticated || authorizations.is_primary(request.home_address)) return Authentication::Missing;
    request.primary_home_address = request.home_address;
    request.spi = 0;
    return Authentication::Unprotected;
  }
  const auto identifier = network_access_identifier(update.options);
  if (!identifier) return Authentication::Missing;
  const MobileNodeAuthorization* mobile_node = authorizations.find(*identifier, option->spi);
  if (mobile_node == nullptr) return Authentication::UnknownAssociation;

  request.primary_home_address = mobile_node->primary_home_address;
  request.spi = option->spi;
  const bool right =
      wire::authenticator_is_right(mobility_header, option->spi, key_for(*mobile_node, request.home_address),
                                   request.care_of_address, request.home_address);
  return right ? Authentication::Authentic : Authentication::AuthenticatorWrong;
}

Freshness judge_timestamp(std::optional<std::uint64_t> timestamp, bool required, std::uint64_t last_accepted,
                          Duration started_at_wall, Duration window, Duration wall) {
  if (!timestamp) return required ? Freshness::TimestampMissing : Freshness::Fresh;
  const Duration sent_at = wire::wall_of_ntp(*timestamp);
  if (sent_at < wall - window || sent_at > wall + window) return Freshness::TimestampWrong;
  if (last_accepted == 0 && sent_at < started_at_wall && started_at_wall <= wall) return Freshness::TimestampWrong;
  // A remembered time beyond the window means that our clock was set back since. Then it says nothing, and holding on to
  // it would lock the mobile node out until the clock has caught up; its sequence number still protects the binding.
  const bool clock_was_set_back = last_accepted > wire::ntp_timestamp(wall + window);
  if (!clock_was_set_back && *timestamp <= last_accepted) return Freshness::TimestampWrong;
  return Freshness::Fresh;
}

std::uint64_t corrected_timestamp(std::uint64_t received, Duration wall) {
  constexpr std::uint64_t kFraction = 0xffff'ffff;
  return (wire::ntp_timestamp(wall) & ~kFraction) | (received & kFraction);
}

}  // namespace mipflow::home_agent
