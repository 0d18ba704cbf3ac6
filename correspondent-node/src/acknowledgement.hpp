// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "mipflow/base/address.hpp"
#include "mipflow/base/crypto.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/correspondent-node/binding_request.hpp"
#include "mipflow/wire/constants.hpp"

namespace mipflow::correspondent_node {

struct AcknowledgementContent {
  wire::BindingStatus status = wire::BindingStatus::Accepted;
  std::uint16_t sequence = 0;
  std::uint16_t lifetime_units = 0;
};

// What the Binding Update was authorised with, and its acknowledgement is too (RFC 6275 §5.2.6).
struct BindingKeyMaterial {
  Sha1Digest key;           // Kbm
  Address care_of_address;  // that the authenticator goes over
};

// RFC 6275 §9.5.4: with Binding Authorization Data when there is a key; K is 0.
OutgoingPacket build_acknowledgement(const BindingRequest& request, const AcknowledgementContent& content,
                                     const std::optional<BindingKeyMaterial>& key);

}  // namespace mipflow::correspondent_node
