// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent_service_layout.hpp"
#include "mipflow/wire/mobility_header.hpp"
#include "mobility_layout.hpp"

namespace mipflow::wire {

namespace {

// Reads the fixed part of the message behind the common six octets; the options come later. The reader is known to
// hold the whole fixed part.
MobilityMessage decode_fixed_part(MobilityType type, Reader& reader) {
  switch (type) {
    case MobilityType::BindingRefreshRequest:
      reader.skip(2);
      return BindingRefreshRequest{};
    case MobilityType::HomeTestInit: {
      HomeTestInit message;
      reader.skip(2);
      message.home_init_cookie = reader.u64();
      return message;
    }
    case MobilityType::CareOfTestInit: {
      CareOfTestInit message;
      reader.skip(2);
      message.care_of_init_cookie = reader.u64();
      return message;
    }
    case MobilityType::HomeTest: {
      HomeTest message;
      message.home_nonce_index = reader.u16();
      message.home_init_cookie = reader.u64();
      message.home_keygen_token = reader.u64();
      return message;
    }
    case MobilityType::CareOfTest: {
      CareOfTest message;
      message.care_of_nonce_index = reader.u16();
      message.care_of_init_cookie = reader.u64();
      message.care_of_keygen_token = reader.u64();
      return message;
    }
    case MobilityType::BindingUpdate: {
      BindingUpdate message;
      message.sequence = reader.u16();
      const std::uint16_t flags = reader.u16();
      message.acknowledge = (flags & kUpdateA) != 0;
      message.home_registration = (flags & kUpdateH) != 0;
      message.link_local_address_compatibility = (flags & kUpdateL) != 0;
      message.key_management_mobility_capability = (flags & kUpdateK) != 0;
      message.other_flags = flags & static_cast<std::uint16_t>(~(kUpdateA | kUpdateH | kUpdateL | kUpdateK));
      message.lifetime_units = reader.u16();
      return message;
    }
    case MobilityType::BindingAcknowledgement: {
      BindingAcknowledgement message;
      message.status = static_cast<BindingStatus>(reader.u8());
      const std::uint8_t flags = reader.u8();
      message.key_management_mobility_capability = (flags & kAcknowledgementK) != 0;
      message.other_flags = flags & static_cast<std::uint8_t>(~kAcknowledgementK);
      message.sequence = reader.u16();
      message.lifetime_units = reader.u16();
      return message;
    }
    case MobilityType::BindingError: {
      BindingError message;
      message.status = static_cast<BindingErrorStatus>(reader.u8());
      reader.skip(1);
      message.home_address = reader.address();
      return message;
    }
    case MobilityType::Experimental: break;
  }
  return BindingRefreshRequest{};  // not reached: the caller knows the last one and refuses every other type
}

}  // namespace

// RFC 6275 §9.2
Expected<MobilityMessage, DecodeError> decode_mobility_header(BytesView mobility_header, const Address& source,
                                                              const Address& destination, std::size_t base_offset) {
  const auto refuse = [base_offset](DecodeErrorKind kind, std::size_t offset) {
    return Unexpected{DecodeError{kind, base_offset + offset}};
  };

  // Header Len says over how many octets the checksum goes, so these have to be there before anything can be checked.
  Reader length_reader(mobility_header);
  length_reader.skip(kHeaderLenOffset);
  const std::size_t length = (std::size_t{length_reader.u8()} + 1) * 8;
  if (mobility_header.size() < length) return refuse(DecodeErrorKind::Truncated, mobility_header.size());
  const BytesView header = mobility_header.first(length);

  if (!checksum_is_right(header, source, destination)) return refuse(DecodeErrorKind::ChecksumWrong, kMobilityChecksumOffset);

  Reader reader(header, base_offset);
  const std::uint8_t payload_proto = reader.u8();
  reader.skip(1);
  const std::uint8_t type = reader.u8();
  reader.skip(3);
  const auto fixed_length = options_start(type);
  // Other experiments share the type.
  const bool is_service = type == static_cast<std::uint8_t>(MobilityType::Experimental);
  const bool is_known = fixed_length && (!is_service || header[kServiceVersionOffset] == kAgentServiceVersion);
  if (!is_known) return refuse(DecodeErrorKind::UnknownMobilityType, kMobilityTypeOffset);
  if (payload_proto != kNoNextHeader) return refuse(DecodeErrorKind::PayloadProtoWrong, 0);
  if (length < *fixed_length) return refuse(DecodeErrorKind::HeaderLenTooSmall, kHeaderLenOffset);

  MobilityMessage message;
  if (is_service) {
    if (const auto wrong = decode_agent_service(reader, message.emplace<AgentServiceMessage>())) return Unexpected{*wrong};
  } else {
    message = decode_fixed_part(static_cast<MobilityType>(type), reader);
  }
  auto options = decode_options(reader);
  if (!options) return Unexpected{options.error()};
  std::visit([&](auto& concrete) { concrete.options = std::move(*options); }, message);
  return message;
}

}  // namespace mipflow::wire
