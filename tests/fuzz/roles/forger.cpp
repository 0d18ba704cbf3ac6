// SPDX-License-Identifier: GPL-3.0-or-later
#include "fuzz/roles/forger.hpp"

#include <algorithm>

#include "fuzz/wire/draw_messages.hpp"
#include "mipflow/base/flow_key.hpp"
#include "mipflow/wire/checksum.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::fuzz {

using namespace wire;

namespace {

constexpr std::uint8_t kProtocols[] = {kProtocolMobilityHeader, kProtocolIcmpv6, kProtocolIpv6, kProtocolUdp, kProtocolTcp, 0, 43, 44, 50, 60};

Envelope draw_envelope(Draw& draw) {
  Envelope out{draw.address(), draw.address()};
  out.home_address_option = draw.perhaps<Address>([&] { return draw.address(); });
  out.routing_header_home_address = draw.perhaps<Address>([&] { return draw.address(); });
  out.hop_limit = draw.flag() ? 255 : 64;
  return out;
}

}  // namespace

void mend_checksum(Bytes& packet) {
  const auto view = parse_packet(packet);
  if (!view || view->truncated || view->payload.size() < 8) return;
  std::size_t offset = 0;
  std::size_t length = view->payload.size();
  if (view->protocol == kProtocolMobilityHeader) {
    offset = 4;
    length = (std::size_t{view->payload[1]} + 1) * 8;
  } else if (view->protocol == kProtocolIcmpv6) {
    offset = 2;
  } else {
    return;
  }
  if (length > view->payload.size()) return;
  packet[view->payload_offset + offset] = packet[view->payload_offset + offset + 1] = 0;
  const std::uint16_t checksum = upper_layer_checksum(view->protocol, view->logical_source(), view->logical_destination(), view->payload.first(length));
  packet[view->payload_offset + offset] = static_cast<std::uint8_t>(checksum >> 8);
  packet[view->payload_offset + offset + 1] = static_cast<std::uint8_t>(checksum);
}

void Forger::overhear(const Bytes& packet) {
  if (packet.empty()) return;
  overheard_.push_back(packet);
  if (overheard_.size() > kMostRemembered) overheard_.pop_front();
}

// The newest ones first: what was said lately is what is still worth something.
const Bytes* Forger::overheard() {
  if (overheard_.empty()) return nullptr;
  return &overheard_[overheard_.size() - 1 - draw_.below(std::min<std::size_t>(overheard_.size(), 64))];
}

Bytes Forger::changed(Bytes packet) {
  switch (draw_.below(4)) {
    case 0: packet.resize(1 + draw_.u16() % packet.size()); break;
    case 1: {
      const Bytes more = draw_.some_bytes(40);
      packet.insert(packet.end(), more.begin(), more.end());
      break;
    }
    default:
      for (auto count = 1 + draw_.below(4); count > 0; --count) packet[draw_.u16() % packet.size()] = draw_.u8();
  }
  if (draw_.flag()) mend_checksum(packet);
  return packet;
}

Bytes Forger::made_of_octets() {
  const Envelope envelope = draw_envelope(draw_);
  const std::uint8_t protocol = draw_.one_of(kProtocols);
  Bytes packet = build_packet_around(envelope, protocol, draw_.some_bytes(300));
  if (draw_.flag()) mend_checksum(packet);
  return packet;
}

Bytes Forger::packet() {
  const auto kind = draw_.below(8);
  const Bytes* heard = kind < 5 ? overheard() : nullptr;
  switch (heard != nullptr ? kind : std::max<std::size_t>(kind, 5)) {
    case 0: return *heard;
    case 1:
    case 2: return changed(*heard);
    case 3: {
      const Address source = draw_.address(), destination = draw_.address();
      const auto type = static_cast<std::uint8_t>(1 + draw_.below(4));
      const std::uint8_t code = draw_.u8();
      return build_icmpv6_error(source, destination, type, code, draw_.u32(), *heard);
    }
    case 4: {
      const Address source = draw_.address(), destination = draw_.address();
      return encapsulate(draw_.flag() ? changed(*heard) : *heard, source, destination);
    }
    case 5: {
      const Envelope envelope = draw_envelope(draw_);
      return build_packet(envelope, draw_mobility_message(draw_));
    }
    case 6: {
      const Envelope envelope = draw_envelope(draw_);
      return build_packet(envelope, draw_icmpv6_message(draw_));
    }
    default: return made_of_octets();
  }
}

}  // namespace mipflow::fuzz
