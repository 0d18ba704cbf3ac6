// SPDX-License-Identifier: GPL-3.0-or-later
#include "icmpv6_layout.hpp"
#include "mipflow/base/flow_key.hpp"
#include "mipflow/wire/checksum.hpp"
#include "mipflow/wire/constants.hpp"
#include "mipflow/wire/icmpv6.hpp"

namespace mipflow::wire {

namespace {

void header(Writer& writer, std::uint8_t type, std::uint8_t code = 0) {
  writer.u8(type);
  writer.u8(code);
  writer.u16(0);  // Checksum, filled last
}

void link_layer_address(Writer& writer, std::uint8_t type, const std::optional<LinkLayerAddress>& address) {
  if (!address) return;
  writer.u8(type);
  writer.u8(1);
  writer.bytes(*address);
}

void prefix_information(Writer& writer, const PrefixInformation& prefix) {
  unsigned flags = 0;
  if (prefix.on_link) flags |= kPrefixOnLink;
  if (prefix.autonomous) flags |= kPrefixAutonomous;
  if (prefix.router_address) flags |= kPrefixRouterAddress;
  writer.u8(kPrefixInformationOption);
  writer.u8(kPrefixInformationLength);
  writer.u8(prefix.prefix_length);
  writer.u8(static_cast<std::uint8_t>(flags));
  writer.u32(prefix.valid_lifetime);
  writer.u32(prefix.preferred_lifetime);
  writer.u32(0);
  writer.address(prefix.prefix);
}

void prefix_authentication(Writer& writer, const std::optional<PrefixAuthentication>& authentication) {
  if (!authentication) return;
  writer.u8(kPrefixAuthenticationOption);
  writer.u8(kPrefixAuthenticationLength);
  writer.u8(kPrefixAuthenticationVersion);
  writer.u8(0);
  writer.u32(authentication->spi);
  writer.u64(authentication->ntp_timestamp);
  writer.bytes(authentication->authenticator);
}

std::uint8_t managed_and_other(bool managed, bool other) {
  return static_cast<std::uint8_t>((managed ? kAdvertisementManaged : 0) | (other ? kAdvertisementOther : 0));
}

struct Encoder {
  Writer& writer;

  void operator()(const HomeAgentAddressDiscoveryRequest& message) const {
    header(writer, kIcmpv6HomeAgentAddressDiscoveryRequest);
    writer.u16(message.identifier);
    writer.u16(0);
  }
  void operator()(const HomeAgentAddressDiscoveryReply& message) const {
    header(writer, kIcmpv6HomeAgentAddressDiscoveryReply);
    writer.u16(message.identifier);
    writer.u16(0);
    for (const Address& home_agent : message.home_agents) writer.address(home_agent);
  }
  void operator()(const MobilePrefixSolicitation& message) const {
    header(writer, kIcmpv6MobilePrefixSolicitation);
    writer.u16(message.identifier);
    writer.u16(0);
    prefix_authentication(writer, message.authentication);
  }
  void operator()(const MobilePrefixAdvertisement& message) const {
    header(writer, kIcmpv6MobilePrefixAdvertisement);
    writer.u16(message.identifier);
    writer.u8(managed_and_other(message.managed_address_configuration, message.other_stateful_configuration));
    writer.u8(0);
    for (const PrefixInformation& prefix : message.prefixes) prefix_information(writer, prefix);
    prefix_authentication(writer, message.authentication);
  }
  void operator()(const NeighborSolicitation& message) const {
    header(writer, kIcmpv6NeighborSolicitation);
    writer.u32(0);
    writer.address(message.target);
    link_layer_address(writer, kSourceLinkLayerAddressOption, message.source_link_layer_address);
  }
  void operator()(const NeighborAdvertisement& message) const {
    unsigned flags = 0;
    if (message.router) flags |= kNeighborRouter;
    if (message.solicited) flags |= kNeighborSolicited;
    if (message.override_flag) flags |= kNeighborOverride;
    header(writer, kIcmpv6NeighborAdvertisement);
    writer.u8(static_cast<std::uint8_t>(flags));
    writer.zeros(3);
    writer.address(message.target);
    link_layer_address(writer, kTargetLinkLayerAddressOption, message.target_link_layer_address);
  }
  void operator()(const RouterAdvertisement& message) const {
    header(writer, kIcmpv6RouterAdvertisement);
    writer.u8(message.current_hop_limit);
    writer.u8(static_cast<std::uint8_t>(managed_and_other(message.managed, message.other) |
                                        (message.home_agent ? kAdvertisementHomeAgent : 0)));
    writer.u16(message.router_lifetime);
    writer.u32(0);  // Reachable Time and Retrans Timer: unspecified
    writer.u32(0);
    link_layer_address(writer, kSourceLinkLayerAddressOption, message.source_link_layer_address);
    for (const PrefixInformation& prefix : message.prefixes) prefix_information(writer, prefix);
    if (message.advertisement_interval_ms) {
      writer.u8(kAdvertisementIntervalOption);
      writer.u8(1);
      writer.u16(0);
      writer.u32(*message.advertisement_interval_ms);
    }
    if (message.home_agent_preference || message.home_agent_lifetime) {
      // RFC 6275 §7.4: what is not said counts as preference 0 and the Router Lifetime.
      writer.u8(kHomeAgentInformationOption);
      writer.u8(1);
      writer.u16(0);
      writer.u16(message.home_agent_preference.value_or(0));
      writer.u16(message.home_agent_lifetime.value_or(message.router_lifetime));
    }
  }
  void operator()(const Icmpv6Error& message) const {
    header(writer, message.type, message.code);
    writer.u32(message.parameter);
    writer.bytes(message.invoking_packet);
  }
};

}  // namespace

Bytes encode(const Icmpv6Message& message, const Address& source, const Address& destination) {
  Writer writer;
  std::visit(Encoder{writer}, message);
  writer.patch_u16(kIcmpv6ChecksumOffset,
                   upper_layer_checksum(kProtocolIcmpv6, source, destination, writer.view()));
  return writer.take();
}

}  // namespace mipflow::wire
