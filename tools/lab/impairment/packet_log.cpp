// SPDX-License-Identifier: GPL-3.0-or-later
#include "packet_log.hpp"

#include <algorithm>
#include <stdexcept>

#include "mipflow/base/flow_key.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::lab {

namespace {

constexpr std::size_t kMostTunnels = 8;
constexpr std::size_t kUdpHeader = 8;
// Enough for the number and the time in a datagram of mipflow-lab-traffic.
constexpr std::size_t kLoggedOctets = 24;

void write_hex(std::ostream& out, BytesView octets) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const std::uint8_t octet : octets) out << kDigits[octet >> 4] << kDigits[octet & 15];
}

}  // namespace

InnermostPacket innermost_packet(BytesView packet) {
  InnermostPacket out;
  for (std::size_t depth = 0; depth < kMostTunnels; ++depth) {
    const auto view = wire::parse_packet(packet);
    if (!view) return out;
    if (view->protocol == kProtocolIpv6) {
      packet = view->payload;
      continue;
    }
    out = {.protocol = view->protocol, .data = view->payload};
    if (out.protocol != kProtocolTcp && out.protocol != kProtocolUdp) return out;
    Reader reader(view->payload);
    out.source_port = reader.u16();
    out.destination_port = reader.u16();
    if (out.protocol == kProtocolUdp) out.data = view->payload.subspan(std::min(kUdpHeader, view->payload.size()));
    return out;
  }
  return out;
}

PacketLog::PacketLog(const std::string& path) {
  if (path.empty()) return;
  file_.open(path);
  if (!(file_ << "time_ns,fate,protocol,source_port,destination_port,octets,data\n")) throw std::runtime_error("can not write " + path);
}

void PacketLog::add(std::int64_t time_ns, std::string_view fate, BytesView packet) {
  if (!file_.is_open()) return;
  const InnermostPacket inner = innermost_packet(packet);
  file_ << time_ns << ',' << fate << ',' << unsigned{inner.protocol} << ',' << inner.source_port << ',' << inner.destination_port << ','
        << packet.size() << ',';
  write_hex(file_, inner.data.first(std::min(kLoggedOctets, inner.data.size())));
  file_ << '\n';
}

}  // namespace mipflow::lab
