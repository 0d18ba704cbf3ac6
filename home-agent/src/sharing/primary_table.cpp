// SPDX-License-Identifier: GPL-3.0-or-later
#include "sharing/primary_table.hpp"

namespace mipflow::home_agent {

DelegationNode* DelegationTable::find(const Address& home_address) {
  const auto found = delegations_.find(home_address);
  return found == delegations_.end() ? nullptr : &*found;
}

const DelegationNode* DelegationTable::find(const Address& home_address) const {
  const auto found = delegations_.find(home_address);
  return found == delegations_.end() ? nullptr : &*found;
}

DelegationNode& DelegationTable::insert(const Address& home_address) {
  const auto [found, inserted] = delegations_.try_emplace(home_address);
  if (inserted) {
    link(*found);
    count(found->second, true);
  }
  return *found;
}

void DelegationTable::erase(DelegationNode& node) {
  count(node.second, false);
  unlink(node);
  delegations_.erase(node.first);
}

void DelegationTable::relocate(DelegationNode& node, AgentIndex agent, AgentIndex next) {
  count(node.second, false);
  if (agent != node.second.agent) {
    unlink(node);
    node.second.agent = agent;
    link(node);
  }
  node.second.next = next;
  count(node.second, true);
}

const DelegationTable::Counts& DelegationTable::counts(AgentIndex agent) const {
  static const Counts kNothing;
  return agent < agents_.size() ? agents_[agent].counts : kNothing;
}

DelegationNode* DelegationTable::first_of(AgentIndex agent) const {
  return agent < agents_.size() ? agents_[agent].first : nullptr;
}

void DelegationTable::put_last(DelegationNode& node) {
  unlink(node);
  link(node);
}

std::vector<DelegationNode*> DelegationTable::all_of(AgentIndex agent) const {
  std::vector<DelegationNode*> out;
  out.reserve(counts(agent).held);
  for (DelegationNode* node = first_of(agent); node != nullptr; node = node->second.behind) out.push_back(node);
  return out;
}

DelegationTable::Agent& DelegationTable::agent(AgentIndex index) {
  if (index >= agents_.size()) agents_.resize(index + std::size_t{1});
  return agents_[index];
}

void DelegationTable::link(DelegationNode& node) {
  Agent& list = agent(node.second.agent);
  node.second.before = list.last;
  node.second.behind = nullptr;
  (list.last != nullptr ? list.last->second.behind : list.first) = &node;
  list.last = &node;
}

void DelegationTable::unlink(DelegationNode& node) {
  Agent& list = agent(node.second.agent);
  const Delegation& here = node.second;
  (here.before != nullptr ? here.before->second.behind : list.first) = here.behind;
  (here.behind != nullptr ? here.behind->second.before : list.last) = here.before;
}

void DelegationTable::count(const Delegation& delegation, bool more) {
  const auto change = [more](std::size_t& number) { more ? ++number : --number; };
  change(agent(delegation.agent).counts.held);
  if (delegation.next == kOwn) return;
  change(agent(delegation.agent).counts.leaving);
  change(agent(delegation.next).counts.arriving);
}

}  // namespace mipflow::home_agent
