// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/simulator/correspondent_host.hpp"

#include <algorithm>

#include "mipflow/wire/icmpv6.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::simulation {

namespace {

constexpr std::uint32_t kNextHeaderOffset = 6;  // of the IPv6 header
constexpr std::size_t kQuotedOctets = 1280 - 40 - 8;

}  // namespace

CorrespondentHost::CorrespondentHost(EventQueue& clock, Network& network, const Address& own)
    : address(own), clock_(clock), network_(network), attachment_(network.attach(*this, 1)) {
  network.assign(address, attachment_);
}

void CorrespondentHost::receive(const Bytes& packet, Attachment&) {
  const auto view = wire::parse_packet(packet);
  if (!view) return;
  if (view->home_address_option)
    return refuse(*view, packet, wire::kUnrecognizedOption, static_cast<std::uint32_t>(view->home_address_option_offset));
  if (view->protocol == kProtocolMobilityHeader) return refuse(*view, packet, wire::kUnrecognizedNextHeader, kNextHeaderOffset);
  const auto datagram = decode_datagram(packet);
  if (!datagram) return;
  arrived.push_back({clock_.now(), *datagram, false});
  if (answers)
    send({address, datagram->source, datagram->destination_port, datagram->source_port, datagram->number});
}

void CorrespondentHost::refuse(const wire::PacketView& view, BytesView packet, std::uint8_t code, std::uint32_t pointer) {
  if (unknown_headers == UnknownHeaders::Swallowed) return;
  const BytesView quoted = packet.first(std::min(packet.size(), kQuotedOctets));
  network_.send(attachment_, wire::build_packet({.source = address, .destination = view.source},
                                                wire::Icmpv6Error{.type = wire::kIcmpv6ParameterProblem,
                                                                  .code = code,
                                                                  .parameter = pointer,
                                                                  .invoking_packet = {quoted.begin(), quoted.end()}}));
}

}  // namespace mipflow::simulation
