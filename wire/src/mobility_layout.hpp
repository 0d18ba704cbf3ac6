// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of the Mobility Header's layout that encoder, decoder and authentication share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "mipflow/base/bytes.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/wire/constants.hpp"
#include "mipflow/wire/error.hpp"
#include "mipflow/wire/options.hpp"

namespace mipflow::wire {

//  0                   1                   2                   3
//  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//  | Payload Proto |  Header Len   |   MH Type     |   Reserved    |
//  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//  |           Checksum            |          Message Data ...
inline constexpr std::size_t kHeaderLenOffset = 1;
inline constexpr std::size_t kMobilityTypeOffset = 2;
inline constexpr std::size_t kMobilityChecksumOffset = 4;
inline constexpr std::uint8_t kNoNextHeader = 59;

// What of a message is there in every message of that type, counted from the start of the Mobility Header; the options
// start behind it, but for the type with a length of its own (see below). nullopt for types that we do not speak.
constexpr std::optional<std::size_t> options_start(std::uint8_t mobility_type) {
  switch (static_cast<MobilityType>(mobility_type)) {
    case MobilityType::BindingRefreshRequest: return 8;
    case MobilityType::HomeTestInit:
    case MobilityType::CareOfTestInit: return 16;
    case MobilityType::HomeTest:
    case MobilityType::CareOfTest: return 24;
    case MobilityType::BindingUpdate:
    case MobilityType::BindingAcknowledgement: return 12;
    case MobilityType::BindingError: return 24;
    case MobilityType::Experimental: return 14;
  }
  return std::nullopt;
}
// Where the options of this message start; it may be behind its end. nullopt for types that we do not speak.
std::optional<std::size_t> options_start(BytesView mobility_header);

// BU: A|H|L|K are the top bits of the 16-bit word, BA: K is the top bit of the octet. RFC 6275 §6.1.7, §6.1.8.
inline constexpr std::uint16_t kUpdateA = 0x8000;
inline constexpr std::uint16_t kUpdateH = 0x4000;
inline constexpr std::uint16_t kUpdateL = 0x2000;
inline constexpr std::uint16_t kUpdateK = 0x1000;
inline constexpr std::uint8_t kAcknowledgementK = 0x80;

// Option types: RFC 6275 §6.2, RFC 4283 §3, RFC 4285 §5, §6.
enum class OptionType : std::uint8_t {
  Pad1 = 0,
  PadN = 1,
  BindingRefreshAdvice = 2,
  AlternateCareOfAddress = 3,
  NonceIndices = 4,
  BindingAuthorizationData = 5,
  MobileNodeIdentifier = 8,
  MessageAuthentication = 9,
  ReplayProtection = 10,
};

// `writer` holds the message from the start of its Mobility Header. Puts the options behind it, each where its alignment
// wants it, and pads the whole to a multiple of eight octets.
void encode_options(Writer& writer, const MobilityOptions& options);
// Reads options until the reader's end.
Expected<MobilityOptions, DecodeError> decode_options(Reader reader);

}  // namespace mipflow::wire
