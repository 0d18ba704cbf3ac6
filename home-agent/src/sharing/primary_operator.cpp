// SPDX-License-Identifier: GPL-3.0-or-later
// What the operator says by hand.
#include "sharing/primary_implementation.hpp"

namespace mipflow::home_agent {

Expected<DelegationNode*, std::string> Primary::Implementation::find_bound(const Address& home_address) {
  DelegationNode* node = table_.find(home_address);
  if (node == nullptr)
    return Unexpected{to_string(home_address) + " is not bound: its mobile node has to be registered with this home agent"};
  return node;
}

Expected<AgentIndex, std::string> Primary::Implementation::find_agent(const std::string& name) const {
  if (const AgentIndex index = index_of_name(name); index != kOwn) return index;
  std::string known;
  for (const auto& agent : agents_)
    if (agent) known += (known.empty() ? "" : ", ") + agent->configured.name;
  return Unexpected{"there is no secondary '" + name + "'; " +
                    (known.empty() ? "none is configured" : "the configuration has " + known)};
}

Expected<void, std::string> Primary::Implementation::delegate(const Address& home_address, const std::string& name, Now now) {
  const auto node = find_bound(home_address);
  if (!node) return Unexpected{node.error()};
  const auto found = find_agent(name);
  if (!found) return Unexpected{found.error()};
  const AgentOfPrimary& target = agent(*found);
  if (!target.can_be_told()) return Unexpected{"secondary " + name + " does not answer: is it running, with the same key?"};
  if (target.drains())
    return Unexpected{"secondary " + name + " is being drained and takes nothing: end that first, or give it a weight above 0"};
  move(**node, *found, "operator", now);
  (*node)->second.reason = "operator";
  if ((*node)->second.destination() != *found)
    return Unexpected{"the binding of " + to_string(home_address) + " ends in a moment: try again when it has been refreshed"};
  (*node)->second.by_operator = true;
  changed_ = true;
  return {};
}

Expected<void, std::string> Primary::Implementation::recall(const Address& home_address, Now now) {
  const auto node = find_bound(home_address);
  if (!node) return Unexpected{node.error()};
  move(**node, kOwn, "operator", now);
  (*node)->second.reason = "operator";
  (*node)->second.by_operator = true;
  changed_ = true;
  return {};
}

Expected<void, std::string> Primary::Implementation::release(const Address& home_address) {
  const auto node = find_bound(home_address);
  if (!node) return Unexpected{node.error()};
  if (!(*node)->second.by_operator)
    return Unexpected{to_string(home_address) + " was not delegated or recalled by hand: there is nothing to release"};
  (*node)->second.by_operator = false;
  changed_ = true;
  return {};
}

Expected<void, std::string> Primary::Implementation::drain(const std::string& name, bool on, Now now) {
  const auto found = find_agent(name);
  if (!found) return Unexpected{found.error()};
  AgentOfPrimary& drained = agent(*found);
  if (!on && drained.configured.weight == 0)
    return Unexpected{"secondary " + name + " has weight 0 in the configuration: give it a weight above 0 and reload"};
  if (!on && drained.is_retiring) return Unexpected{"secondary " + name + " is shutting down and wants to be drained"};
  drained.drained_by_operator = on;
  drained.empty_is_told = !on;
  divide_soon(now);
  return {};
}

}  // namespace mipflow::home_agent
