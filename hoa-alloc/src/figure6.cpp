// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/hoa-alloc/figure6.hpp"

namespace mipflow::hoa_alloc {
namespace {

// Steps 36, 37, 38 and 44 in one look-up: the figure walks over the flows of `home_address` until one answers its question
// with yes; the table has counted them.
std::size_t flows_in_conflict(const HomeAddressTable& table, const Address& home_address, const NewFlow& flow,
                              IndependenceQuestion question) {
  switch (question) {
    case IndependenceQuestion::SameBindingHolder:
      return table.flows_with_holder(home_address, flow.binding_holder);
    case IndependenceQuestion::SameCorrespondentNode:
      return table.flows_to_correspondent(home_address, flow.correspondent);
  }
  return 0;
}

}  // namespace

std::optional<Address> assign_home_address(const HomeAddressTable& table, const NewFlow& flow, const SelectionRules& rules,
                                           const Usable& usable, bool can_allocate) {
  // WO 2004/057826, Figure 6
  const auto& entries = table.entries();
  for (auto ha = entries.rbegin(); ha != entries.rend(); ++ha) {  // 35: the last; 41, 42: the one before it
    if (table.is_primary(ha->home_address)) {
      if (rules.strict_primary) continue;
      if (rules.avoid_primary && can_allocate) continue;
    }
    if (!usable(*ha)) continue;
    if (flows_in_conflict(table, ha->home_address, flow, rules.question) == 0) return ha->home_address;  // 39
  }
  return std::nullopt;  // 43
}

std::optional<Sharing> least_harmful_sharing(const HomeAddressTable& table, const NewFlow& flow, const SelectionRules& rules,
                                             const Usable& usable, InterfaceIndex wanted) {
  struct Candidate {
    Sharing sharing;
    bool avoided = false;  // by the rule avoid_primary
  };
  const auto less_harmful = [](const Candidate& a, const Candidate& b) {
    if (a.avoided != b.avoided) return b.avoided;
    if (a.sharing.on_wanted_interface != b.sharing.on_wanted_interface) return a.sharing.on_wanted_interface;
    return a.sharing.shares_with < b.sharing.shares_with;
  };

  std::optional<Candidate> best;
  const auto& entries = table.entries();
  for (auto ha = entries.rbegin(); ha != entries.rend(); ++ha) {
    const bool primary = table.is_primary(ha->home_address);
    if ((primary && rules.strict_primary) || !usable(*ha)) continue;
    const Candidate candidate{
        .sharing = {.home_address = ha->home_address,
                    .shares_with = flows_in_conflict(table, ha->home_address, flow, rules.question),
                    .on_wanted_interface = wanted == 0 || ha->interface == wanted},
        .avoided = primary && rules.avoid_primary};
    // An earlier candidate stays when both are equal: that is the figure's order.
    if (!best || less_harmful(candidate, *best)) best = candidate;
  }
  if (!best) return std::nullopt;
  return best->sharing;
}

}  // namespace mipflow::hoa_alloc
