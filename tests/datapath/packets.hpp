// SPDX-License-Identifier: GPL-3.0-or-later
// Packets for the data path's tests, built and checked without the code under test.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mipflow/base/address.hpp"

namespace mipflow::packets {

using Octets = std::vector<std::uint8_t>;

inline Address address(const char* text) { return Address::parse(text).value(); }

inline constexpr std::size_t kEthernetHeader = 14;
inline constexpr std::size_t kIpv6Header = 40;
inline constexpr std::uint8_t kTcp = 6, kUdp = 17, kDccp = 33, kIpv6 = 41, kRouting = 43, kFragment = 44, kIcmpv6 = 58, kDestinationOptions = 60,
                              kSctp = 132, kMobility = 135, kUdpLite = 136;

// RFC 1071, written out: sum of 16-bit words, odd octet padded. `sum` of other parts may be handed in.
inline std::uint32_t ones_sum(std::span<const std::uint8_t> data, std::uint32_t sum = 0) {
  for (std::size_t i = 0; i < data.size(); i += 2)
    sum += static_cast<std::uint32_t>(data[i] << 8) | (i + 1 < data.size() ? data[i + 1] : 0u);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

// RFC 8200 §8.1: 0xffff when the upper layer's checksum is right.
inline std::uint32_t transport_sum(const Address& source, const Address& destination, std::uint8_t protocol,
                                   std::span<const std::uint8_t> upper) {
  Octets pseudo(source.octets.begin(), source.octets.end());
  pseudo.insert(pseudo.end(), destination.octets.begin(), destination.octets.end());
  const auto length = static_cast<std::uint32_t>(upper.size());
  for (int shift : {24, 16, 8, 0}) pseudo.push_back(static_cast<std::uint8_t>(length >> shift));
  pseudo.insert(pseudo.end(), {0, 0, 0, protocol});
  return ones_sum(upper, ones_sum(pseudo));
}

inline void put16(Octets& data, std::size_t offset, std::uint32_t value) {
  data.at(offset) = static_cast<std::uint8_t>(value >> 8);
  data.at(offset + 1) = static_cast<std::uint8_t>(value);
}
inline std::uint16_t get16(std::span<const std::uint8_t> data, std::size_t offset) {
  return static_cast<std::uint16_t>(data[offset] << 8 | data[offset + 1]);
}
inline std::uint32_t get32(std::span<const std::uint8_t> data, std::size_t offset) {
  return static_cast<std::uint32_t>(get16(data, offset)) << 16 | get16(data, offset + 2);
}

// Fills the checksum at `place` of the upper layer.
inline Octets with_checksum(const Address& source, const Address& destination, std::uint8_t protocol, Octets upper, std::size_t place) {
  put16(upper, place, 0);
  std::uint32_t sum = ~transport_sum(source, destination, protocol, upper) & 0xffff;
  if (sum == 0 && (protocol == kUdp || protocol == kUdpLite)) sum = 0xffff;
  put16(upper, place, sum);
  return upper;
}

struct Ends {
  Address source, destination;
};
inline Ends turned(const Ends& ends) { return {ends.destination, ends.source}; }

inline Octets ipv6(const Ends& ends, std::uint8_t next_header, const Octets& payload, std::uint8_t traffic_class = 0,
                   std::uint8_t hop_limit = 64) {
  Octets out(kIpv6Header);
  out[0] = static_cast<std::uint8_t>(0x60 | traffic_class >> 4);
  out[1] = static_cast<std::uint8_t>(traffic_class << 4);
  put16(out, 4, static_cast<std::uint32_t>(payload.size()));
  out[6] = next_header;
  out[7] = hop_limit;
  std::copy(ends.source.octets.begin(), ends.source.octets.end(), out.begin() + 8);
  std::copy(ends.destination.octets.begin(), ends.destination.octets.end(), out.begin() + 24);
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

inline Octets filler(std::size_t count) {
  Octets out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<std::uint8_t>(i * 7 + 3);
  return out;
}

inline Octets udp_header_and(const Ends& ends, std::uint16_t source_port, std::uint16_t destination_port, std::size_t payload,
                             std::uint8_t protocol = kUdp) {
  Octets upper(8);
  put16(upper, 0, source_port);
  put16(upper, 2, destination_port);
  put16(upper, 4, static_cast<std::uint32_t>(payload + 8));
  const Octets data = filler(payload);
  upper.insert(upper.end(), data.begin(), data.end());
  return with_checksum(ends.source, ends.destination, protocol, std::move(upper), 6);
}
inline Octets udp(const Ends& ends, std::uint16_t source_port, std::uint16_t destination_port, std::size_t payload = 100) {
  return ipv6(ends, kUdp, udp_header_and(ends, source_port, destination_port, payload));
}

inline constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
inline Octets tcp(const Ends& ends, std::uint16_t source_port, std::uint16_t destination_port, std::uint8_t flags = kAck,
                  std::size_t payload = 100) {
  Octets upper(20);
  put16(upper, 0, source_port);
  put16(upper, 2, destination_port);
  upper[7] = 1;
  upper[12] = 0x50;
  upper[13] = flags;
  put16(upper, 14, 0xffff);
  const Octets data = filler(payload);
  upper.insert(upper.end(), data.begin(), data.end());
  return ipv6(ends, kTcp, with_checksum(ends.source, ends.destination, kTcp, std::move(upper), 16));
}

inline Octets icmpv6(const Ends& ends, std::uint8_t type, const Octets& body, std::uint8_t code = 0, std::uint8_t hop_limit = 64) {
  Octets upper{type, code, 0, 0};
  upper.insert(upper.end(), body.begin(), body.end());
  return ipv6(ends, kIcmpv6, with_checksum(ends.source, ends.destination, kIcmpv6, std::move(upper), 2), 0, hop_limit);
}
inline Octets echo(const Ends& ends, std::uint8_t type, std::uint16_t identifier, std::size_t payload = 57) {
  Octets body(4);
  put16(body, 0, identifier);
  const Octets data = filler(payload);
  body.insert(body.end(), data.begin(), data.end());
  return icmpv6(ends, type, body);
}
// An error that quotes `packet`, as long as an error may be.
inline Octets icmpv6_error(const Ends& ends, std::uint8_t type, std::uint32_t parameter, Octets packet) {
  if (packet.size() > 1232) packet.resize(1232);
  Octets body(4);
  put16(body, 0, parameter >> 16);
  put16(body, 2, parameter & 0xffff);
  body.insert(body.end(), packet.begin(), packet.end());
  return icmpv6(ends, type, body);
}

// A Mobility Header of the type, empty but for zeros.
inline Octets mobility_header(const Ends& ends, std::uint8_t type, std::size_t octets = 16) {
  Octets upper(octets);
  upper[0] = 59;
  upper[1] = static_cast<std::uint8_t>(octets / 8 - 1);
  upper[2] = type;
  return with_checksum(ends.source, ends.destination, kMobility, std::move(upper), 4);
}

inline Octets home_address_option(std::uint8_t next_header, const Address& home_address) {
  Octets out{next_header, 2, 1, 2, 0, 0, 0xc9, 16};
  out.insert(out.end(), home_address.octets.begin(), home_address.octets.end());
  return out;
}
inline Octets type_2_routing_header(std::uint8_t next_header, const Address& home_address) {
  Octets out{next_header, 2, 2, 1, 0, 0, 0, 0};
  out.insert(out.end(), home_address.octets.begin(), home_address.octets.end());
  return out;
}
inline Octets joined(Octets first, const Octets& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// Of a packet's payload `whole`, whose first header is `next_header`: the octets from `from` to `to`; the last fragment has the
// end. The caller sees to it that all but the last are a multiple of eight octets long.
inline Octets fragment_of(const Ends& ends, std::uint8_t next_header, const Octets& whole, std::size_t from, std::size_t to,
                          std::uint8_t identification = 1) {
  Octets header{next_header, 0, 0, 0, 0, 0, 0, identification};
  put16(header, 2, static_cast<std::uint32_t>(from | (to < whole.size() ? 1 : 0)));
  return ipv6(ends, kFragment, joined(header, Octets(whole.begin() + static_cast<std::ptrdiff_t>(from), whole.begin() + static_cast<std::ptrdiff_t>(to))));
}
// One Destination Options header with nothing in it.
inline Octets empty_options(std::uint8_t next_header) { return {next_header, 0, 1, 4, 0, 0, 0, 0}; }
// What is left of a packet that was cut.
inline Octets front_of(const Octets& whole, std::size_t octets) { return {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(octets)}; }

inline Octets tunnelled(const Ends& outer, const Octets& inner, std::uint8_t traffic_class = 0) {
  return ipv6(outer, kIpv6, inner, traffic_class);
}

inline Octets frame(const Octets& packet, std::uint16_t ethertype = 0x86dd) {
  Octets out(kEthernetHeader + packet.size());
  put16(out, 0, 0x0200);
  put16(out, 4, 1);
  put16(out, 6, 0x0200);
  put16(out, 10, 2);
  put16(out, 12, ethertype);
  std::copy(packet.begin(), packet.end(), out.begin() + kEthernetHeader);
  return out;
}

// What a whole, unfragmented packet without extension headers says about itself.
struct Read {
  Address source, destination;
  std::uint8_t next_header = 0;
  std::uint8_t hop_limit = 0;
  std::uint8_t traffic_class = 0;
  std::size_t payload_octets = 0;
  Octets payload;
};
inline Read read(std::span<const std::uint8_t> packet) {
  Read out;
  if (packet.size() < kIpv6Header) return out;
  std::copy_n(packet.begin() + 8, 16, out.source.octets.begin());
  std::copy_n(packet.begin() + 24, 16, out.destination.octets.begin());
  out.next_header = packet[6];
  out.hop_limit = packet[7];
  out.traffic_class = static_cast<std::uint8_t>(packet[0] << 4 | packet[1] >> 4);
  out.payload_octets = get16(packet, 4);
  out.payload.assign(packet.begin() + kIpv6Header, packet.end());
  return out;
}
inline bool checksum_is_right(const Read& packet) {
  return transport_sum(packet.source, packet.destination, packet.next_header, packet.payload) == 0xffff;
}

}  // namespace mipflow::packets
