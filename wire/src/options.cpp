// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §6.2: options in TLV form, each with an alignment counted from the start of the Mobility Header.
#include "mipflow/wire/options.hpp"

#include <algorithm>

#include "mobility_layout.hpp"

namespace mipflow::wire {

namespace {

constexpr std::size_t kLargestOptionData = 255;

// "xn + y": the option's Type octet stands at an offset that leaves y when divided by x.
struct Alignment {
  std::size_t x = 1;
  std::size_t y = 0;
};

// What an option looks like on the wire before it has found its place.
struct EncodedOption {
  std::uint8_t type;
  Alignment alignment;
  Writer data;
};

// Alignments of options that are carried through as octets, so that a message read from elsewhere can be written again
// as it was. IANA mobility parameters with the RFC of each.
Alignment alignment_of_unknown(std::uint8_t type, std::size_t length) {
  switch (type) {
    case 6: return {8, 4};                                   // Mobile Network Prefix, RFC 3963 §4.3
    case 19: return {4, 2};                                  // Vendor Specific, RFC 5094 §2
    case 29: case 30: case 31: case 32: return {4, 0};       // dual stack, RFC 5555 §3
    case 35: return length == 20 ? Alignment{8, 2} : Alignment{2, 0};  // Binding Identifier, RFC 5648 §4.1
    case 44: case 45: return {2, 0};                         // flow bindings, RFC 6089 §4
    default: return {};
  }
}

struct OptionEncoder {
  static EncodedOption make(OptionType type, Alignment alignment) {
    return {static_cast<std::uint8_t>(type), alignment, {}};
  }

  EncodedOption operator()(const BindingRefreshAdvice& option) const {
    auto out = make(OptionType::BindingRefreshAdvice, {2, 0});
    out.data.u16(option.interval_units);
    return out;
  }
  EncodedOption operator()(const AlternateCareOfAddress& option) const {
    auto out = make(OptionType::AlternateCareOfAddress, {8, 6});
    out.data.address(option.care_of_address);
    return out;
  }
  EncodedOption operator()(const NonceIndices& option) const {
    auto out = make(OptionType::NonceIndices, {2, 0});
    out.data.u16(option.home_nonce_index);
    out.data.u16(option.care_of_nonce_index);
    return out;
  }
  EncodedOption operator()(const BindingAuthorizationData& option) const {
    // The RFC states no alignment, but the option is last and the header ends on eight octets without padding behind it.
    auto out = make(OptionType::BindingAuthorizationData, {8, 2});
    out.data.bytes(option.authenticator);
    return out;
  }
  EncodedOption operator()(const MobileNodeIdentifier& option) const {
    auto out = make(OptionType::MobileNodeIdentifier, {});
    out.data.u8(option.subtype);
    out.data.bytes(option.identifier);
    return out;
  }
  EncodedOption operator()(const MessageAuthentication& option) const {
    auto out = make(OptionType::MessageAuthentication, {4, 1});
    out.data.u8(option.subtype);
    out.data.u32(option.spi);
    out.data.bytes(option.authenticator);
    return out;
  }
  EncodedOption operator()(const ReplayProtection& option) const {
    auto out = make(OptionType::ReplayProtection, {8, 2});
    out.data.u64(option.ntp_timestamp);
    return out;
  }
  EncodedOption operator()(const UnknownOption& option) const {
    EncodedOption out{option.type, alignment_of_unknown(option.type, option.data.size()), {}};
    out.data.bytes(option.data);
    return out;
  }
};

void pad(Writer& writer, std::size_t octets) {
  if (octets == 1) {
    writer.u8(static_cast<std::uint8_t>(OptionType::Pad1));
  } else if (octets > 1) {
    writer.u8(static_cast<std::uint8_t>(OptionType::PadN));
    writer.u8(static_cast<std::uint8_t>(octets - 2));
    writer.zeros(octets - 2);
  }
}

void pad_until(Writer& writer, Alignment alignment) {
  pad(writer, (alignment.x + alignment.y - writer.size() % alignment.x) % alignment.x);
}

// RFC 4285 §5: an authentication option is to be the last one. 4n+1 leaves a choice between two places within eight
// octets; the one that makes the header end with the option leaves no padding behind it.
Alignment alignment_when_last(const EncodedOption& option) {
  if (option.type != static_cast<std::uint8_t>(OptionType::MessageAuthentication)) return option.alignment;
  const std::size_t ends_header = (8 - (option.data.size() + 2) % 8) % 8;
  return ends_header % 4 == 1 ? Alignment{8, ends_header} : option.alignment;
}

// The data of one known option; `reader` covers exactly the option's data. nullopt when the length is not one that the
// option's definition allows.
std::optional<MobilityOption> decode_option(std::uint8_t type, Reader reader) {
  const std::size_t length = reader.remaining();
  switch (static_cast<OptionType>(type)) {
    case OptionType::BindingRefreshAdvice:
      if (length != 2) return std::nullopt;
      return BindingRefreshAdvice{reader.u16()};
    case OptionType::AlternateCareOfAddress:
      if (length != 16) return std::nullopt;
      return AlternateCareOfAddress{reader.address()};
    case OptionType::NonceIndices: {
      if (length != 4) return std::nullopt;
      NonceIndices option{};
      option.home_nonce_index = reader.u16();
      option.care_of_nonce_index = reader.u16();
      return option;
    }
    case OptionType::BindingAuthorizationData: {
      BindingAuthorizationData option{};
      if (length != option.authenticator.size()) return std::nullopt;
      std::ranges::copy(reader.bytes(length), option.authenticator.begin());
      return option;
    }
    case OptionType::MobileNodeIdentifier: {
      if (length < 1) return std::nullopt;
      MobileNodeIdentifier option{};
      option.subtype = reader.u8();
      option.identifier.assign(reader.rest().begin(), reader.rest().end());
      return option;
    }
    case OptionType::MessageAuthentication: {
      if (length < 5) return std::nullopt;
      MessageAuthentication option{};
      option.subtype = reader.u8();
      option.spi = reader.u32();
      option.authenticator.assign(reader.rest().begin(), reader.rest().end());
      return option;
    }
    case OptionType::ReplayProtection:
      if (length != 8) return std::nullopt;
      return ReplayProtection{reader.u64()};
    case OptionType::Pad1:
    case OptionType::PadN: break;  // never handed in
  }
  return UnknownOption{type, Bytes(reader.rest().begin(), reader.rest().end())};
}

}  // namespace

void encode_options(Writer& writer, const MobilityOptions& options) {
  for (std::size_t i = 0; i < options.size(); ++i) {
    const EncodedOption option = std::visit(OptionEncoder{}, options[i]);
    pad_until(writer, i + 1 == options.size() ? alignment_when_last(option) : option.alignment);
    const std::size_t length = std::min(option.data.size(), kLargestOptionData);
    writer.u8(option.type);
    writer.u8(static_cast<std::uint8_t>(length));
    writer.bytes(BytesView(option.data.view()).first(length));
  }
  pad_until(writer, {8, 0});
}

Expected<MobilityOptions, DecodeError> decode_options(Reader reader) {
  MobilityOptions options;
  while (reader.remaining() > 0) {
    const std::size_t start = reader.offset();
    // RFC 6275 §6.2.7: it is the last option, and no padding follows either.
    if (!options.empty() && std::holds_alternative<BindingAuthorizationData>(options.back()))
      return Unexpected{DecodeError{DecodeErrorKind::OptionMisplaced, start}};

    const std::uint8_t type = reader.u8();
    if (type == static_cast<std::uint8_t>(OptionType::Pad1)) continue;
    const std::size_t length_offset = reader.offset();
    const std::uint8_t length = reader.u8();
    const Reader data = reader.sub_reader(length);
    if (reader.failed()) return Unexpected{DecodeError{DecodeErrorKind::OptionOverrun, length_offset}};
    if (type == static_cast<std::uint8_t>(OptionType::PadN)) continue;

    auto option = decode_option(type, data);
    if (!option) return Unexpected{DecodeError{DecodeErrorKind::OptionLengthWrong, length_offset}};
    options.push_back(std::move(*option));
  }
  return options;
}

}  // namespace mipflow::wire
