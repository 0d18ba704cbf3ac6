// SPDX-License-Identifier: GPL-3.0-or-later
// The few cryptographic functions that Mobile IPv6 needs, by OpenSSL's libcrypto.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "mipflow/base/bytes.hpp"

namespace mipflow {

using Sha1Digest = std::array<std::uint8_t, 20>;
using Sha256Digest = std::array<std::uint8_t, 32>;

Sha1Digest sha1(BytesView data);
Sha1Digest hmac_sha1(BytesView key, BytesView data);
Sha256Digest hmac_sha256(BytesView key, BytesView data);

// Takes the same time wherever the first difference is. False when the lengths differ.
bool equal_in_constant_time(BytesView a, BytesView b);

}  // namespace mipflow
