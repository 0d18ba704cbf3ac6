// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent_discovery.hpp"

namespace mipflow::mobile_node {

void AgentDiscovery::start(TimePoint now) {
  identifier_ = random_.next_u16();
  backoff_.reset();
  postponed_ = false;
  next_ = now;
}

void AgentDiscovery::stop() {
  identifier_.reset();
  answered();
}

void AgentDiscovery::answered() {
  postponed_ = false;
  next_ = kNever;
}

std::optional<wire::HomeAgentAddressDiscoveryRequest> AgentDiscovery::on_deadline(TimePoint now) {
  if (now < next_ || is_last() || !identifier_) return std::nullopt;
  next_ = backoff_.sent_at(now);
  return wire::HomeAgentAddressDiscoveryRequest{.identifier = *identifier_};
}

void AgentDiscovery::postpone() {
  postponed_ = true;
  next_ = kNever;
}

void AgentDiscovery::resume(TimePoint now) {
  if (!postponed_) return;
  postponed_ = false;
  next_ = now;
}

}  // namespace mipflow::mobile_node
