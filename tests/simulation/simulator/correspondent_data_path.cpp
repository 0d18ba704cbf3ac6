// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/simulator/correspondent_data_path.hpp"

#include "simulation/simulator/headers.hpp"

namespace mipflow::simulation {

namespace {

constexpr std::uint8_t kProtocolEsp = 50;
constexpr std::uint8_t kProtocolAh = 51;

}  // namespace

CorrespondentDataPath::Arrival CorrespondentDataPath::arriving(const Bytes& packet) {
  const auto view = wire::parse_packet(packet);
  // Malformed headers of Mobile IPv6; and type 2 routing headers are for mobile nodes (RFC 6275 §6.4).
  if (!view || view->routing_header_home_address) return {Fate::Dropped, {}};
  if (view->protocol == kProtocolMobilityHeader) return {Fate::Role, packet};
  const bool exempt = view->protocol == kProtocolEsp || view->protocol == kProtocolAh;
  if (view->home_address_option && !exempt) {
    const forwarding::HomeAddressAndCorrespondent pair{*view->home_address_option, view->destination};
    const auto binding = kernel_.correspondent_bindings.find(pair);
    const bool permitted =
        binding != kernel_.correspondent_bindings.end() &&
        (view->source == binding->second.care_of_address ||
         (view->source == binding->second.previous_care_of_address && !view->source.is_unspecified()));
    // A home agent's own mobile nodes are bound as well.
    const bool registered = kernel_.tunnel_sources.contains({*view->home_address_option, view->source});
    if (!permitted && !registered) return {Fate::Role, packet};
    if (permitted) used(pair);
  }
  const auto quoted = quoted_packet(*view);
  if (quoted && quoted->routing_header_home_address) return {Fate::Role, packet};
  return {Fate::UpperLayer, without_mobility_headers(*view)};
}

Bytes CorrespondentDataPath::departing(const Bytes& packet) {
  const auto view = wire::parse_packet(packet);
  if (!view || view->protocol == kProtocolMobilityHeader) return packet;
  const forwarding::HomeAddressAndCorrespondent pair{view->destination, view->source};
  const auto binding = kernel_.correspondent_bindings.find(pair);
  if (binding == kernel_.correspondent_bindings.end()) return packet;
  used(pair);
  return with_headers(*view, {.source = view->source,
                              .destination = binding->second.care_of_address,
                              .routing_header_home_address = view->destination});
}

correspondent_node::BindingActivities CorrespondentDataPath::activities() {
  correspondent_node::BindingActivities out;
  std::unordered_map<forwarding::HomeAddressAndCorrespondent, TimePoint> present;
  for (const auto& [pair, binding] : kernel_.correspondent_bindings) {
    const TimePoint last = last_use_.try_emplace(pair, clock_.now()).first->second;
    present.emplace(pair, last);
    out.idle.emplace(pair, clock_.now() - last);
  }
  last_use_ = std::move(present);
  return out;
}

}  // namespace mipflow::simulation
