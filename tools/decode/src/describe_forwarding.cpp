// SPDX-License-Identifier: GPL-3.0-or-later
#include "describe_forwarding.hpp"

#include <fmt/format.h>

#include "describe.hpp"
#include "mipflow/wire/checksum.hpp"
#include "mipflow/wire/forwarding_messages.hpp"

namespace mipflow::tools {

namespace {

constexpr std::size_t kUdpHeaderLength = 8;
constexpr std::size_t kUdpChecksumOffset = 6;

const char* title_of(wire::ForwardingType type) {
  switch (type) {
    case wire::ForwardingType::StartForwarding: return "Start Forwarding";
    case wire::ForwardingType::StartForwardingAcknowledgement: return "Start Forwarding Acknowledgement";
    case wire::ForwardingType::StopForwarding: return "Stop Forwarding";
    case wire::ForwardingType::StopForwardingAcknowledgement: return "Stop Forwarding Acknowledgement";
    case wire::ForwardingType::Heartbeat: return "Heartbeat";
    case wire::ForwardingType::HeartbeatAcknowledgement: return "Heartbeat Acknowledgement";
    case wire::ForwardingType::Report: return "Forwarding Report";
  }
  return "message between home agents";
}

Field status_field(wire::ForwardingStatus status) {
  const auto number = static_cast<unsigned>(status);
  return field("status", number, fmt::format("status {} ({})", number, to_string(status)));
}

struct FieldsOfRecord {
  std::vector<Field> operator()(const wire::StartForwarding& record) const {
    const bool own = record.tunnel_source.is_unspecified();
    const bool link_local = record.link_local_address_compatibility;
    return {field("home_address", record.home_address),
            field("care_of_address", record.care_of_address),
            field("tunnel_source", to_string(record.tunnel_source),
                  own ? "tunnel source its own" : "tunnel source " + to_string(record.tunnel_source)),
            field("number", record.number),
            field("duration", record.duration, fmt::format("duration {} s", record.duration)),
            field("link_local_address_compatibility", link_local, link_local ? "flags L" : "no flags")};
  }
  std::vector<Field> operator()(const wire::StartForwardingAcknowledgement& record) const {
    return {field("home_address", record.home_address), field("number", record.number), status_field(record.status),
            field("accepted", !wire::is_refusal(record.status), "")};
  }
  std::vector<Field> operator()(const wire::StopForwarding& record) const {
    return {field("home_address", record.home_address), field("number", record.number)};
  }
  std::vector<Field> operator()(const wire::StopForwardingAcknowledgement& record) const {
    return {field("home_address", record.home_address), field("number", record.number), field("packets", record.packets),
            field("octets", record.octets), status_field(record.status),
            field("accepted", !wire::is_refusal(record.status), "")};
  }
  std::vector<Field> operator()(const wire::Heartbeat& record) const {
    return {field("number", record.number),
            field("answers", record.answers, record.answers == 0 ? "answers nothing" : fmt::format("answers {}", record.answers))};
  }
  std::vector<Field> operator()(const wire::HeartbeatAcknowledgement& record) const {
    return {field("number", record.number), field("packets", record.packets), field("delegated", record.delegated),
            field("capacity", record.capacity), field("retiring", record.retiring, record.retiring ? "retiring" : "")};
  }
  std::vector<Field> operator()(const wire::ForwardingReport& record) const {
    return {field("home_address", record.home_address), field("number", record.number), field("packets", record.packets),
            field("octets", record.octets)};
  }
};

Field session_field(const char* name, std::uint64_t session, const char* words) {
  const std::string digits = hex_number(session, 16);
  return field(name, digits, fmt::format("{} {}", words, session == 0 ? "unknown" : digits));
}

Message describe(const wire::ForwardingMessage& message) {
  const wire::ForwardingType type = wire::type_of(message.records);
  Message out{"load-sharing", {static_cast<unsigned>(type), to_string(type), title_of(type)}};
  out.item.fields = {session_field("sender_session", message.sender_session, "session"),
                     session_field("receiver_session", message.receiver_session, "for session"),
                     field("sequence", message.sequence),
                     field("authenticator", "not verified", "authenticator not verified")};
  std::visit([&](const auto& records) { for (const auto& record : records) out.records.push_back({FieldsOfRecord{}(record)}); },
             message.records);
  return out;
}

// The type is all there is to tell.
Message describe_malformed(std::uint8_t type) {
  const auto known = static_cast<wire::ForwardingType>(type);
  return {"load-sharing", {type, to_string(known), title_of(known)}};
}

// nullopt when the UDP length is more than there is.
std::optional<Checksum> checksum_of(const wire::PacketView& view, std::size_t length) {
  if (view.truncated || length > view.payload.size()) return std::nullopt;
  Writer without;
  without.bytes(view.payload.first(length));
  without.patch_u16(kUdpChecksumOffset, 0);
  Reader field_reader(view.payload.subspan(kUdpChecksumOffset));
  const std::uint16_t expected =
      wire::upper_layer_checksum(view.protocol, view.logical_source(), view.logical_destination(), without.view());
  return Checksum{field_reader.u16(), expected == 0 ? std::uint16_t{0xffff} : expected, view.logical_source(),
                  view.logical_destination()};  // RFC 8200 §8.1: UDP sends no 0
}

Problem problem(wire::DecodeErrorKind kind, std::size_t offset) { return {to_string(kind), offset, explain(kind)}; }

}  // namespace

std::optional<ForwardingDescription> describe_forwarding(const wire::PacketView& view, std::uint16_t port) {
  if (view.protocol != kProtocolUdp || view.more_fragments || view.fragment_offset.value_or(0) != 0) return std::nullopt;
  Reader udp(view.payload);
  udp.skip(2);
  const std::uint16_t destination_port = udp.u16();
  const std::size_t length = udp.u16();
  udp.skip(2);
  Reader reader(udp.rest());
  const std::uint16_t magic = reader.u16();
  const std::uint8_t version = reader.u8();
  const std::uint8_t type = reader.u8();
  if (udp.failed() || reader.failed() || destination_port != port || magic != wire::kForwardingMagic ||
      version != wire::kForwardingVersion)
    return std::nullopt;

  ForwardingDescription out{describe_malformed(type)};
  out.checksum = checksum_of(view, length);
  if (!out.checksum) {
    out.problem = problem(wire::DecodeErrorKind::Truncated, view.payload_offset + view.payload.size());
    return out;
  }
  const auto message = length < kUdpHeaderLength
                           ? Unexpected{wire::ForwardingDecodeError::Malformed}
                           : wire::read_forwarding_message(view.payload.subspan(kUdpHeaderLength, length - kUdpHeaderLength));
  if (message) out.message = describe(*message);
  if (!out.checksum->right())
    out.problem = problem(wire::DecodeErrorKind::ChecksumWrong, view.payload_offset + kUdpChecksumOffset);
  else if (!message)
    out.problem = Problem{"load-sharing-message-wrong", view.payload_offset + kUdpHeaderLength,
                          "type, Length, Count and records of this message do not fit each other, or a number is 0 that has to be "
                          "another; a home agent drops it silently"};
  return out;
}

}  // namespace mipflow::tools
