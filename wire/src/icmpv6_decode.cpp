// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "icmpv6_layout.hpp"
#include "mipflow/base/flow_key.hpp"
#include "mipflow/wire/checksum.hpp"
#include "mipflow/wire/constants.hpp"
#include "mipflow/wire/icmpv6.hpp"

namespace mipflow::wire {

namespace {

// Everything the options of one message can say; each message takes what it has a place for.
struct Options {
  std::optional<LinkLayerAddress> source_link_layer_address;
  std::optional<LinkLayerAddress> target_link_layer_address;
  std::vector<PrefixInformation> prefixes;
  std::optional<std::uint32_t> advertisement_interval_ms;
  std::optional<std::uint16_t> home_agent_preference;
  std::optional<std::uint16_t> home_agent_lifetime;
  std::optional<PrefixAuthentication> authentication;
};

// What the checks of neighbour discovery look at besides the message.
struct Circumstances {
  const Address& source;
  const Address& destination;
  std::uint8_t hop_limit;
  std::size_t start;  // of the ICMPv6 message
};

Unexpected<DecodeError> refuse(DecodeErrorKind kind, std::size_t offset) { return {DecodeError{kind, offset}}; }

std::optional<LinkLayerAddress> link_layer_address(Reader& data) {
  LinkLayerAddress address{};
  // Links with other lengths of address exist; the option then says nothing to us.
  if (data.remaining() != address.size()) return std::nullopt;
  std::ranges::copy(data.bytes(address.size()), address.begin());
  return address;
}

PrefixInformation prefix_information(Reader& data) {
  PrefixInformation prefix;
  prefix.prefix_length = data.u8();
  const std::uint8_t flags = data.u8();
  prefix.on_link = (flags & kPrefixOnLink) != 0;
  prefix.autonomous = (flags & kPrefixAutonomous) != 0;
  prefix.router_address = (flags & kPrefixRouterAddress) != 0;
  prefix.valid_lifetime = data.u32();
  prefix.preferred_lifetime = data.u32();
  data.skip(4);
  prefix.prefix = data.address();
  return prefix;
}

std::optional<PrefixAuthentication> prefix_authentication(Reader& data) {
  const std::uint8_t version = data.u8();
  data.skip(1);
  PrefixAuthentication authentication;
  authentication.spi = data.u32();
  authentication.ntp_timestamp = data.u64();
  const BytesView authenticator = data.bytes(authentication.authenticator.size());
  // Type 253 is for everybody's experiments: another layout is somebody else's option and is skipped.
  if (data.failed() || data.remaining() != 0 || version != kPrefixAuthenticationVersion) return std::nullopt;
  std::ranges::copy(authenticator, authentication.authenticator.begin());
  return authentication;
}

// RFC 4861 §4.6: type, length in units of eight octets, which must not be 0. Unknown options are skipped; of an option
// that may stand once the first one counts.
Expected<Options, DecodeError> decode_options(Reader reader) {
  Options options;
  while (reader.remaining() > 0) {
    const std::uint8_t type = reader.u8();
    const std::size_t length_offset = reader.offset();
    const std::uint8_t length = reader.u8();
    if (!reader.failed() && length == 0) return refuse(DecodeErrorKind::OptionLengthWrong, length_offset);
    Reader data = reader.sub_reader(std::size_t{length} * 8 - 2);
    if (reader.failed()) return refuse(DecodeErrorKind::OptionOverrun, length_offset);

    switch (type) {
      case kSourceLinkLayerAddressOption:
        if (!options.source_link_layer_address) options.source_link_layer_address = link_layer_address(data);
        break;
      case kTargetLinkLayerAddressOption:
        if (!options.target_link_layer_address) options.target_link_layer_address = link_layer_address(data);
        break;
      case kPrefixInformationOption: {
        if (length != kPrefixInformationLength) return refuse(DecodeErrorKind::OptionLengthWrong, length_offset);
        const PrefixInformation prefix = prefix_information(data);
        if (prefix.prefix_length > 128) return refuse(DecodeErrorKind::OptionLengthWrong, length_offset + 1);
        options.prefixes.push_back(prefix);
        break;
      }
      case kAdvertisementIntervalOption:
        if (length != 1) return refuse(DecodeErrorKind::OptionLengthWrong, length_offset);
        data.skip(2);
        if (!options.advertisement_interval_ms) options.advertisement_interval_ms = data.u32();
        break;
      case kHomeAgentInformationOption:
        if (length != 1) return refuse(DecodeErrorKind::OptionLengthWrong, length_offset);
        if (options.home_agent_lifetime) break;
        data.skip(2);
        options.home_agent_preference = data.u16();
        options.home_agent_lifetime = data.u16();
        break;
      case kPrefixAuthenticationOption:
        if (!options.authentication) options.authentication = prefix_authentication(data);
        break;
      default: break;
    }
  }
  return options;
}

// A zero-length or overrunning option makes a whole neighbour discovery packet invalid (RFC 4861 §6.1, §7.1).
Unexpected<DecodeError> as_neighbor_discovery(const DecodeError& error) {
  return refuse(DecodeErrorKind::NeighborDiscoveryWrong, error.offset);
}

Expected<Icmpv6Message, DecodeError> decode_router_advertisement(Reader reader, const Circumstances& around) {
  if (!around.source.is_link_local()) return refuse(DecodeErrorKind::NeighborDiscoveryWrong, around.start);
  RouterAdvertisement message;
  message.current_hop_limit = reader.u8();
  const std::uint8_t flags = reader.u8();
  message.managed = (flags & kAdvertisementManaged) != 0;
  message.other = (flags & kAdvertisementOther) != 0;
  message.home_agent = (flags & kAdvertisementHomeAgent) != 0;
  message.router_lifetime = reader.u16();
  reader.skip(8);  // Reachable Time and Retrans Timer are the kernel's business
  if (reader.failed()) return refuse(DecodeErrorKind::NeighborDiscoveryWrong, reader.offset() + reader.remaining());
  auto options = decode_options(reader);
  if (!options) return as_neighbor_discovery(options.error());
  message.prefixes = std::move(options->prefixes);
  message.source_link_layer_address = options->source_link_layer_address;
  message.advertisement_interval_ms = options->advertisement_interval_ms;
  message.home_agent_preference = options->home_agent_preference;
  message.home_agent_lifetime = options->home_agent_lifetime;
  return Icmpv6Message{std::move(message)};
}

// RFC 4861 §7.1.1
Expected<Icmpv6Message, DecodeError> decode_neighbor_solicitation(Reader reader, const Circumstances& around) {
  NeighborSolicitation message;
  reader.skip(4);
  const std::size_t target_offset = reader.offset();
  message.target = reader.address();
  if (reader.failed()) return refuse(DecodeErrorKind::NeighborDiscoveryWrong, reader.offset() + reader.remaining());
  if (message.target.is_multicast()) return refuse(DecodeErrorKind::NeighborDiscoveryWrong, target_offset);
  const std::size_t options_offset = reader.offset();
  const auto options = decode_options(reader);
  if (!options) return as_neighbor_discovery(options.error());
  message.source_link_layer_address = options->source_link_layer_address;
  if (around.source.is_unspecified()) {
    if (around.destination != solicited_node_multicast(message.target))
      return refuse(DecodeErrorKind::NeighborDiscoveryWrong, target_offset);
    if (message.source_link_layer_address) return refuse(DecodeErrorKind::NeighborDiscoveryWrong, options_offset);
  }
  return Icmpv6Message{message};
}

// RFC 4861 §7.1.2
Expected<Icmpv6Message, DecodeError> decode_neighbor_advertisement(Reader reader, const Circumstances& around) {
  NeighborAdvertisement message;
  const std::size_t flags_offset = reader.offset();
  const std::uint8_t flags = reader.u8();
  message.router = (flags & kNeighborRouter) != 0;
  message.solicited = (flags & kNeighborSolicited) != 0;
  message.override_flag = (flags & kNeighborOverride) != 0;
  reader.skip(3);
  const std::size_t target_offset = reader.offset();
  message.target = reader.address();
  if (reader.failed()) return refuse(DecodeErrorKind::NeighborDiscoveryWrong, reader.offset() + reader.remaining());
  if (message.target.is_multicast()) return refuse(DecodeErrorKind::NeighborDiscoveryWrong, target_offset);
  if (message.solicited && around.destination.is_multicast())
    return refuse(DecodeErrorKind::NeighborDiscoveryWrong, flags_offset);
  const auto options = decode_options(reader);
  if (!options) return as_neighbor_discovery(options.error());
  message.target_link_layer_address = options->target_link_layer_address;
  return Icmpv6Message{message};
}

// RFC 6275 §6.6
Expected<Icmpv6Message, DecodeError> decode_discovery_reply(Reader reader) {
  HomeAgentAddressDiscoveryReply message;
  message.identifier = reader.u16();
  reader.skip(2);
  while (reader.remaining() > 0) {
    message.home_agents.push_back(reader.address());
    if (reader.failed()) return refuse(DecodeErrorKind::Truncated, reader.offset() + reader.remaining());
  }
  return Icmpv6Message{std::move(message)};
}

Expected<Icmpv6Message, DecodeError> decode_prefix_solicitation(Reader reader) {
  MobilePrefixSolicitation message;
  message.identifier = reader.u16();
  reader.skip(2);
  const auto options = decode_options(reader);
  if (!options) return Unexpected{options.error()};
  message.authentication = options->authentication;
  return Icmpv6Message{message};
}

Expected<Icmpv6Message, DecodeError> decode_prefix_advertisement(Reader reader) {
  MobilePrefixAdvertisement message;
  message.identifier = reader.u16();
  const std::uint8_t flags = reader.u8();
  message.managed_address_configuration = (flags & kAdvertisementManaged) != 0;
  message.other_stateful_configuration = (flags & kAdvertisementOther) != 0;
  reader.skip(1);
  auto options = decode_options(reader);
  if (!options) return Unexpected{options.error()};
  message.prefixes = std::move(options->prefixes);
  message.authentication = options->authentication;
  return Icmpv6Message{std::move(message)};
}

bool is_neighbor_discovery(std::uint8_t type) {
  return type == kIcmpv6RouterAdvertisement || type == kIcmpv6NeighborSolicitation ||
         type == kIcmpv6NeighborAdvertisement;
}

}  // namespace

Expected<Icmpv6Message, DecodeError> decode_icmpv6(BytesView bytes, const Address& source, const Address& destination,
                                                   std::uint8_t hop_limit, std::size_t base_offset) {
  // All messages spoken here have at least eight octets, so four more than the common header is asked for at once.
  if (bytes.size() < 8) return refuse(DecodeErrorKind::Truncated, base_offset + bytes.size());
  if (upper_layer_checksum(kProtocolIcmpv6, source, destination, bytes) != 0)
    return refuse(DecodeErrorKind::ChecksumWrong, base_offset + kIcmpv6ChecksumOffset);

  Reader reader(bytes, base_offset);
  const std::uint8_t type = reader.u8();
  const std::uint8_t code = reader.u8();
  reader.skip(2);

  const Circumstances around{source, destination, hop_limit, base_offset};
  if (is_neighbor_discovery(type)) {
    if (hop_limit != kNeighborDiscoveryHopLimit) return refuse(DecodeErrorKind::NeighborDiscoveryWrong, base_offset);
    if (code != 0) return refuse(DecodeErrorKind::NeighborDiscoveryWrong, base_offset + kIcmpv6CodeOffset);
  }
  switch (type) {
    case kIcmpv6DestinationUnreachable:
    case kIcmpv6PacketTooBig:
    case kIcmpv6TimeExceeded:
    case kIcmpv6ParameterProblem: {
      Icmpv6Error message{type, code, reader.u32(), {}};
      message.invoking_packet.assign(reader.rest().begin(), reader.rest().end());
      return Icmpv6Message{std::move(message)};
    }
    case kIcmpv6RouterAdvertisement: return decode_router_advertisement(reader, around);
    case kIcmpv6NeighborSolicitation: return decode_neighbor_solicitation(reader, around);
    case kIcmpv6NeighborAdvertisement: return decode_neighbor_advertisement(reader, around);
    case kIcmpv6HomeAgentAddressDiscoveryRequest: return Icmpv6Message{HomeAgentAddressDiscoveryRequest{reader.u16()}};
    case kIcmpv6HomeAgentAddressDiscoveryReply: return decode_discovery_reply(reader);
    case kIcmpv6MobilePrefixSolicitation: return decode_prefix_solicitation(reader);
    case kIcmpv6MobilePrefixAdvertisement: return decode_prefix_advertisement(reader);
    default: return refuse(DecodeErrorKind::NotMobileIpv6, base_offset);
  }
}

}  // namespace mipflow::wire
