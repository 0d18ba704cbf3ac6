// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 4285 at the home agent: who sent a Binding Update, and is it fresh?
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "authorizations.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/wire/mobility_header.hpp"
#include "registration_request.hpp"

namespace mipflow::home_agent {

enum class Authentication : std::uint8_t {
  Authentic,            // the authenticator of a known security association is right
  Unprotected,          // carries none, and the configuration lets everybody register
  Missing,              // no MN-HA option or no identifier: silence, RFC 4285 §5
  UnknownAssociation,   // silence, RFC 4285 §5.1
  AuthenticatorWrong,   // status 146, RFC 4285 §5.1
};

// The MN-HA option, nullptr when there is none.
const wire::MessageAuthentication* find_mobile_node_home_agent_option(const wire::MobilityOptions& options);
// The Network Access Identifier (RFC 4283), any octets; nullopt when there is none.
std::optional<std::string> network_access_identifier(const wire::MobilityOptions& options);

// Fills in `primary_home_address` and `spi` of the request unless the answer is Missing or UnknownAssociation. The
// security association is found by identifier and SPI; its key for the home address decides (RFC 6275 §10.3.1: the home
// address names the security association, so nobody else's key can touch it).
Authentication authenticate(RegistrationRequest& request, const wire::BindingUpdate& update, BytesView mobility_header,
                            const Authorizations& authorizations, bool accept_unauthenticated);

enum class Freshness : std::uint8_t { Fresh, TimestampMissing, TimestampWrong };

// RFC 4285 §6: close to our clock, and later than every one accepted before for this home address. Home addresses are
// judged apart from each other, as each has a security association of its own: their Binding Updates leave by different
// interfaces and may overtake each other.
//   `last_accepted`    0 when none is remembered
//   `started_at_wall`  when this home agent started: with nothing remembered, what was sent before may be a replay
Freshness judge_timestamp(std::optional<std::uint64_t> timestamp, bool required, std::uint64_t last_accepted,
                          Duration started_at_wall, Duration window, Duration wall);

// What the acknowledgement carries when the timestamp was wrong: our clock's seconds, the sender's fraction.
std::uint64_t corrected_timestamp(std::uint64_t received, Duration wall);

}  // namespace mipflow::home_agent
