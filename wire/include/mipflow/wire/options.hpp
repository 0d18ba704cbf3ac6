// SPDX-License-Identifier: GPL-3.0-or-later
// Mobility options, RFC 6275 §6.2, RFC 4283, RFC 4285. Padding is never represented: encode() puts in what alignment
// asks for and decode() skips it. Unknown options are kept as octets so that nothing is lost in `mipflow decode`.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"

namespace mipflow::wire {

struct BindingRefreshAdvice {  // type 2
  std::uint16_t interval_units;  // units of 4 s
  friend bool operator==(const BindingRefreshAdvice&, const BindingRefreshAdvice&) = default;
};
struct AlternateCareOfAddress {  // type 3
  Address care_of_address;
  friend bool operator==(const AlternateCareOfAddress&, const AlternateCareOfAddress&) = default;
};
struct NonceIndices {  // type 4
  std::uint16_t home_nonce_index;
  std::uint16_t care_of_nonce_index;
  friend bool operator==(const NonceIndices&, const NonceIndices&) = default;
};
struct BindingAuthorizationData {  // type 5, always the last option
  std::array<std::uint8_t, 12> authenticator;
  friend bool operator==(const BindingAuthorizationData&, const BindingAuthorizationData&) = default;
};
struct MobileNodeIdentifier {  // type 8, RFC 4283
  static constexpr std::uint8_t kNai = 1;
  std::uint8_t subtype;
  Bytes identifier;
  friend bool operator==(const MobileNodeIdentifier&, const MobileNodeIdentifier&) = default;
};
struct MessageAuthentication {  // type 9, RFC 4285 §5
  static constexpr std::uint8_t kMobileNodeHomeAgent = 1;
  static constexpr std::uint8_t kMobileNodeAaa = 2;
  std::uint8_t subtype;
  std::uint32_t spi;
  Bytes authenticator;
  friend bool operator==(const MessageAuthentication&, const MessageAuthentication&) = default;
};
struct ReplayProtection {  // type 10, RFC 4285 §6
  std::uint64_t ntp_timestamp;  // seconds since 1900 in the high 32 bits, fraction in the low ones
  friend bool operator==(const ReplayProtection&, const ReplayProtection&) = default;
};
struct UnknownOption {
  std::uint8_t type;
  Bytes data;
  friend bool operator==(const UnknownOption&, const UnknownOption&) = default;
};

using MobilityOption = std::variant<BindingRefreshAdvice, AlternateCareOfAddress, NonceIndices, BindingAuthorizationData,
                                    MobileNodeIdentifier, MessageAuthentication, ReplayProtection, UnknownOption>;
using MobilityOptions = std::vector<MobilityOption>;

// The first option of that kind, nullptr when there is none.
template <class Option>
const Option* find_option(const MobilityOptions& options) {
  for (const auto& option : options)
    if (const auto* found = std::get_if<Option>(&option)) return found;
  return nullptr;
}

}  // namespace mipflow::wire
