// SPDX-License-Identifier: GPL-3.0-or-later
#include "path_mtu.hpp"

#include <algorithm>

namespace mipflow::mobile_node {

bool PathMtu::reported(const CareOf& care_of, std::uint32_t mtu, std::uint32_t link_mtu, TimePoint now) {
  if (mtu < kSmallest || mtu >= of(care_of, link_mtu)) return false;
  reports_.insert_or_assign(care_of.interface, Report{care_of, mtu, now + kForgetAfter});
  return true;
}

std::uint32_t PathMtu::of(const CareOf& care_of, std::uint32_t link_mtu) const {
  const auto found = reports_.find(care_of.interface);
  // Another care-of address means another network: what was learned there says nothing here.
  if (found == reports_.end() || found->second.care_of != care_of) return link_mtu;
  return std::min(link_mtu, found->second.mtu);
}

bool PathMtu::on_deadline(TimePoint now) {
  return std::erase_if(reports_, [now](const auto& item) { return item.second.until <= now; }) > 0;
}

TimePoint PathMtu::next_deadline() const {
  TimePoint next = kNever;
  for (const auto& [interface, report] : reports_) next = std::min(next, report.until);
  return next;
}

}  // namespace mipflow::mobile_node
