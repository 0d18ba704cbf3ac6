// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <set>
#include <vector>

#include "mipflow/platform/kernel_objects.hpp"
#include "mipflow/platform/plan_changes.hpp"

namespace mipflow::platform {

// The rules for destinations that the policy leaves to the ordinary routing tables. While there is one, every home address
// has a rule too, in front of theirs: a socket that has a home address already keeps its way by mip0, or its packets would
// go onto a link with an address that does not belong there.
class BypassRules {
 public:
  // Of the prefixes the first kMostBypassedPrefixes in their order.
  static std::set<Rule> rules(const std::set<Address>& home_addresses, const std::set<Prefix>& prefixes);
  static std::set<Rule> rules(const forwarding::ForwardingPlan& plan);

  // As if the plan had been carried out.
  void begin(const forwarding::ForwardingPlan& plan);
  // What has to be added, in this order, and later removed, in this order, for the same changes.
  std::vector<Rule> add(const PlanChanges& changes);
  std::vector<Rule> remove(const PlanChanges& changes);

 private:
  std::set<Rule> wanted_after(const PlanChanges& changes);

  std::set<Address> home_addresses_;
  std::set<Prefix> prefixes_;
  std::set<Rule> carried_out_;
};

}  // namespace mipflow::platform
