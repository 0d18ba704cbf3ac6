// SPDX-License-Identifier: GPL-3.0-or-later
#include "tunnel_errors.hpp"

#include <optional>
#include <string>

#include "forwarding.hpp"
#include "mipflow/base/bytes.hpp"

namespace mipflow::mobile_node {
namespace {

constexpr std::size_t kIpv6HeaderLength = 40;

struct QuotedAddresses {
  Address source;
  Address destination;
  std::uint8_t next_header = 0;
};

std::optional<QuotedAddresses> quoted_header(BytesView quotation) {
  Reader reader(quotation);
  reader.skip(6);
  QuotedAddresses out;
  out.next_header = reader.u8();
  reader.skip(1);
  out.source = reader.address();
  out.destination = reader.address();
  if (reader.failed()) return std::nullopt;
  return out;
}

// The care-of address whose tunnel the quoted packet was in; nullopt when it was none of ours.
std::optional<CareOf> quoted_tunnel(const Node& node, const wire::PacketView& view, BytesView quotation) {
  const auto outer = quoted_header(quotation);
  if (!outer || outer->next_header != kProtocolIpv6 || node.plan.home_agents.find(outer->destination) == nullptr ||
      outer->source != view.destination)
    return std::nullopt;
  // As far as it is quoted, the inner packet has to be one that we sent; an attacker off the path has to guess that.
  const auto inner = quoted_header(quotation.subspan(kIpv6HeaderLength));
  if (inner && node.find(inner->source) == nullptr) return std::nullopt;
  for (const auto& care_of : node.movement.addresses())
    if (care_of.address == outer->source) return care_of;
  return std::nullopt;
}

}  // namespace

void handle_tunnel_error(Node& node, const wire::PacketView& view, const wire::Icmpv6Error& error, Now now,
                         Outputs& outputs) {
  const auto tunnel = quoted_tunnel(node, view, error.invoking_packet);
  const auto* interface = tunnel ? node.movement.table().find(tunnel->interface) : nullptr;
  if (interface == nullptr) {
    outputs.notices.push_back({Severity::Debug, "icmpv6-error-not-about-us",
                               "Ignored an ICMPv6 error from " + to_string(view.source) +
                                   " that quotes no packet of our tunnel."});
    return;
  }
  if (error.type != wire::kIcmpv6PacketTooBig) {
    outputs.notices.push_back({Severity::Warning, "tunnel-error",
                               to_string(view.source) + " could not deliver a packet to the home agent by way of " +
                                   interface->name + " (ICMPv6 type " + std::to_string(error.type) + ", code " +
                                   std::to_string(error.code) + ")."});
    return;
  }
  if (error.parameter < PathMtu::kSmallest) {
    outputs.notices.push_back({Severity::Debug, "path-mtu-report-invalid",
                               "Ignored a Packet Too Big from " + to_string(view.source) + " that tells of " +
                                   std::to_string(error.parameter) + " octets: every IPv6 link carries 1280."});
    return;
  }
  if (!node.path_mtu.reported(*tunnel, error.parameter, interface->mtu, now.monotonic)) return;
  plan_default_route(node);
  outputs.notices.push_back({Severity::Info, "path-mtu-lowered",
                             "The path to the home agent by way of " + interface->name + " carries packets of " +
                                 std::to_string(error.parameter) + " octets only."});
}

}  // namespace mipflow::mobile_node
