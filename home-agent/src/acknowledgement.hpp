// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "authorizations.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/wire/constants.hpp"
#include "registration_request.hpp"

namespace mipflow::home_agent {

struct AcknowledgementContent {
  wire::BindingStatus status = wire::BindingStatus::Accepted;
  std::uint16_t sequence = 0;
  std::uint16_t lifetime_units = 0;
  std::optional<std::uint64_t> timestamp;  // RFC 4285 §6
};

// RFC 6275 §9.5.4 and §10.3: to where the Binding Update came from, by a type 2 routing header unless it came from the
// home address itself, and by the binding cache never. Protected as the Binding Update was (RFC 4285 §5.1): `mobile_node`
// is nullptr when that was not. K is 0, as there is no key management to move; the Binding Refresh Advice is left out, as
// bindings are kept in non-volatile storage. `home_interface` as in Configuration.
OutgoingPacket build_acknowledgement(const RegistrationRequest& request, const AcknowledgementContent& content,
                                     const MobileNodeAuthorization* mobile_node, InterfaceIndex home_interface);

}  // namespace mipflow::home_agent
