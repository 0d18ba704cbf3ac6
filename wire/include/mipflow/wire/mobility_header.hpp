// SPDX-License-Identifier: GPL-3.0-or-later
// The eight messages of the Mobility Header, RFC 6275 §6.1, and our own ninth, agent_service.hpp.
#pragma once

#include <cstdint>
#include <variant>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/wire/agent_service.hpp"
#include "mipflow/wire/constants.hpp"
#include "mipflow/wire/error.hpp"
#include "mipflow/wire/options.hpp"

namespace mipflow::wire {

using Cookie = std::uint64_t;       // home init cookie, care-of init cookie
using KeygenToken = std::uint64_t;  // home keygen token, care-of keygen token

struct BindingRefreshRequest {  // §6.1.2
  MobilityOptions options{};
  friend bool operator==(const BindingRefreshRequest&, const BindingRefreshRequest&) = default;
};
struct HomeTestInit {  // §6.1.3
  Cookie home_init_cookie = 0;
  MobilityOptions options{};
  friend bool operator==(const HomeTestInit&, const HomeTestInit&) = default;
};
struct CareOfTestInit {  // §6.1.4
  Cookie care_of_init_cookie = 0;
  MobilityOptions options{};
  friend bool operator==(const CareOfTestInit&, const CareOfTestInit&) = default;
};
struct HomeTest {  // §6.1.5
  std::uint16_t home_nonce_index = 0;
  Cookie home_init_cookie = 0;
  KeygenToken home_keygen_token = 0;
  MobilityOptions options{};
  friend bool operator==(const HomeTest&, const HomeTest&) = default;
};
struct CareOfTest {  // §6.1.6
  std::uint16_t care_of_nonce_index = 0;
  Cookie care_of_init_cookie = 0;
  KeygenToken care_of_keygen_token = 0;
  MobilityOptions options{};
  friend bool operator==(const CareOfTest&, const CareOfTest&) = default;
};

//  0                   1                   2                   3
//  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//                                  |          Sequence #           |
//  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//  |A|H|L|K|        Reserved       |           Lifetime            |
struct BindingUpdate {  // §6.1.7
  std::uint16_t sequence = 0;
  bool acknowledge = false;                          // A
  bool home_registration = false;                    // H
  bool link_local_address_compatibility = false;     // L
  bool key_management_mobility_capability = false;   // K
  std::uint16_t other_flags = 0;                     // the remaining bits of the 16-bit flags word, kept for display
  std::uint16_t lifetime_units = 0;                  // units of 4 s; 0 deletes
  MobilityOptions options{};
  friend bool operator==(const BindingUpdate&, const BindingUpdate&) = default;
};
struct BindingAcknowledgement {  // §6.1.8
  BindingStatus status = BindingStatus::Accepted;
  bool key_management_mobility_capability = false;   // K
  std::uint8_t other_flags = 0;
  std::uint16_t sequence = 0;
  std::uint16_t lifetime_units = 0;                  // units of 4 s; means nothing when the status refuses
  MobilityOptions options{};
  friend bool operator==(const BindingAcknowledgement&, const BindingAcknowledgement&) = default;
};
struct BindingError {  // §6.1.9
  BindingErrorStatus status = BindingErrorStatus::UnknownBinding;
  Address home_address;
  MobilityOptions options{};
  friend bool operator==(const BindingError&, const BindingError&) = default;
};

using MobilityMessage = std::variant<BindingRefreshRequest, HomeTestInit, CareOfTestInit, HomeTest, CareOfTest,
                                     BindingUpdate, BindingAcknowledgement, BindingError, AgentServiceMessage>;

MobilityType type_of(const MobilityMessage& message);

// The whole Mobility Header with Payload Proto 59 and the padding that the alignment of RFC 6275 §6.2 asks for;
// Checksum 0. Binding Authorization Data has to be the last option, and the message has to fit 2048 octets.
Bytes encode(const MobilityMessage& message);

// Writes the checksum of RFC 6275 §6.1.1 into an encoded Mobility Header. `source` is the home address when the packet
// will carry a Home Address option, `destination` the home address when it will carry a type 2 routing header.
void fill_checksum(Bytes& mobility_header, const Address& source, const Address& destination);
bool checksum_is_right(BytesView mobility_header, const Address& source, const Address& destination);

// The checks of RFC 6275 §9.2 in their order, checksum first. `base_offset` is where the Mobility Header starts in the
// packet (for DecodeError::offset). Octets behind the Header Len's end are no part of the message and are not looked at.
Expected<MobilityMessage, DecodeError> decode_mobility_header(BytesView mobility_header, const Address& source,
                                                              const Address& destination, std::size_t base_offset = 0);

// RFC 6275 §9.5.1 / §5.1: what counts as newer, (new - last) modulo 2^16 in 1..32767.
inline bool sequence_is_newer(std::uint16_t candidate, std::uint16_t last) {
  const auto difference = static_cast<std::uint16_t>(candidate - last);
  return difference >= 1 && difference <= 32767;
}

}  // namespace mipflow::wire
