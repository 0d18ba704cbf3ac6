// SPDX-License-Identifier: GPL-3.0-or-later
#include "neighbour_defence.hpp"

#include <chrono>

#include "mipflow/wire/packet.hpp"

namespace mipflow::home_agent {

namespace {

constexpr unsigned kMaxNeighborAdvertisement = 3;                   // RFC 4861 §10, MAX_NEIGHBOR_ADVERTISEMENT
constexpr Duration kRetransTimer = std::chrono::seconds{1};         // RFC 4861 §10, RETRANS_TIMER
constexpr Address kAllNodes{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

}  // namespace

void NeighbourDefence::start(const Address& home_address, bool with_link_local, TimePoint first) {
  if (link_.interface == 0) return;
  plan_.proxied_neighbours.set({link_.interface, home_address}, {});
  if (with_link_local) {
    const Address link_local = link_local_with_same_interface_identifier(home_address);
    link_locals_.emplace(link_local, home_address);
    plan_.proxied_neighbours.set({link_.interface, link_local}, {});
  }
  announce_again(home_address, first);
}

void NeighbourDefence::announce_again(const Address& home_address, TimePoint first) {
  if (plan_.proxied_neighbours.find({link_.interface, home_address}) == nullptr) return;
  announced_[home_address] = 0;
  announcements_.set(home_address, first);
}

void NeighbourDefence::stop(const Address& home_address) {
  if (link_.interface == 0) return;
  stop_link_local(home_address);
  plan_.proxied_neighbours.erase({link_.interface, home_address});
  announcements_.cancel(home_address);
  announced_.erase(home_address);
}

void NeighbourDefence::stop_link_local(const Address& home_address) {
  const auto found = find_link_local(home_address);
  if (found == link_locals_.end()) return;
  const Address link_local = found->first;
  link_locals_.erase(found);
  if (!link_locals_.contains(link_local)) plan_.proxied_neighbours.erase({link_.interface, link_local});
}

std::vector<Address> NeighbourDefence::home_addresses_with(const Address& link_local) const {
  std::vector<Address> out;
  const auto [first, last] = link_locals_.equal_range(link_local);
  for (auto candidate = first; candidate != last; ++candidate) out.push_back(candidate->second);
  return out;
}

std::unordered_multimap<Address, Address>::const_iterator NeighbourDefence::find_link_local(
    const Address& home_address) const {
  const auto [first, last] = link_locals_.equal_range(link_local_with_same_interface_identifier(home_address));
  for (auto candidate = first; candidate != last; ++candidate)
    if (candidate->second == home_address) return candidate;
  return link_locals_.end();
}

void NeighbourDefence::on_deadline(TimePoint now, Outputs& outputs) {
  while (const auto home_address = announcements_.take_due(now)) {
    advertise(*home_address, outputs);
    const auto link_local = find_link_local(*home_address);
    if (link_local != link_locals_.end()) advertise(link_local->first, outputs);
    unsigned& times = announced_[*home_address];
    if (++times < kMaxNeighborAdvertisement)
      announcements_.set(*home_address, now + kRetransTimer);
    else
      announced_.erase(*home_address);
  }
}

void NeighbourDefence::advertise(const Address& target, Outputs& outputs) const {
  wire::NeighborAdvertisement advertisement;
  advertisement.override_flag = true;
  advertisement.target = target;
  advertisement.target_link_layer_address = link_.link_layer_address;
  outputs.packets.push_back({.packet = wire::build_packet({link_.home_agent_address, kAllNodes}, advertisement),
                             .interface = link_.interface});
}

}  // namespace mipflow::home_agent
