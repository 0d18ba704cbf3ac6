// SPDX-License-Identifier: GPL-3.0-or-later
#include "bypass_rules.hpp"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <iterator>

#include "mipflow/platform/names.hpp"

namespace mipflow::platform {

namespace {

Rule rule_from_home_address(const Address& home_address) {
  return {.preference = kRuleFromHomeAddress, .table = kRoutingTable, .from = Prefix(home_address, 128), .mark = 0, .mark_mask = kMark, .protocol = kRouteProtocol};
}

// One, or two halves for everything: to the kernel a rule without destination is the same as any other of its preference,
// and so there already.
std::vector<Rule> rules_to_bypassed(const Prefix& prefix) {
  const auto rule = [](const Prefix& to) {
    return Rule{.preference = kRuleBypassed, .table = RT_TABLE_MAIN, .to = to, .protocol = kRouteProtocol};
  };
  if (prefix.length() > 0) return {rule(prefix)};
  Address upper_half;
  upper_half.octets[0] = 0x80;
  return {rule(Prefix(Address{}, 1)), rule(Prefix(upper_half, 1))};
}

std::vector<Rule> missing(const std::set<Rule>& wanted, const std::set<Rule>& have) {
  std::vector<Rule> out;
  std::set_difference(wanted.begin(), wanted.end(), have.begin(), have.end(), std::back_inserter(out));
  return out;
}

}  // namespace

std::set<Rule> BypassRules::rules(const std::set<Address>& home_addresses, const std::set<Prefix>& prefixes) {
  std::set<Rule> out;
  if (prefixes.empty()) return out;
  for (const Address& address : home_addresses) out.insert(rule_from_home_address(address));
  std::size_t count = 0;
  for (const Prefix& prefix : prefixes) {
    if (count++ == forwarding::kMostBypassedPrefixes) break;
    for (const Rule& rule : rules_to_bypassed(prefix)) out.insert(rule);
  }
  return out;
}

std::set<Rule> BypassRules::rules(const forwarding::ForwardingPlan& plan) {
  BypassRules out;
  out.begin(plan);
  return out.carried_out_;
}

void BypassRules::begin(const forwarding::ForwardingPlan& plan) {
  home_addresses_.clear();
  prefixes_.clear();
  for (const auto& entry : plan.home_addresses.items()) home_addresses_.insert(entry.first);
  for (const auto& entry : plan.bypassed_prefixes.items()) prefixes_.insert(entry.first);
  carried_out_ = rules(home_addresses_, prefixes_);
}

std::set<Rule> BypassRules::wanted_after(const PlanChanges& changes) {
  for (const auto& entry : changes.home_addresses.set) home_addresses_.insert(entry.first);
  for (const auto& entry : changes.bypassed_prefixes.set) prefixes_.insert(entry.first);
  for (const auto& address : changes.home_addresses.erase) home_addresses_.erase(address);
  for (const auto& prefix : changes.bypassed_prefixes.erase) prefixes_.erase(prefix);
  return rules(home_addresses_, prefixes_);
}

std::vector<Rule> BypassRules::add(const PlanChanges& changes) {
  // In the order of their preferences: the home addresses' first.
  auto out = missing(wanted_after(changes), carried_out_);
  carried_out_.insert(out.begin(), out.end());
  return out;
}

std::vector<Rule> BypassRules::remove(const PlanChanges& changes) {
  auto out = missing(carried_out_, wanted_after(changes));
  for (const Rule& rule : out) carried_out_.erase(rule);
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace mipflow::platform
