// SPDX-License-Identifier: GPL-3.0-or-later
#include "movement.hpp"

#include <algorithm>
#include <chrono>

namespace mipflow::mobile_node {
namespace {

// Anything beyond a century is "forever"; the bound also keeps now + lifetime inside the clock's range.
constexpr Duration kForever = std::chrono::hours{24 * 365 * 100};

}  // namespace

bool Movement::handle(const InterfaceChanged& event, TimePoint now) {
  if (event.link_layer_address)
    link_layer_[event.index] = *event.link_layer_address;
  else
    link_layer_.erase(event.index);
  return table_.set_link(event.index, event.name, event.kind, event.up, event.running, event.mtu, now);
}

bool Movement::handle(const InterfaceRemoved& event) {
  link_local_.erase(event.index);
  link_layer_.erase(event.index);
  std::erase_if(refused_, [&event](const Refused& refused) { return refused.care_of.interface == event.index; });
  return table_.remove_link(event.index);
}

bool Movement::handle(const AddressChanged& event, TimePoint now) {
  if (event.address.is_link_local()) {
    link_local_[event.interface] = event.address;
    return false;
  }
  flow_redirector::CandidateAddress candidate;
  candidate.address = event.address;
  candidate.prefix_length = event.prefix_length;
  candidate.tentative = event.tentative;
  candidate.deprecated = event.deprecated;
  candidate.temporary = event.temporary;
  candidate.valid_until = event.valid_for && *event.valid_for < kForever ? now + *event.valid_for : kNever;
  for (auto& refused : refused_) {
    if (refused.care_of == CareOf{event.address, event.interface}) {
      refused.hidden = candidate;
      return false;
    }
  }
  return table_.set_address(event.interface, candidate, now);
}

bool Movement::handle(const AddressRemoved& event, TimePoint now) {
  if (link_local(event.interface) == event.address) link_local_.erase(event.interface);
  std::erase_if(refused_, [&event](const Refused& refused) {
    return refused.care_of == CareOf{event.address, event.interface};
  });
  return table_.remove_address(event.interface, event.address, now);
}

bool Movement::handle(const RouterChanged& event, TimePoint now) {
  return table_.set_router(event.interface, event.router, event.reachable, now);
}

bool Movement::handle(const RouterRemoved& event, TimePoint now) { return table_.remove_router(event.interface, event.router, now); }

bool Movement::refuse_care_of_address(const CareOf& care_of, TimePoint until, TimePoint now) {
  const auto* interface = table_.find(care_of.interface);
  if (interface == nullptr) return false;
  const auto found = std::find_if(interface->addresses.begin(), interface->addresses.end(),
                                  [&care_of](const auto& candidate) { return candidate.address == care_of.address; });
  if (found == interface->addresses.end()) return false;
  refused_.push_back({care_of, until, *found});
  return table_.remove_address(care_of.interface, care_of.address, now);
}

bool Movement::on_deadline(TimePoint now) {
  bool changed = false;
  for (auto item = refused_.begin(); item != refused_.end();) {
    if (item->until > now) {
      ++item;
      continue;
    }
    if (item->hidden) changed = table_.set_address(item->care_of.interface, *item->hidden, now) || changed;
    item = refused_.erase(item);
  }
  return changed;
}

TimePoint Movement::next_deadline() const {
  TimePoint next = kNever;
  for (const auto& refused : refused_) next = std::min(next, refused.until);
  return next;
}

std::optional<CareOf> Movement::care_of(InterfaceIndex index) const {
  const auto* interface = table_.find(index);
  if (interface == nullptr || !interface->usable()) return std::nullopt;
  return CareOf{interface->care_of_address, index};
}

std::vector<CareOf> Movement::usable() const {
  std::vector<CareOf> out;
  for (const auto* interface : table_.usable()) out.push_back({interface->care_of_address, interface->index});
  return out;
}

std::vector<CareOf> Movement::online() const {
  std::vector<CareOf> out;
  for (const auto* interface : table_.usable())
    if (interface->quality.online != false) out.push_back({interface->care_of_address, interface->index});
  return out.empty() ? usable() : out;
}

bool Movement::still_works(const CareOf& care_of) const {
  const auto* interface = table_.find(care_of.interface);
  if (interface == nullptr || !interface->usable()) return false;
  return std::any_of(interface->addresses.begin(), interface->addresses.end(), [&care_of](const auto& candidate) {
    return candidate.address == care_of.address && !candidate.tentative;
  });
}

TimePoint Movement::valid_until(const CareOf& care_of) const {
  const auto* interface = table_.find(care_of.interface);
  if (interface == nullptr) return kNever;
  for (const auto& candidate : interface->addresses)
    if (candidate.address == care_of.address) return candidate.valid_until;
  return kNever;
}

std::optional<Address> Movement::link_local(InterfaceIndex interface) const {
  const auto found = link_local_.find(interface);
  return found == link_local_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<LinkLayerAddress> Movement::link_layer_address(InterfaceIndex interface) const {
  const auto found = link_layer_.find(interface);
  return found == link_layer_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<CareOf> Movement::addresses() const {
  std::vector<CareOf> out;
  for (const auto& [index, interface] : table_.interfaces())
    for (const auto& candidate : interface.addresses)
      if (!candidate.tentative && !candidate.temporary) out.push_back({candidate.address, index});
  return out;
}

}  // namespace mipflow::mobile_node
