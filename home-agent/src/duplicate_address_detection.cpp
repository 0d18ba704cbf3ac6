// SPDX-License-Identifier: GPL-3.0-or-later
#include "duplicate_address_detection.hpp"

#include <utility>

#include "mipflow/wire/packet.hpp"

namespace mipflow::home_agent {

void DuplicateAddressDetection::start(const RegistrationRequest& request, InterfaceIndex home_interface,
                                      TimePoint until, Outputs& outputs) {
  Detection detection{request, home_interface, {request.home_address}};
  if (request.link_local_address_compatibility)
    detection.targets.push_back(link_local_with_same_interface_identifier(request.home_address));
  for (const Address& target : detection.targets) {
    home_addresses_of_.emplace(target, request.home_address);
    plan_.watched_addresses.set({home_interface, target}, {});
    solicit(target, home_interface, outputs);
  }
  ends_.set(request.home_address, until);
  detections_.emplace(request.home_address, std::move(detection));
}

void DuplicateAddressDetection::solicit(const Address& target, InterfaceIndex home_interface, Outputs& outputs) {
  outputs.packets.push_back({.packet = wire::build_packet({Address{}, solicited_node_multicast(target)},
                                                          wire::NeighborSolicitation{target, std::nullopt}),
                             .interface = home_interface});
}

const RegistrationRequest* DuplicateAddressDetection::waiting(const Address& home_address) const {
  const auto found = detections_.find(home_address);
  return found == detections_.end() ? nullptr : &found->second.request;
}

void DuplicateAddressDetection::replace(const RegistrationRequest& newer) {
  const auto found = detections_.find(newer.home_address);
  if (found == detections_.end()) return;
  // The addresses that are being looked for stay what they are: L of the first Binding Update counts.
  const bool compatibility = found->second.request.link_local_address_compatibility;
  found->second.request = newer;
  found->second.request.link_local_address_compatibility = compatibility && newer.link_local_address_compatibility;
}

std::optional<RegistrationRequest> DuplicateAddressDetection::take(const Address& home_address) {
  const auto found = detections_.find(home_address);
  if (found == detections_.end()) return std::nullopt;
  for (const Address& target : found->second.targets) {
    const auto [first, last] = home_addresses_of_.equal_range(target);
    for (auto candidate = first; candidate != last; ++candidate) {
      if (candidate->second != home_address) continue;
      home_addresses_of_.erase(candidate);
      break;
    }
    // Two home addresses below different prefixes can share the link-local address.
    if (!home_addresses_of_.contains(target))
      plan_.watched_addresses.erase({found->second.home_interface, target});
  }
  ends_.cancel(home_address);
  RegistrationRequest request = std::move(found->second.request);
  detections_.erase(found);
  return request;
}

std::vector<Address> DuplicateAddressDetection::conflicting(const Address& target) const {
  std::vector<Address> out;
  const auto [first, last] = home_addresses_of_.equal_range(target);
  for (auto candidate = first; candidate != last; ++candidate) out.push_back(candidate->second);
  return out;
}

bool shows_duplicate(const wire::NeighborSolicitation&, const Address& source) { return source.is_unspecified(); }

}  // namespace mipflow::home_agent
