// SPDX-License-Identifier: GPL-3.0-or-later
#include "fuzz/wire/draw_messages.hpp"

#include <algorithm>

namespace mipflow::fuzz {

using namespace wire;

namespace {

// ---- Mobility Header ----

MobilityOption draw_option(Draw& draw) {
  switch (draw.below(7)) {
    case 0: return BindingRefreshAdvice{draw.u16()};
    case 1: return AlternateCareOfAddress{draw.address()};
    case 2: return NonceIndices{draw.u16(), draw.u16()};
    case 3: return MobileNodeIdentifier{draw.u8(), draw.some_bytes(254)};
    case 4: return MessageAuthentication{draw.u8(), draw.u32(), draw.some_bytes(250)};
    case 5: return ReplayProtection{draw.u64()};
    default: {
      // Types below 11 have a layout, or are padding.
      const auto type = static_cast<std::uint8_t>(11 + draw.below(245));
      return UnknownOption{type, draw.some_bytes(255)};
    }
  }
}

MobilityOptions draw_options(Draw& draw) {
  MobilityOptions options;
  for (auto count = draw.below(5); count > 0; --count) options.push_back(draw_option(draw));
  if (draw.flag()) options.emplace_back(BindingAuthorizationData{draw.array<12>()});
  return options;
}

std::vector<HomeAddressLifetimes> draw_lifetimes(Draw& draw) {
  std::vector<HomeAddressLifetimes> out(draw.below(kMostAddressesPerMessage + 1));
  for (auto& item : out) item = {draw.address(), draw.u32(), draw.u32()};
  return out;
}

std::vector<Address> draw_addresses(Draw& draw, std::size_t most) {
  std::vector<Address> out(draw.below(most + 1));
  for (auto& item : out) item = draw.address();
  return out;
}

AgentServiceBody draw_body(Draw& draw) {
  switch (draw.below(12)) {
    case 0: return HomeAddressRequest{static_cast<HomeAddressSource>(draw.u8()), draw.u8()};
    case 1:
      return HomeAddressReply{static_cast<HomeAddressSource>(draw.u8()), static_cast<HomeAddressStatus>(draw.u8()), draw_lifetimes(draw),
                              draw.some_text(kLongestReason)};
    case 2: return HomeAddressRelease{static_cast<HomeAddressReleaseReason>(draw.u8()), draw_addresses(draw, kMostAddressesPerMessage)};
    case 3: return HomeAddressReleaseAcknowledgement{};
    case 4: return HomeAddressChange{draw_lifetimes(draw)};
    case 5: return HomeAddressChangeAcknowledgement{};
    case 6: return PolicyRequest{draw.u32(), draw.u32()};
    case 7:
      return PolicyReply{static_cast<PolicyStatus>(draw.u8()), draw.u32(), draw.u32(), draw.u32(), draw.array<32>(),
                         draw.some_bytes(kLargestPolicyPart)};
    case 8: return PolicyChanged{draw.u32()};
    case 9: return HomeAddressRefresh{draw_addresses(draw, kMostAddressesPerMessage)};
    case 10: return HomeAddressRefreshReply{draw_lifetimes(draw)};
    default: return UnknownOperation{static_cast<std::uint8_t>(12 + draw.below(244)), draw.some_bytes(255)};
  }
}

}  // namespace

MobilityMessage draw_mobility_message(Draw& draw) {
  switch (draw.below(9)) {
    case 0: return BindingRefreshRequest{draw_options(draw)};
    case 1: return HomeTestInit{draw.u64(), draw_options(draw)};
    case 2: return CareOfTestInit{draw.u64(), draw_options(draw)};
    case 3: return HomeTest{draw.u16(), draw.u64(), draw.u64(), draw_options(draw)};
    case 4: return CareOfTest{draw.u16(), draw.u64(), draw.u64(), draw_options(draw)};
    case 5:
      return BindingUpdate{draw.u16(), draw.flag(), draw.flag(), draw.flag(), draw.flag(), static_cast<std::uint16_t>(draw.u16() & 0x0fff),
                           draw.u16(), draw_options(draw)};
    case 6:
      return BindingAcknowledgement{static_cast<BindingStatus>(draw.u8()), draw.flag(), static_cast<std::uint8_t>(draw.u8() & 0x7f), draw.u16(),
                                    draw.u16(), draw_options(draw)};
    case 7: return BindingError{static_cast<BindingErrorStatus>(draw.u8()), draw.address(), draw_options(draw)};
    default: return AgentServiceMessage{draw.u32(), draw_body(draw), draw_options(draw)};
  }
}

namespace {

// ---- ICMPv6 ----

std::optional<LinkLayerAddress> draw_link_layer_address(Draw& draw) {
  return draw.perhaps<LinkLayerAddress>([&] { return draw.array<6>(); });
}

std::vector<PrefixInformation> draw_prefixes(Draw& draw) {
  std::vector<PrefixInformation> out(draw.below(5));
  for (auto& item : out)
    item = {static_cast<std::uint8_t>(draw.below(129)), draw.flag(), draw.flag(), draw.flag(), draw.u32(), draw.u32(), draw.address()};
  return out;
}

std::optional<PrefixAuthentication> draw_prefix_authentication(Draw& draw) {
  return draw.perhaps<PrefixAuthentication>([&] { return PrefixAuthentication{draw.u32(), draw.u64(), draw.array<16>()}; });
}

Address draw_target(Draw& draw) {
  Address out = draw.address();
  if (out.is_multicast()) out.octets[0] = 0x20;
  return out;
}

}  // namespace

Icmpv6Message draw_icmpv6_message(Draw& draw) {
  switch (draw.below(8)) {
    case 0: return HomeAgentAddressDiscoveryRequest{draw.u16()};
    case 1: return HomeAgentAddressDiscoveryReply{draw.u16(), draw_addresses(draw, 80)};
    case 2: return MobilePrefixSolicitation{draw.u16(), draw_prefix_authentication(draw)};
    case 3: return MobilePrefixAdvertisement{draw.u16(), draw.flag(), draw.flag(), draw_prefixes(draw), draw_prefix_authentication(draw)};
    case 4: return NeighborSolicitation{draw_target(draw), draw_link_layer_address(draw)};
    case 5: return NeighborAdvertisement{draw.flag(), draw.flag(), draw.flag(), draw_target(draw), draw_link_layer_address(draw)};
    case 6: {
      RouterAdvertisement message{draw.u8(), draw.flag(), draw.flag(), draw.flag(), draw.u16(), draw_prefixes(draw), draw_link_layer_address(draw),
                                  draw.perhaps<std::uint32_t>([&] { return draw.u32(); }), std::nullopt, std::nullopt};
      // One option holds both.
      if (draw.flag()) {
        message.home_agent_preference = draw.u16();
        message.home_agent_lifetime = draw.u16();
      }
      return message;
    }
    default: return Icmpv6Error{static_cast<std::uint8_t>(1 + draw.below(4)), draw.u8(), draw.u32(), draw.some_bytes(1'500)};
  }
}

namespace {

// ---- DHCPv6 ----

std::optional<Dhcpv6Status> draw_dhcpv6_status(Draw& draw) {
  return draw.perhaps<Dhcpv6Status>([&] { return Dhcpv6Status{static_cast<Dhcpv6StatusCode>(draw.u16()), draw.some_text(100)}; });
}

std::optional<Bytes> draw_duid(Draw& draw) {
  return draw.perhaps<Bytes>([&] {
    Bytes duid = draw.some_bytes(kLongestDuid);
    duid.resize(std::max(duid.size(), kShortestDuid));
    return duid;
  });
}

}  // namespace

Dhcpv6Message draw_dhcpv6_message(Draw& draw) {
  static constexpr Dhcpv6Type kTypes[] = {Dhcpv6Type::Solicit, Dhcpv6Type::Advertise, Dhcpv6Type::Request, Dhcpv6Type::Renew,
                                          Dhcpv6Type::Rebind,  Dhcpv6Type::Reply,     Dhcpv6Type::Release, Dhcpv6Type::Decline};
  Dhcpv6Message out;
  out.type = draw.one_of(kTypes);
  out.transaction_id = draw.u32() & 0xff'ffff;
  out.client_identifier = draw_duid(draw);
  out.server_identifier = draw_duid(draw);
  const std::uint32_t first_identifier = draw.u32();
  out.associations.resize(draw.below(5));
  for (std::uint32_t i = 0; auto& association : out.associations) {
    association.identifier = first_identifier + i++;
    association.t1 = draw.u32();
    association.t2 = draw.u32();
    association.addresses.resize(draw.below(4));
    for (auto& address : association.addresses) address = {draw.address(), draw.u32(), draw.u32(), draw_dhcpv6_status(draw)};
    association.status = draw_dhcpv6_status(draw);
  }
  for (auto count = draw.below(4); count > 0; --count) out.requested_options.push_back(draw.u16());
  out.preference = draw.perhaps<std::uint8_t>([&] { return draw.u8(); });
  out.elapsed_time = draw.perhaps<std::uint16_t>([&] { return draw.u16(); });
  out.status = draw_dhcpv6_status(draw);
  out.longest_solicit_timeout = draw.perhaps<std::uint32_t>([&] { return draw.u32(); });
  return out;
}

namespace {

// ---- between home agents ----

// `Make`: makes one record.
template <class Record, class Make>
ForwardingRecords draw_records(Draw& draw, ForwardingType type, const Make& make) {
  std::vector<Record> out(1 + draw.below(most_records(type)));
  for (auto& record : out) record = make();
  return out;
}

}  // namespace

ForwardingMessage draw_forwarding_message(Draw& draw) {
  const auto at_least_one = [](std::uint64_t value) { return std::max<std::uint64_t>(value, 1); };
  const auto number = [&] { return at_least_one(draw.u64()); };
  ForwardingMessage out{number(), draw.u64(), number(), {}};
  const auto type = static_cast<ForwardingType>(1 + draw.below(7));
  if (type != ForwardingType::Heartbeat && type != ForwardingType::HeartbeatAcknowledgement) out.receiver_session = at_least_one(out.receiver_session);
  switch (type) {
    case ForwardingType::StartForwarding:
      out.records = draw_records<StartForwarding>(draw, type, [&] {
        return StartForwarding{draw.address(), draw.address(), draw.address(), number(), draw.u32(), draw.flag()};
      });
      break;
    case ForwardingType::StartForwardingAcknowledgement:
      out.records = draw_records<StartForwardingAcknowledgement>(draw, type, [&] {
        return StartForwardingAcknowledgement{draw.address(), number(), static_cast<ForwardingStatus>(draw.u8())};
      });
      break;
    case ForwardingType::StopForwarding:
      out.records = draw_records<StopForwarding>(draw, type, [&] { return StopForwarding{draw.address(), number()}; });
      break;
    case ForwardingType::StopForwardingAcknowledgement:
      out.records = draw_records<StopForwardingAcknowledgement>(draw, type, [&] {
        return StopForwardingAcknowledgement{draw.address(), number(), draw.u64(), draw.u64(), static_cast<ForwardingStatus>(draw.u8())};
      });
      break;
    case ForwardingType::Heartbeat:
      out.records = draw_records<Heartbeat>(draw, type, [&] { return Heartbeat{draw.u64(), draw.u64()}; });
      break;
    case ForwardingType::HeartbeatAcknowledgement:
      out.records = draw_records<HeartbeatAcknowledgement>(draw, type, [&] {
        return HeartbeatAcknowledgement{draw.u64(), draw.u64(), draw.u32(), draw.u32(), draw.flag()};
      });
      break;
    case ForwardingType::Report:
      out.records = draw_records<ForwardingReport>(draw, type, [&] { return ForwardingReport{draw.address(), number(), draw.u64(), draw.u64()}; });
      break;
  }
  return out;
}

}  // namespace mipflow::fuzz
