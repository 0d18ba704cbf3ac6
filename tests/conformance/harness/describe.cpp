// SPDX-License-Identifier: GPL-3.0-or-later
#include "conformance/harness/describe.hpp"

#include "mipflow/wire/packet.hpp"
#include "simulation/simulator/datagram.hpp"
#include "simulation/simulator/echo.hpp"

namespace mipflow::conformance {

namespace {

std::string message_text(const wire::MobilityMessage& message) {
  std::string out = wire::to_string(wire::type_of(message));
  if (const auto* update = std::get_if<wire::BindingUpdate>(&message))
    out += " sequence " + std::to_string(update->sequence) + " lifetime " + std::to_string(update->lifetime_units) +
           (update->home_registration ? " H" : "");
  if (const auto* acknowledgement = std::get_if<wire::BindingAcknowledgement>(&message))
    out += " " + std::to_string(static_cast<unsigned>(acknowledgement->status)) + " sequence " +
           std::to_string(acknowledgement->sequence) + " lifetime " + std::to_string(acknowledgement->lifetime_units);
  if (const auto* error = std::get_if<wire::BindingError>(&message))
    out += " " + std::to_string(static_cast<unsigned>(error->status)) + " for " + to_string(error->home_address);
  return out;
}

std::string upper_layer_text(BytesView packet, const wire::PacketView& view) {
  if (view.protocol == kProtocolIpv6) return "tunnel [" + describe(view.payload) + "]";
  if (const auto echo = simulation::decode_echo(packet)) return echo->reply ? "echo reply" : "echo request";
  if (const auto datagram = simulation::decode_datagram(packet)) return "datagram " + std::to_string(datagram->number);
  const auto decoded = wire::decode_packet(packet);
  if (!decoded)
    return "protocol " + std::to_string(view.protocol) + " (" + wire::to_string(decoded.error().kind) + ")";
  if (const auto* mobility = std::get_if<wire::MobilityMessage>(&decoded->message)) return message_text(*mobility);
  const auto& icmpv6 = std::get<wire::Icmpv6Message>(decoded->message);
  if (const auto* error = std::get_if<wire::Icmpv6Error>(&icmpv6))
    return "icmpv6 error " + std::to_string(error->type) + "/" + std::to_string(error->code) + " parameter " +
           std::to_string(error->parameter);
  return "icmpv6 type " + std::to_string(view.payload.front());
}

}  // namespace

std::string describe(BytesView packet) {
  const auto view = wire::parse_packet(packet);
  if (!view) return std::to_string(packet.size()) + " octets that are no packet";
  std::string out = upper_layer_text(packet, *view) + " from " + to_string(view->source) + " to " +
                    to_string(view->destination);
  if (view->home_address_option) out += " with Home Address option " + to_string(*view->home_address_option);
  if (view->routing_header_home_address)
    out += " with type 2 routing header " + to_string(*view->routing_header_home_address);
  return out;
}

std::string describe(const std::vector<Bytes>& packets) {
  if (packets.empty()) return "nothing";
  std::string out;
  for (const auto& packet : packets) out += (out.empty() ? "" : "; ") + describe(packet);
  return out;
}

}  // namespace mipflow::conformance
