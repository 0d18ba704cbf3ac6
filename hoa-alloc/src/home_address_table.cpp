// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/hoa-alloc/home_address_table.hpp"

#include <utility>

namespace mipflow::hoa_alloc {

const char* to_string(Origin origin) {
  switch (origin) {
    case Origin::Configured: return "configured";
    case Origin::Prefix: return "prefix";
    case Origin::Agent: return "agent";
    case Origin::Dhcpv6: return "dhcpv6";
  }
  return "unknown";
}
namespace {

template <class Counts>
std::size_t count_in(const Counts& counts, const Address& address) {
  const auto found = counts.find(address);
  return found == counts.end() ? 0 : found->second;
}

// Counts of 0 are not kept, so that the maps stay as large as what is in use.
template <class Counts>
void take_one(Counts& counts, const Address& address) {
  const auto found = counts.find(address);
  if (found != counts.end() && --found->second == 0) counts.erase(found);
}

}  // namespace

HomeAddressTable::HomeAddressTable(HomeAddressEntry primary) { append(std::move(primary)); }

const HomeAddressEntry* HomeAddressTable::find(const Address& home_address) const {
  const auto found = index_.find(home_address);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

HomeAddressTable::Usage* HomeAddressTable::usage_of(const Address& home_address) {
  const auto found = index_.find(home_address);
  return found == index_.end() ? nullptr : &usages_[found->second];
}

const HomeAddressTable::Usage* HomeAddressTable::usage_of(const Address& home_address) const {
  const auto found = index_.find(home_address);
  return found == index_.end() ? nullptr : &usages_[found->second];
}

bool HomeAddressTable::append(HomeAddressEntry entry) {
  if (!index_.try_emplace(entry.home_address, entries_.size()).second) return false;
  entries_.push_back(std::move(entry));
  usages_.emplace_back();
  return true;
}

std::optional<RemovalRefusal> HomeAddressTable::remove(const Address& home_address) {
  const auto found = index_.find(home_address);
  if (found == index_.end()) return RemovalRefusal::Unknown;
  const std::size_t position = found->second;
  if (position == 0) return RemovalRefusal::Primary;
  if (usages_[position].flows != 0) return RemovalRefusal::InUse;
  index_.erase(found);
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(position));
  usages_.erase(usages_.begin() + static_cast<std::ptrdiff_t>(position));
  for (std::size_t i = position; i < entries_.size(); ++i) index_[entries_[i].home_address] = i;
  return std::nullopt;
}

bool HomeAddressTable::removable(const Address& home_address) const {
  const Usage* usage = usage_of(home_address);
  return usage != nullptr && usage->flows == 0 && !is_primary(home_address);
}

bool HomeAddressTable::set_care_of_address(const Address& home_address, const Address& care_of_address,
                                           InterfaceIndex interface) {
  const auto found = index_.find(home_address);
  if (found == index_.end()) return false;
  entries_[found->second].care_of_address = care_of_address;
  entries_[found->second].interface = interface;
  return true;
}

bool HomeAddressTable::set_lifetimes(const Address& home_address, TimePoint preferred_until, TimePoint valid_until) {
  const auto found = index_.find(home_address);
  if (found == index_.end()) return false;
  entries_[found->second].preferred_until = preferred_until;
  entries_[found->second].valid_until = valid_until;
  return true;
}

bool HomeAddressTable::flow_added(const Address& home_address, const Address& correspondent, const Address& holder) {
  Usage* usage = usage_of(home_address);
  if (usage == nullptr) return false;
  ++usage->flows;
  ++usage->by_correspondent[correspondent];
  ++usage->by_holder[holder];
  return true;
}

bool HomeAddressTable::flow_removed(const Address& home_address, const Address& correspondent, const Address& holder) {
  Usage* usage = usage_of(home_address);
  if (usage == nullptr || count_in(usage->by_correspondent, correspondent) == 0 || count_in(usage->by_holder, holder) == 0)
    return false;
  --usage->flows;
  take_one(usage->by_correspondent, correspondent);
  take_one(usage->by_holder, holder);
  return true;
}

bool HomeAddressTable::holder_changed(const Address& home_address, const Address& old_holder, const Address& new_holder) {
  Usage* usage = usage_of(home_address);
  if (usage == nullptr || count_in(usage->by_holder, old_holder) == 0) return false;
  take_one(usage->by_holder, old_holder);
  ++usage->by_holder[new_holder];
  return true;
}

std::size_t HomeAddressTable::flows(const Address& home_address) const {
  const Usage* usage = usage_of(home_address);
  return usage == nullptr ? 0 : usage->flows;
}

std::size_t HomeAddressTable::flows_to_correspondent(const Address& home_address, const Address& correspondent) const {
  const Usage* usage = usage_of(home_address);
  return usage == nullptr ? 0 : count_in(usage->by_correspondent, correspondent);
}

std::size_t HomeAddressTable::flows_with_holder(const Address& home_address, const Address& holder) const {
  const Usage* usage = usage_of(home_address);
  return usage == nullptr ? 0 : count_in(usage->by_holder, holder);
}

}  // namespace mipflow::hoa_alloc
