// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/forwarding_messages.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <type_traits>

#include "mipflow/base/crypto.hpp"

namespace mipflow::wire {

namespace {

constexpr std::size_t kAddressLength = 16;
using ForwardingAuthenticator = std::array<std::uint8_t, kForwardingAuthenticatorLength>;
constexpr std::uint8_t kLinkLocalAddressCompatibilityFlag = 0x80;
constexpr std::uint8_t kRetiringFlag = 0x80;

// ---- records: what `length` says is what write() writes and read() reads ----

template <class Record>
struct Layout;

template <>
struct Layout<StartForwarding> {
  static constexpr ForwardingType type = ForwardingType::StartForwarding;
  static constexpr std::size_t length = 64;
  static void write(Writer& writer, const StartForwarding& record) {
    writer.address(record.home_address);
    writer.address(record.care_of_address);
    writer.address(record.tunnel_source);
    writer.u64(record.number);
    writer.u32(record.duration);
    writer.u8(record.link_local_address_compatibility ? kLinkLocalAddressCompatibilityFlag : 0);
    writer.zeros(3);
  }
  static bool read(Reader& reader, StartForwarding& record) {
    record.home_address = reader.address();
    record.care_of_address = reader.address();
    record.tunnel_source = reader.address();
    record.number = reader.u64();
    record.duration = reader.u32();
    record.link_local_address_compatibility = (reader.u8() & kLinkLocalAddressCompatibilityFlag) != 0;
    reader.skip(3);
    return record.number != 0;
  }
};

template <>
struct Layout<StartForwardingAcknowledgement> {
  static constexpr ForwardingType type = ForwardingType::StartForwardingAcknowledgement;
  static constexpr std::size_t length = 32;
  static void write(Writer& writer, const StartForwardingAcknowledgement& record) {
    writer.address(record.home_address);
    writer.u64(record.number);
    writer.u8(static_cast<std::uint8_t>(record.status));
    writer.zeros(7);
  }
  static bool read(Reader& reader, StartForwardingAcknowledgement& record) {
    record.home_address = reader.address();
    record.number = reader.u64();
    record.status = static_cast<ForwardingStatus>(reader.u8());
    reader.skip(7);
    return record.number != 0;
  }
};

template <>
struct Layout<StopForwarding> {
  static constexpr ForwardingType type = ForwardingType::StopForwarding;
  static constexpr std::size_t length = 24;
  static void write(Writer& writer, const StopForwarding& record) {
    writer.address(record.home_address);
    writer.u64(record.number);
  }
  static bool read(Reader& reader, StopForwarding& record) {
    record.home_address = reader.address();
    record.number = reader.u64();
    return record.number != 0;
  }
};

template <>
struct Layout<StopForwardingAcknowledgement> {
  static constexpr ForwardingType type = ForwardingType::StopForwardingAcknowledgement;
  static constexpr std::size_t length = 48;
  static void write(Writer& writer, const StopForwardingAcknowledgement& record) {
    writer.address(record.home_address);
    writer.u64(record.number);
    writer.u64(record.packets);
    writer.u64(record.octets);
    writer.u8(static_cast<std::uint8_t>(record.status));
    writer.zeros(7);
  }
  static bool read(Reader& reader, StopForwardingAcknowledgement& record) {
    record.home_address = reader.address();
    record.number = reader.u64();
    record.packets = reader.u64();
    record.octets = reader.u64();
    record.status = static_cast<ForwardingStatus>(reader.u8());
    reader.skip(7);
    return record.number != 0;
  }
};

template <>
struct Layout<Heartbeat> {
  static constexpr ForwardingType type = ForwardingType::Heartbeat;
  static constexpr std::size_t length = 16;
  static void write(Writer& writer, const Heartbeat& record) {
    writer.u64(record.number);
    writer.u64(record.answers);
  }
  static bool read(Reader& reader, Heartbeat& record) {
    record.number = reader.u64();
    record.answers = reader.u64();
    return true;
  }
};

template <>
struct Layout<HeartbeatAcknowledgement> {
  static constexpr ForwardingType type = ForwardingType::HeartbeatAcknowledgement;
  static constexpr std::size_t length = 32;
  static void write(Writer& writer, const HeartbeatAcknowledgement& record) {
    writer.u64(record.number);
    writer.u64(record.packets);
    writer.u32(record.delegated);
    writer.u32(record.capacity);
    writer.u8(record.retiring ? kRetiringFlag : 0);
    writer.zeros(7);
  }
  static bool read(Reader& reader, HeartbeatAcknowledgement& record) {
    record.number = reader.u64();
    record.packets = reader.u64();
    record.delegated = reader.u32();
    record.capacity = reader.u32();
    record.retiring = (reader.u8() & kRetiringFlag) != 0;
    reader.skip(7);
    return true;
  }
};

template <>
struct Layout<ForwardingReport> {
  static constexpr ForwardingType type = ForwardingType::Report;
  static constexpr std::size_t length = 40;
  static void write(Writer& writer, const ForwardingReport& record) {
    writer.address(record.home_address);
    writer.u64(record.number);
    writer.u64(record.packets);
    writer.u64(record.octets);
  }
  static bool read(Reader& reader, ForwardingReport& record) {
    record.home_address = reader.address();
    record.number = reader.u64();
    record.packets = reader.u64();
    record.octets = reader.u64();
    return record.number != 0;
  }
};

// Calls `body` with the layout of the type; false for a type that there is not.
template <class Body>
bool with_layout(ForwardingType type, Body&& body) {
  switch (type) {
    case ForwardingType::StartForwarding: body(std::type_identity<StartForwarding>{}); return true;
    case ForwardingType::StartForwardingAcknowledgement: body(std::type_identity<StartForwardingAcknowledgement>{}); return true;
    case ForwardingType::StopForwarding: body(std::type_identity<StopForwarding>{}); return true;
    case ForwardingType::StopForwardingAcknowledgement: body(std::type_identity<StopForwardingAcknowledgement>{}); return true;
    case ForwardingType::Heartbeat: body(std::type_identity<Heartbeat>{}); return true;
    case ForwardingType::HeartbeatAcknowledgement: body(std::type_identity<HeartbeatAcknowledgement>{}); return true;
    case ForwardingType::Report: body(std::type_identity<ForwardingReport>{}); return true;
  }
  return false;
}

constexpr bool is_heartbeat(ForwardingType type) {
  return type == ForwardingType::Heartbeat || type == ForwardingType::HeartbeatAcknowledgement;
}

template <class Record>
constexpr std::size_t most_of() {
  if (is_heartbeat(Layout<Record>::type)) return 1;
  return (kLongestForwardingMessage - kForwardingHeaderLength - kForwardingAuthenticatorLength) / Layout<Record>::length;
}

template <class Record>
bool read_records(Reader& reader, std::size_t count, ForwardingRecords& records) {
  auto& list = records.emplace<std::vector<Record>>(count);
  for (Record& record : list)
    if (!Layout<Record>::read(reader, record)) return false;
  return !reader.failed();
}

struct Head {
  ForwardingType type;
  std::size_t count;
};

// Magic to Reserved, and whether Length and Count fit each other and the datagram.
Expected<Head, ForwardingDecodeError> read_head(Reader& reader, std::size_t size) {
  const Unexpected malformed{ForwardingDecodeError::Malformed};
  const std::uint16_t magic = reader.u16();
  const std::uint8_t version = reader.u8();
  const auto type = static_cast<ForwardingType>(reader.u8());
  if (reader.failed()) return malformed;
  if (magic != kForwardingMagic || version != kForwardingVersion) return Unexpected{ForwardingDecodeError::NotOurs};

  const std::size_t length = reader.u16();
  const std::size_t count = reader.u8();
  reader.skip(1);
  std::size_t record_length = 0;
  const bool is_known =
      with_layout(type, [&]<class Record>(std::type_identity<Record>) { record_length = Layout<Record>::length; });
  if (reader.failed() || !is_known || length != size) return malformed;
  if (count == 0 || count > most_records(type)) return malformed;
  if (length != kForwardingHeaderLength + count * record_length + kForwardingAuthenticatorLength) return malformed;
  return Head{type, count};
}

// What stands behind the head, without the Authenticator.
Expected<ForwardingMessage, ForwardingDecodeError> read_body(Reader& reader, const Head& head) {
  const Unexpected malformed{ForwardingDecodeError::Malformed};
  ForwardingMessage message;
  message.sender_session = reader.u64();
  message.receiver_session = reader.u64();
  message.sequence = reader.u64();
  if (message.sender_session == 0 || message.sequence == 0) return malformed;
  if (message.receiver_session == 0 && !is_heartbeat(head.type)) return malformed;
  bool are_right = false;
  with_layout(head.type,
              [&]<class Record>(std::type_identity<Record>) { are_right = read_records<Record>(reader, head.count, message.records); });
  if (!are_right) return malformed;
  return message;
}

// `addressed`: the sender's address, the receiver's, then the message up to the Authenticator.
ForwardingAuthenticator authenticator_over(BytesView addressed, BytesView key) {
  const Sha256Digest digest = hmac_sha256(key, addressed);
  ForwardingAuthenticator authenticator;
  std::copy_n(digest.begin(), authenticator.size(), authenticator.begin());
  return authenticator;
}

}  // namespace

std::size_t most_records(ForwardingType type) {
  std::size_t most = 0;
  with_layout(type, [&]<class Record>(std::type_identity<Record>) { most = most_of<Record>(); });
  return most;
}

ForwardingType type_of(const ForwardingRecords& records) {
  return std::visit([]<class Record>(const std::vector<Record>&) { return Layout<Record>::type; }, records);
}

Bytes encode_forwarding_message(const ForwardingMessage& message, BytesView key, const Address& source, const Address& destination) {
  Writer writer;
  writer.address(source);
  writer.address(destination);
  std::visit(
      [&]<class Record>(const std::vector<Record>& records) {
        assert(!records.empty() && records.size() <= most_of<Record>());
        writer.u16(kForwardingMagic);
        writer.u8(kForwardingVersion);
        writer.u8(static_cast<std::uint8_t>(Layout<Record>::type));
        writer.u16(static_cast<std::uint16_t>(kForwardingHeaderLength + records.size() * Layout<Record>::length +
                                              kForwardingAuthenticatorLength));
        writer.u8(static_cast<std::uint8_t>(records.size()));
        writer.u8(0);
        writer.u64(message.sender_session);
        writer.u64(message.receiver_session);
        writer.u64(message.sequence);
        for (const Record& record : records) Layout<Record>::write(writer, record);
      },
      message.records);
  writer.bytes(authenticator_over(writer.view(), key));
  Bytes addressed = writer.take();
  addressed.erase(addressed.begin(), addressed.begin() + 2 * kAddressLength);
  return addressed;
}

Expected<ForwardingMessage, ForwardingDecodeError> read_forwarding_message(BytesView payload) {
  Reader reader(payload);
  const auto head = read_head(reader, payload.size());
  if (!head) return Unexpected{head.error()};
  return read_body(reader, *head);
}

Expected<ForwardingMessage, ForwardingDecodeError> decode_forwarding_message(BytesView payload, BytesView key, const Address& source,
                                                                             const Address& destination) {
  Reader reader(payload);
  const auto head = read_head(reader, payload.size());
  if (!head) return Unexpected{head.error()};

  const BytesView covered = payload.first(payload.size() - kForwardingAuthenticatorLength);
  Writer addressed;
  addressed.address(source);
  addressed.address(destination);
  addressed.bytes(covered);
  if (!equal_in_constant_time(authenticator_over(addressed.view(), key), payload.subspan(covered.size())))
    return Unexpected{ForwardingDecodeError::AuthenticatorWrong};
  return read_body(reader, *head);
}

const char* to_string(ForwardingType type) {
  switch (type) {
    case ForwardingType::StartForwarding: return "start-forwarding";
    case ForwardingType::StartForwardingAcknowledgement: return "start-forwarding-acknowledgement";
    case ForwardingType::StopForwarding: return "stop-forwarding";
    case ForwardingType::StopForwardingAcknowledgement: return "stop-forwarding-acknowledgement";
    case ForwardingType::Heartbeat: return "heartbeat";
    case ForwardingType::HeartbeatAcknowledgement: return "heartbeat-acknowledgement";
    case ForwardingType::Report: return "report";
  }
  return "unknown";
}

const char* to_string(ForwardingStatus status) {
  switch (status) {
    case ForwardingStatus::Accepted: return "accepted";
    case ForwardingStatus::NotForwarding: return "was not forwarding";
    case ForwardingStatus::NotPermitted: return "not permitted: the home address is below none of the prefixes configured for this primary";
    case ForwardingStatus::NoResources: return "no resources: it forwards for as many home addresses as it may";
    case ForwardingStatus::BadCareOfAddress: return "bad care-of address: not a unicast routable one, or one of the agents' own";
    case ForwardingStatus::DurationZero: return "duration 0";
    case ForwardingStatus::Retiring: return "retiring: it takes nothing new, it is shutting down";
    case ForwardingStatus::BadTunnelSource: return "bad tunnel source: neither :: nor the address of this primary";
    case ForwardingStatus::ServedForAnother: return "served for another: another primary has delegated the home address, or it is bound there";
    case ForwardingStatus::NumberOld: return "number old: a later word about the home address is known already";
  }
  return "a status that is not known";
}

}  // namespace mipflow::wire
