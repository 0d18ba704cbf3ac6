// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/flow-redirector/interface_table.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace mipflow::flow_redirector {
namespace {

// What flows depend on: a change of anything else is of no interest to them.
auto relevant_to_flows(const Interface& interface) {
  return std::tuple{interface.name, interface.kind, interface.why_not(), interface.care_of_address, interface.router(), interface.mtu};
}

// RFC 6275 §11.5.2, RFC 6724 rule 3: the chosen address as long as it is preferred, else the first preferred one, else the
// chosen one although it is deprecated, else the first deprecated one.
Address choose_care_of_address(const Interface& interface) {
  const auto rank = [&](const CandidateAddress& candidate) {
    return std::pair{candidate.deprecated, candidate.address != interface.care_of_address};
  };
  const CandidateAddress* best = nullptr;
  for (const CandidateAddress& candidate : interface.addresses) {
    if (candidate.tentative || candidate.temporary) continue;
    if (best == nullptr || rank(candidate) < rank(*best)) best = &candidate;
  }
  return best == nullptr ? Address{} : best->address;
}

// Changes an interface and tells whether flows have to know.
template <class Change>
bool change(Interface& interface, TimePoint now, Change&& what) {
  const auto before = relevant_to_flows(interface);
  const bool was_usable = interface.usable();
  const Address former = interface.care_of_address;
  what(interface);
  interface.care_of_address = choose_care_of_address(interface);
  if (interface.usable() && (!was_usable || interface.care_of_address != former)) {
    interface.quality = {.metered = interface.quality.metered};
    interface.record.set(interface.quality, now);
    interface.record.begin(now);
  }
  return relevant_to_flows(interface) != before;
}

}  // namespace

std::string Interface::why_not() const {
  if (name.empty()) return "is not known";
  if (!up) return "is down";
  if (!running) return "has no carrier";
  if (care_of_address.is_unspecified()) {
    if (addresses.empty()) return "has no global IPv6 address";
    const bool all_temporary = std::all_of(addresses.begin(), addresses.end(), [](const auto& a) { return a.temporary; });
    return all_temporary ? "has only temporary addresses" : "has only addresses under duplicate address detection";
  }
  if (routers.empty()) return "has no default router";
  if (std::none_of(routers.begin(), routers.end(), [](const Router& router) { return router.reachable; }))
    return "has no reachable default router";
  return {};
}

Address Interface::router() const {
  for (const Router& router : routers)
    if (router.reachable) return router.address;
  return routers.empty() ? Address{} : routers.front().address;
}

bool InterfaceTable::set_link(InterfaceIndex index, std::string name, InterfaceKind kind, bool up, bool running,
                              std::uint32_t mtu, TimePoint now) {
  Interface& interface = interfaces_[index];
  interface.index = index;
  return change(interface, now, [&](Interface& i) {
    i.name = std::move(name);
    i.kind = kind;
    i.up = up;
    i.running = running;
    i.mtu = mtu;
  });
}

bool InterfaceTable::remove_link(InterfaceIndex index) { return interfaces_.erase(index) > 0; }

bool InterfaceTable::set_address(InterfaceIndex index, const CandidateAddress& address, TimePoint now) {
  if (!address.address.is_unicast_routable()) return false;
  Interface& interface = interfaces_[index];
  interface.index = index;
  return change(interface, now, [&](Interface& i) {
    const auto known = std::find_if(i.addresses.begin(), i.addresses.end(),
                                    [&](const CandidateAddress& other) { return other.address == address.address; });
    if (known == i.addresses.end())
      i.addresses.push_back(address);
    else
      *known = address;
  });
}

bool InterfaceTable::remove_address(InterfaceIndex index, const Address& address, TimePoint now) {
  const auto found = interfaces_.find(index);
  if (found == interfaces_.end()) return false;
  return change(found->second, now, [&](Interface& i) {
    std::erase_if(i.addresses, [&](const CandidateAddress& other) { return other.address == address; });
  });
}

bool InterfaceTable::set_router(InterfaceIndex index, const Address& router, bool reachable, TimePoint now) {
  Interface& interface = interfaces_[index];
  interface.index = index;
  return change(interface, now, [&](Interface& i) {
    const auto known = std::find_if(i.routers.begin(), i.routers.end(),
                                    [&](const Router& other) { return other.address == router; });
    if (known == i.routers.end())
      i.routers.push_back({.address = router, .reachable = reachable});
    else
      known->reachable = reachable;
  });
}

bool InterfaceTable::remove_router(InterfaceIndex index, const Address& router, TimePoint now) {
  const auto found = interfaces_.find(index);
  if (found == interfaces_.end()) return false;
  return change(found->second, now, [&](Interface& i) {
    std::erase_if(i.routers, [&](const Router& other) { return other.address == router; });
  });
}

bool InterfaceTable::set_quality(InterfaceIndex index, const InterfaceQuality& quality, TimePoint now) {
  const auto found = interfaces_.find(index);
  if (found == interfaces_.end() || found->second.quality == quality) return false;
  found->second.quality = quality;
  found->second.record.set(quality, now);
  return true;
}

const Interface* InterfaceTable::find(InterfaceIndex index) const {
  const auto found = interfaces_.find(index);
  return found == interfaces_.end() ? nullptr : &found->second;
}

const Interface* InterfaceTable::find(std::string_view name) const {
  for (const auto& [index, interface] : interfaces_)
    if (interface.name == name && !name.empty()) return &interface;
  return nullptr;
}

std::vector<const Interface*> InterfaceTable::usable() const {
  std::vector<const Interface*> out;
  for (const auto& [index, interface] : interfaces_)
    if (interface.usable()) out.push_back(&interface);
  std::sort(out.begin(), out.end(), [](const Interface* a, const Interface* b) {
    return std::tie(a->kind, a->name, a->index) < std::tie(b->kind, b->name, b->index);
  });
  return out;
}

}  // namespace mipflow::flow_redirector
