// SPDX-License-Identifier: GPL-3.0-or-later
#include "dhcpv6_lease.hpp"

#include <algorithm>
#include <array>

#include "mipflow/base/crypto.hpp"

namespace mipflow::home_agent {

namespace {

constexpr std::size_t kLongestServerText = 80;

// The name space of our name-based UUIDs (RFC 4122 §4.3): b89422d5-c6a5-416f-9ffd-d3634299c432.
constexpr std::array<std::uint8_t, 16> kNameSpace{0xb8, 0x94, 0x22, 0xd5, 0xc6, 0xa5, 0x41, 0x6f,
                                                  0x9f, 0xfd, 0xd3, 0x63, 0x42, 0x99, 0xc4, 0x32};

constexpr std::uint16_t kDuidUuid = 4;
constexpr std::size_t kUuidLength = 16;

}  // namespace

wire::Dhcpv6Type message_type(Dhcpv6Phase phase) {
  switch (phase) {
    case Dhcpv6Phase::Soliciting: return wire::Dhcpv6Type::Solicit;
    case Dhcpv6Phase::Requesting: return wire::Dhcpv6Type::Request;
    case Dhcpv6Phase::Bound:
    case Dhcpv6Phase::Renewing: return wire::Dhcpv6Type::Renew;
    case Dhcpv6Phase::Rebinding: return wire::Dhcpv6Type::Rebind;
    case Dhcpv6Phase::Releasing: return wire::Dhcpv6Type::Release;
    case Dhcpv6Phase::Declining: return wire::Dhcpv6Type::Decline;
  }
  return wire::Dhcpv6Type::Solicit;
}

Dhcpv6Retransmission::Parameters retransmission_parameters(Dhcpv6Phase phase, Duration longest_solicit_timeout) {
  switch (phase) {
    case Dhcpv6Phase::Soliciting: return {wire::kSolTimeout, longest_solicit_timeout, 0, true};
    case Dhcpv6Phase::Requesting: return {wire::kReqTimeout, wire::kReqMaxRt, wire::kReqMaxRc};
    case Dhcpv6Phase::Bound: break;
    case Dhcpv6Phase::Renewing: return {wire::kRenTimeout, wire::kRenMaxRt, 0};
    case Dhcpv6Phase::Rebinding: return {wire::kRebTimeout, wire::kRebMaxRt, 0};
    case Dhcpv6Phase::Releasing: return {wire::kRelTimeout, Duration{0}, wire::kRelMaxRc};
    case Dhcpv6Phase::Declining: return {wire::kDecTimeout, Duration{0}, wire::kDecMaxRc};
  }
  return {};
}

wire::Dhcpv6Message message_of(const Dhcpv6Lease& lease, const Bytes& client, TimePoint now) {
  wire::Dhcpv6Message message;
  message.type = message_type(lease.phase);
  message.transaction_id = lease.transaction_id;
  message.client_identifier = client;
  message.elapsed_time = lease.retransmission.elapsed(now);
  // Lifetimes, T1 and T2 are 0 in what a client sends (§21.4, §21.6).
  wire::Dhcpv6Association association{.identifier = lease.identity};
  const auto add = [&](const Address& address) { association.addresses.push_back({.address = address}); };
  switch (lease.phase) {
    case Dhcpv6Phase::Soliciting: break;
    case Dhcpv6Phase::Requesting: add(lease.offers.front().address); break;
    case Dhcpv6Phase::Bound:
    case Dhcpv6Phase::Renewing:
    case Dhcpv6Phase::Rebinding: add(lease.lease.home_address); break;
    case Dhcpv6Phase::Releasing:
    case Dhcpv6Phase::Declining: std::ranges::for_each(lease.given_back, add); break;
  }
  message.associations.push_back(std::move(association));
  if (lease.phase != Dhcpv6Phase::Soliciting && lease.phase != Dhcpv6Phase::Rebinding) message.server_identifier = lease.server;
  if (lease.phase != Dhcpv6Phase::Releasing && lease.phase != Dhcpv6Phase::Declining)
    message.requested_options = {wire::kDhcpv6SolMaxRtOption};
  return message;
}

Bytes dhcpv6_client_identifier(const Address& home_agent, const Address& primary_home_address) {
  Writer name;
  name.bytes(kNameSpace);
  name.address(home_agent);
  name.address(primary_home_address);
  Sha1Digest uuid = sha1(name.view());
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0f) | 0x50);  // version 5
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3f) | 0x80);  // variant of RFC 4122
  Writer out;
  out.u16(kDuidUuid);
  out.bytes(BytesView(uuid).first(kUuidLength));
  return out.take();
}

std::string shown(const wire::Dhcpv6Status& status) {
  std::string out = wire::to_string(status.code);
  if (status.text.empty()) return out;
  out += ", \"";
  for (const char character : status.text.substr(0, kLongestServerText))
    out += character >= ' ' && character <= '~' && character != '"' ? character : '?';
  return out + "\"";
}

}  // namespace mipflow::home_agent
