// SPDX-License-Identifier: GPL-3.0-or-later
#include "link_layer.hpp"

#include <fmt/format.h>
#include <pcap/dlt.h>

namespace mipflow::tools {

namespace {

constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
constexpr std::uint16_t kEtherTypeVlan = 0x8100;
constexpr std::uint16_t kEtherTypeServiceVlan = 0x88a8;
constexpr int kMostVlanTags = 4;
// RFC 5555 §4.1
constexpr std::uint16_t kDualStackPort = 4191;

std::optional<CarriedPacket> behind_ether_type(std::uint16_t ether_type, Reader reader) {
  for (int tags = 0; tags < kMostVlanTags && (ether_type == kEtherTypeVlan || ether_type == kEtherTypeServiceVlan); ++tags) {
    reader.skip(2);
    ether_type = reader.u16();
  }
  if (reader.failed() || (ether_type != kEtherTypeIpv4 && ether_type != kEtherTypeIpv6)) return std::nullopt;
  return ipv6_in_ip(reader.rest());
}

// RFC 5555 §4: the IPv6 packet in UDP over IPv4.
std::optional<CarriedPacket> ipv6_in_ipv4_udp(BytesView packet) {
  Reader reader(packet);
  const std::size_t header_length = static_cast<std::size_t>(reader.u8() & 0x0f) * 4;
  reader.skip(5);
  const std::uint16_t fragment = reader.u16();
  reader.skip(1);
  const std::uint8_t protocol = reader.u8();
  reader.skip(2);
  const BytesView source = reader.bytes(4);
  const BytesView destination = reader.bytes(4);
  constexpr std::uint8_t kUdp = 17;
  if (reader.failed() || header_length < 20 || protocol != kUdp || (fragment & 0x3fff) != 0) return std::nullopt;
  reader.skip(header_length - 20);
  const std::uint16_t source_port = reader.u16();
  const std::uint16_t destination_port = reader.u16();
  reader.skip(4);
  if (reader.failed() || (source_port != kDualStackPort && destination_port != kDualStackPort)) return std::nullopt;
  const auto dotted = [](BytesView octets) { return fmt::format("{}", fmt::join(octets, ".")); };
  return CarriedPacket{reader.rest(), fmt::format("UDP {} -> {} over IPv4 {} -> {}", source_port, destination_port,
                                                  dotted(source), dotted(destination))};
}

}  // namespace

bool link_type_is_known(int link_type) {
  switch (link_type) {
    case DLT_EN10MB:
    case DLT_RAW:
    case DLT_IPV6:
    case DLT_NULL:
    case DLT_LOOP:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2: return true;
    default: return false;
  }
}

std::optional<CarriedPacket> ipv6_in_ip(BytesView packet) {
  if (packet.empty()) return std::nullopt;
  switch (packet[0] >> 4) {
    case 6: return CarriedPacket{packet};
    case 4: return ipv6_in_ipv4_udp(packet);
    default: return std::nullopt;
  }
}

std::optional<CarriedPacket> ipv6_in_frame(int link_type, BytesView frame) {
  Reader reader(frame);
  switch (link_type) {
    case DLT_EN10MB: {
      reader.skip(12);
      const std::uint16_t ether_type = reader.u16();
      return behind_ether_type(ether_type, reader);
    }
    case DLT_LINUX_SLL: {
      reader.skip(14);
      const std::uint16_t ether_type = reader.u16();
      return behind_ether_type(ether_type, reader);
    }
    case DLT_LINUX_SLL2: {
      const std::uint16_t ether_type = reader.u16();
      reader.skip(18);
      return behind_ether_type(ether_type, reader);
    }
    case DLT_NULL:
    case DLT_LOOP:
      // An address family, which systems number differently and write in different byte orders; the IP version says more.
      reader.skip(4);
      return reader.failed() ? std::nullopt : ipv6_in_ip(reader.rest());
    default: return ipv6_in_ip(frame);
  }
}

}  // namespace mipflow::tools
