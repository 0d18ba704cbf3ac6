// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/dhcpv6.hpp"

#include <algorithm>
#include <utility>

#include "mipflow/wire/udp.hpp"

namespace mipflow::wire {

namespace {

// RFC 8415 §21
constexpr std::uint16_t kClientIdentifier = 1;
constexpr std::uint16_t kServerIdentifier = 2;
constexpr std::uint16_t kNonTemporaryAssociation = 3;
constexpr std::uint16_t kAddressOption = 5;
constexpr std::uint16_t kOptionRequest = 6;
constexpr std::uint16_t kPreference = 7;
constexpr std::uint16_t kElapsedTime = 8;
constexpr std::uint16_t kStatusCode = 13;

constexpr std::size_t kTransactionIdMask = 0xff'ffff;

// ---- writing ----

// Writes an option around what `body` writes.
template <class Body>
void option(Writer& writer, std::uint16_t code, Body&& body) {
  writer.u16(code);
  const std::size_t length_offset = writer.size();
  writer.u16(0);
  body();
  writer.patch_u16(length_offset, static_cast<std::uint16_t>(writer.size() - length_offset - 2));
}

void write_status(Writer& writer, const std::optional<Dhcpv6Status>& status) {
  if (!status) return;
  option(writer, kStatusCode, [&] {
    writer.u16(static_cast<std::uint16_t>(status->code));
    writer.bytes({reinterpret_cast<const std::uint8_t*>(status->text.data()), status->text.size()});
  });
}

void write_address(Writer& writer, const Dhcpv6Address& address) {
  option(writer, kAddressOption, [&] {
    writer.address(address.address);
    writer.u32(address.preferred_lifetime);
    writer.u32(address.valid_lifetime);
    write_status(writer, address.status);
  });
}

void write_association(Writer& writer, const Dhcpv6Association& association) {
  option(writer, kNonTemporaryAssociation, [&] {
    writer.u32(association.identifier);
    writer.u32(association.t1);
    writer.u32(association.t2);
    for (const Dhcpv6Address& address : association.addresses) write_address(writer, address);
    write_status(writer, association.status);
  });
}

// ---- reading ----

using Failed = std::optional<DecodeError>;

DecodeError error(DecodeErrorKind kind, std::size_t offset) { return {kind, offset}; }

// Calls read(code, data, offset of the option) for every option; stops at what it refuses.
template <class Read>
Failed for_each_option(Reader reader, Read&& read) {
  while (reader.remaining() > 0) {
    const std::size_t start = reader.offset();
    const std::uint16_t code = reader.u16();
    const std::uint16_t length = reader.u16();
    Reader data = reader.sub_reader(length);
    if (reader.failed()) return error(DecodeErrorKind::OptionOverrun, start);
    if (Failed failed = read(code, data, start)) return failed;
  }
  return std::nullopt;
}

// Takes an option that may stand once and has a fixed part; octets behind that are a wrong length.
template <class Value, class Read>
Failed once(std::optional<Value>& into, Reader& data, std::size_t start, Read&& read) {
  if (into) return error(DecodeErrorKind::OptionMisplaced, start);
  into = read(data);
  if (data.failed() || data.remaining() > 0) return error(DecodeErrorKind::OptionLengthWrong, start + 2);
  return std::nullopt;
}

Bytes read_all(Reader& data) {
  const BytesView all = data.bytes(data.remaining());
  return {all.begin(), all.end()};
}

Failed read_duid(std::optional<Bytes>& into, Reader& data, std::size_t start) {
  const std::size_t length = data.remaining();
  if (length < kShortestDuid || length > kLongestDuid) return error(DecodeErrorKind::OptionLengthWrong, start + 2);
  return once(into, data, start, read_all);
}

Failed read_status(std::optional<Dhcpv6Status>& into, Reader& data, std::size_t start) {
  return once(into, data, start, [](Reader& status) {
    const auto code = static_cast<Dhcpv6StatusCode>(status.u16());
    const Bytes text = read_all(status);
    return Dhcpv6Status{code, {text.begin(), text.end()}};
  });
}

Failed read_address(std::vector<Dhcpv6Address>& into, Reader& data, std::size_t start) {
  Dhcpv6Address address;
  address.address = data.address();
  address.preferred_lifetime = data.u32();
  address.valid_lifetime = data.u32();
  if (data.failed()) return error(DecodeErrorKind::OptionLengthWrong, start + 2);
  const Failed failed = for_each_option(data, [&](std::uint16_t code, Reader& inner, std::size_t inner_start) -> Failed {
    return code == kStatusCode ? read_status(address.status, inner, inner_start) : std::nullopt;
  });
  if (!failed) into.push_back(std::move(address));
  return failed;
}

Failed read_association(std::vector<Dhcpv6Association>& into, Reader& data, std::size_t start) {
  Dhcpv6Association association;
  association.identifier = data.u32();
  association.t1 = data.u32();
  association.t2 = data.u32();
  if (data.failed()) return error(DecodeErrorKind::OptionLengthWrong, start + 2);
  if (std::ranges::find(into, association.identifier, &Dhcpv6Association::identifier) != into.end())
    return error(DecodeErrorKind::OptionMisplaced, start);
  const Failed failed = for_each_option(data, [&](std::uint16_t code, Reader& inner, std::size_t inner_start) -> Failed {
    if (code == kAddressOption) return read_address(association.addresses, inner, inner_start);
    return code == kStatusCode ? read_status(association.status, inner, inner_start) : std::nullopt;
  });
  if (!failed) into.push_back(std::move(association));
  return failed;
}

Failed read_requested_options(std::vector<std::uint16_t>& into, Reader& data, std::size_t start) {
  if (data.remaining() % 2 != 0) return error(DecodeErrorKind::OptionLengthWrong, start + 2);
  if (!into.empty()) return error(DecodeErrorKind::OptionMisplaced, start);
  while (data.remaining() > 0) into.push_back(data.u16());
  return std::nullopt;
}

Failed read_option(Dhcpv6Message& message, std::uint16_t code, Reader& data, std::size_t start) {
  switch (code) {
    case kClientIdentifier: return read_duid(message.client_identifier, data, start);
    case kServerIdentifier: return read_duid(message.server_identifier, data, start);
    case kNonTemporaryAssociation: return read_association(message.associations, data, start);
    case kOptionRequest: return read_requested_options(message.requested_options, data, start);
    case kPreference: return once(message.preference, data, start, [](Reader& reader) { return reader.u8(); });
    case kElapsedTime: return once(message.elapsed_time, data, start, [](Reader& reader) { return reader.u16(); });
    case kStatusCode: return read_status(message.status, data, start);
    case kDhcpv6SolMaxRtOption:
      return once(message.longest_solicit_timeout, data, start, [](Reader& reader) { return reader.u32(); });
    default: return std::nullopt;
  }
}

}  // namespace

const char* to_string(Dhcpv6Type type) {
  switch (type) {
    case Dhcpv6Type::Solicit: return "Solicit";
    case Dhcpv6Type::Advertise: return "Advertise";
    case Dhcpv6Type::Request: return "Request";
    case Dhcpv6Type::Renew: return "Renew";
    case Dhcpv6Type::Rebind: return "Rebind";
    case Dhcpv6Type::Reply: return "Reply";
    case Dhcpv6Type::Release: return "Release";
    case Dhcpv6Type::Decline: return "Decline";
  }
  return "unknown";
}

std::string to_string(Dhcpv6StatusCode code) {
  switch (code) {
    case Dhcpv6StatusCode::Success: return "Success";
    case Dhcpv6StatusCode::UnspecFail: return "UnspecFail";
    case Dhcpv6StatusCode::NoAddrsAvail: return "NoAddrsAvail";
    case Dhcpv6StatusCode::NoBinding: return "NoBinding";
    case Dhcpv6StatusCode::NotOnLink: return "NotOnLink";
    case Dhcpv6StatusCode::UseMulticast: return "UseMulticast";
  }
  return "status " + std::to_string(static_cast<unsigned>(code));
}

Bytes encode(const Dhcpv6Message& message) {
  Writer writer;
  writer.u32(static_cast<std::uint32_t>(std::uint32_t{static_cast<std::uint8_t>(message.type)} << 24 |
                                        (message.transaction_id & kTransactionIdMask)));
  if (message.client_identifier) option(writer, kClientIdentifier, [&] { writer.bytes(*message.client_identifier); });
  if (message.server_identifier) option(writer, kServerIdentifier, [&] { writer.bytes(*message.server_identifier); });
  for (const Dhcpv6Association& association : message.associations) write_association(writer, association);
  if (!message.requested_options.empty())
    option(writer, kOptionRequest, [&] {
      for (const std::uint16_t code : message.requested_options) writer.u16(code);
    });
  if (message.preference) option(writer, kPreference, [&] { writer.u8(*message.preference); });
  if (message.elapsed_time) option(writer, kElapsedTime, [&] { writer.u16(*message.elapsed_time); });
  write_status(writer, message.status);
  if (message.longest_solicit_timeout)
    option(writer, kDhcpv6SolMaxRtOption, [&] { writer.u32(*message.longest_solicit_timeout); });
  return writer.take();
}

Bytes build_dhcpv6_packet(const Address& source, const Dhcpv6Message& message) {
  const Address destination{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2}};  // RFC 8415 §7.1
  return build_udp_packet({.source = source, .destination = destination, .hop_limit = 1}, kDhcpv6ClientPort, kDhcpv6ServerPort,
                          encode(message));
}

Expected<Dhcpv6Message, DecodeError> decode_dhcpv6(BytesView bytes, std::size_t base_offset) {
  Reader reader(bytes, base_offset);
  const std::uint32_t head = reader.u32();
  if (reader.failed()) return Unexpected{error(DecodeErrorKind::Truncated, base_offset + bytes.size())};
  Dhcpv6Message message;
  message.type = static_cast<Dhcpv6Type>(head >> 24);
  switch (message.type) {
    case Dhcpv6Type::Solicit:
    case Dhcpv6Type::Advertise:
    case Dhcpv6Type::Request:
    case Dhcpv6Type::Renew:
    case Dhcpv6Type::Rebind:
    case Dhcpv6Type::Reply:
    case Dhcpv6Type::Release:
    case Dhcpv6Type::Decline: break;
    default: return Unexpected{error(DecodeErrorKind::NotMobileIpv6, base_offset)};
  }
  message.transaction_id = head & kTransactionIdMask;
  const Failed failed = for_each_option(reader, [&](std::uint16_t code, Reader& data, std::size_t start) {
    return read_option(message, code, data, start);
  });
  if (failed) return Unexpected{*failed};
  return message;
}

}  // namespace mipflow::wire
